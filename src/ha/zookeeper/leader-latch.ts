/**
 * Who leads: the contender whose node in the latch has the lowest number, as in Apache Curator's LeaderLatch, which Flink
 * uses. The nodes are ephemeral, so a contender that dies makes room when its session ends.
 *
 *     contend ──► lowest number ──► leads ──► connection gone, session gone, node gone, no answer for long ──► lost
 *        ▲              │ no
 *        └── the one before it goes    (each waits for one other: nobody is woken in vain, nothing polls)
 *
 * A leader without a connection has lost at once, since it can no longer know who leads. The gate closes before anybody
 * hears of it: `isHeld` looks at the connection itself, and at how long ago the server last answered.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Elector } from '../../lib/elector.ts';
import { messageOf } from '../../lib/errors.ts';
import { waitFor, waitUntil } from '../../lib/waiting.ts';
import { isRefusal, nameOf, type SessionEvent, type ZooKeeperClient } from '../../zookeeper/index.ts';
import { LeaderElectionException } from '../errors.ts';

export interface LeaderLatchOptions {
  readonly client: ZooKeeperClient;
  /** The node below which contenders have theirs. */
  readonly path: string;
  /** Unique to this process and term; the data of its node, for people. */
  readonly identity: string;
  readonly clock: Clock;
  /** A name nobody else has. */
  readonly newId: () => string;
  /** Keep leading without a connection as long as the session surely lives. @default false */
  readonly tolerateSuspended?: boolean;
  /** Called before the latch is given back. @default nothing happens */
  readonly beforeRelease?: () => Promise<void>;
  /** Told what went wrong and is tried again. @default nobody is told */
  readonly warn?: (message: string) => void;
}

/** Of the session's time: a leader that has had no answer for so long stops, well before the server may end the session. */
const HELD_FOR = 2 / 3;
/** Before it is tried again to contend, after that failed. */
const RETRY_MS = 50;

export class LeaderLatch implements Elector {
  readonly #options: LeaderLatchOptions;
  readonly #prefix: string;
  #term: Term | undefined;
  #isOver = false;

  constructor(options: LeaderLatchOptions) {
    this.#options = options;
    this.#prefix = `_c_${options.newId()}-latch-`;
  }

  async acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    const { client, clock, warn } = this.#options;
    while (!signal.aborted && !this.#isOver) {
      try {
        // How many have contended so far: it outlives an object that was removed under its leader.
        if (await this.#contend(signal)) return { transitions: Math.max(0, this.#term?.number ?? 0) + 1 };
      } catch (error) {
        if (client.state === 'closed') throw error;
        warn?.(`contending for ${this.#options.path} failed and is tried again: ${messageOf(error)}`);
        await waitFor(clock, RETRY_MS, signal);
      }
    }
    return undefined;
  }

  async hold(signal: AbortSignal): Promise<Error | undefined> {
    const { clock } = this.#options;
    const term = this.#term;
    if (term === undefined) return this.#lostBecause('it was never taken');
    while (!signal.aborted && term.end === undefined) {
      // Asked again when the time is over: answers that came meanwhile have prolonged it.
      if (term.isHeld()) await waitFor(clock, term.leftMs(), AbortSignal.any([signal, term.ended.signal]));
    }
    term.stopWatching();
    if (signal.aborted && term.end === undefined) return undefined;
    return this.#lostBecause(term.end ?? 'it was given back');
  }

  isHeld(): boolean {
    return !this.#isOver && this.#term?.isHeld() === true;
  }

  async release(): Promise<void> {
    this.#isOver = true;
    this.#term?.stopWatching();
    const { client } = this.#options;
    if (client.state === 'connected') {
      await this.#leave();
      return;
    }
    // Nobody can be told now. Should the session live on, its nodes must not keep others from leading.
    const unlisten = client.onSession(({ is }) => {
      unlisten();
      if (is === 'connected') this.#leave();
    });
  }

  /** Never throws: what stays goes with the session. */
  async #leave(): Promise<void> {
    const { client, path, beforeRelease, warn } = this.#options;
    try {
      await beforeRelease?.();
      for (const node of await this.#ownNodes()) await client.delete(`${path}/${node}`);
    } catch (error) {
      warn?.(`${path} could not be given back, and is free when the session ends: ${messageOf(error)}`);
    }
  }

  /** True when this contender leads; otherwise ends when there is reason to look again. */
  async #contend(signal: AbortSignal): Promise<boolean> {
    const { client, path } = this.#options;
    if (!(await connected(client, signal))) return false;
    const session = client.sessionId;
    const [own, ...doubles] = await this.#ownNodes();
    // An answer that was lost may have left one more.
    for (const double of doubles) await client.delete(`${path}/${double}`);
    if (own === undefined) {
      await this.#enter();
      return false;
    }
    const contenders = await this.#contenders();
    const place = contenders.indexOf(own);
    const before = contenders[place - 1];
    if (place === -1 || client.sessionId !== session || this.#isOver) return false;
    if (before === undefined) return this.#begin(`${path}/${own}`, session);
    await gone(client, `${path}/${before}`, signal);
    return false;
  }

  /** Begins the term, or makes sure of the one that has begun. */
  async #begin(node: string, session: bigint): Promise<boolean> {
    const term = this.#term ?? new Term({ ...this.#options, node, session });
    this.#term = term;
    if (term.isHeld()) return true;
    // It ended before anybody counted on it. Its node must not keep others from leading.
    term.stopWatching();
    this.#term = undefined;
    await this.#options.client.delete(node);
    return false;
  }

  async #enter(): Promise<void> {
    const { client, path, identity } = this.#options;
    try {
      await client.create(`${path}/${this.#prefix}`, Buffer.from(identity), 'ephemeralSequential');
    } catch (error) {
      if (!isRefusal(error, 'NoNode')) throw error;
      await client.ensurePath(path);
    }
  }

  /** In the order of their numbers. */
  async #contenders(): Promise<string[]> {
    const { client, path } = this.#options;
    await client.sync(path);
    const names = (await client.getChildren(path)) ?? [];
    return names.filter((name) => NUMBERED.test(name)).sort((a, b) => numberOf(a) - numberOf(b));
  }

  async #ownNodes(): Promise<string[]> {
    return (await this.#contenders()).filter((name) => name.startsWith(this.#prefix));
  }

  #lostBecause(why: string): Error {
    this.#isOver = true;
    return new LeaderElectionException(`the latch ${this.#options.path} is lost: ${why}`);
  }
}

const NUMBERED = /-latch-(-?\d+)$/;
const numberOf = (name: string): number => Number(NUMBERED.exec(name)?.[1] ?? 0);

/** From winning to losing. What ends it is noticed from the first instant, whether or not anybody waits for it. */
class Term {
  readonly ended = new AbortController();
  /** That of the node. */
  readonly number: number;
  /** Why it is over. */
  end: string | undefined;
  readonly #longestMs: number;
  readonly #facts: LeaderLatchOptions & { readonly node: string; readonly session: bigint };
  readonly #unwatch: readonly (() => void)[];

  constructor(facts: LeaderLatchOptions & { readonly node: string; readonly session: bigint }) {
    this.#facts = facts;
    const { client, node } = facts;
    this.number = numberOf(node);
    this.#longestMs = client.sessionTimeoutMs * HELD_FOR;
    this.#unwatch = [
      client.onSession((event) => this.#sessionChanged(event)),
      client.watch(node, 'node', ({ type }) => {
        if (type === 'deleted') this.endWith(`its node ${nameOf(node)} was removed`);
        if (type === 'resync') this.#lookAtNode();
      }),
    ];
  }

  /** For how long it is surely held unless an answer comes. */
  leftMs(): number {
    return this.#facts.client.answeredAt + this.#longestMs - this.#facts.clock.monotonic();
  }

  /** Once it has said no it always will: whoever was refused must not be followed by somebody who is not. */
  isHeld(): boolean {
    const { client, session, tolerateSuspended } = this.#facts;
    const isConnected = client.state === 'connected' || (tolerateSuspended === true && client.state === 'suspended');
    if (!isConnected) this.endWith('there is no connection');
    else if (client.sessionId !== session) this.endWith('the session is another one');
    else if (this.leftMs() <= 0) this.endWith(`the server has not answered for ${Math.round(this.#longestMs)} ms`);
    return this.end === undefined;
  }

  endWith(why: string): void {
    this.end ??= why;
    this.ended.abort();
  }

  stopWatching(): void {
    for (const end of this.#unwatch) end();
  }

  #sessionChanged(event: SessionEvent): void {
    const { session, tolerateSuspended } = this.#facts;
    if (event.is === 'lost' || event.is === 'closed') this.endWith('the session has ended');
    if (event.is === 'connected' && event.session !== session) this.endWith('the session is another one');
    if (event.is === 'suspended' && tolerateSuspended !== true) {
      this.endWith(`there is no connection (${event.cause.message})`);
    }
  }

  #lookAtNode(): void {
    const { client, node } = this.#facts;
    client.exists(node).then(
      (stat) => {
        if (stat === undefined) this.endWith(`its node ${nameOf(node)} was removed`);
      },
      // Without an answer the time that is left runs out.
      () => {},
    );
  }
}

/** Ends once there is a connection; false when the signal fired first. */
async function connected(client: ZooKeeperClient, signal: AbortSignal): Promise<boolean> {
  while (client.state !== 'connected' && !signal.aborted) {
    if (client.state === 'closed')
      throw new LeaderElectionException('the ZooKeeper client is closed: open the services anew');
    await waitUntil(signal, (done) => client.onSession(done));
  }
  return !signal.aborted;
}

/** Ends when the node is not there, or may not be the one it was: the connection is another one, or the signal fired. */
async function gone(client: ZooKeeperClient, node: string, signal: AbortSignal): Promise<void> {
  await waitUntil(signal, (done) => {
    const unwatch = client.watch(node, 'node', ({ type }) => {
      if (type === 'deleted') done();
      if (type === 'resync') {
        client.exists(node).then(
          (stat) => stat === undefined && done(),
          () => done(),
        );
      }
    });
    const offSession = client.onSession(done);
    return () => {
      unwatch();
      offSession();
    };
  });
}
