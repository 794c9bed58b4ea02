/**
 * Joins the two halves of leadership: the lease, which says who may try, and the epoch, which says who may write. The
 * same for every backend.
 */

import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import type { Elector } from '../lib/elector.ts';
import { FlinkJobError, messageOf } from '../lib/errors.ts';
import { waitFor } from '../lib/waiting.ts';
import {
  HaObjectCorruptException,
  HaObjectMissingException,
  HaStoreException,
  LeaderElectionException,
  NotLeaderException,
  tryAll,
} from './errors.ts';
import type { FencedWriter, TakeOver } from './fenced-writer.ts';
import type { Epoch, HaSnapshot } from './handle-backend.ts';
import { leaderKey } from './keys.ts';
import type { LeaderElectionDriver, LeaderElectionListener } from './leader-election.ts';
import { encodeLeaderInformation, type LeaderInformation, leadersIn } from './leader-information.ts';
import { errorOf } from './outcome-error.ts';
import { putOperation } from './state-handle-operations.ts';
import { NO_PAST, type StoredPast } from './stored-past.ts';

export interface LeaseElectionDriverOptions {
  readonly writer: FencedWriter;
  readonly elector: Elector;
  /** Unique to this process and term; the same the elector uses. */
  readonly identity: string;
  /** The attempt this process belongs to: it leads no other. Undefined: any. */
  readonly attempt: number | undefined;
  /** What the storage tells of earlier leaders; asked by whoever holds the lease, before the epoch is raised. @default nothing */
  readonly past?: () => Promise<StoredPast>;
  readonly clock: Clock;
  readonly newSessionId: () => string;
  readonly listener: LeaderElectionListener;
  /** Told what went wrong and is tried again. @default nobody is told */
  readonly warn?: (message: string) => void;
}

/** Before the epoch is tried again, after it could not be raised. */
const TAKE_OVER_RETRY_MS = 50;
const BEHIND =
  'is older than what lies in the storage: it was put back, or made anew. Its pointers are dropped, and the newest whole checkpoint in the storage counts';

export class LeaseElectionDriver implements LeaderElectionDriver {
  private readonly options: LeaseElectionDriverOptions;
  private readonly stopped = new AbortController();
  /** Fires when a write finds a later epoch: the lease may still be ours, the leadership is not. */
  private readonly fenced = new AbortController();
  private running: Promise<void> | undefined;

  constructor(options: LeaseElectionDriverOptions) {
    this.options = options;
  }

  start(): void {
    this.running ??= this.run().catch((error: unknown) => {
      this.options.listener.failed(
        error instanceof FlinkJobError ? error : new LeaderElectionException('the election broke', { cause: error }),
      );
    });
  }

  hasLeadership(): boolean {
    const { writer, elector } = this.options;
    return writer.epoch !== undefined && elector.isHeld();
  }

  async publish(componentId: string, information: LeaderInformation | undefined): Promise<void> {
    const { writer } = this.options;
    const text = information === undefined ? undefined : encodeLeaderInformation(information);
    const outcome = await writer.submit(putOperation(leaderKey(componentId), text, { grows: false }));
    if (outcome.outcome === 'done') return;
    const error = errorOf(outcome, `the leader of ${componentId}`, writer);
    // That this process leads no longer is told by a revocation; what is gone needs no removing.
    const isMoot = error instanceof HaObjectMissingException && information === undefined;
    if (!(error instanceof NotLeaderException) && !isMoot) throw error;
  }

  async close(): Promise<void> {
    const { writer, elector } = this.options;
    await writer.end();
    this.stopped.abort();
    await this.running;
    // Last: whoever is waiting takes over now, and this process writes nothing any more.
    await elector.release();
  }

  private async run(): Promise<void> {
    const { listener, elector, newSessionId } = this.options;
    const epoch = await this.takeOver();
    if (epoch === undefined) return;
    if (this.stopped.signal.aborted) return this.options.writer.end();
    listener.granted({ sessionId: newSessionId(), epoch });
    const unwatch = this.options.writer.backend.watch({
      seen: (snapshot) => this.look(snapshot),
      // Failing to look changes nothing: the next write or the next look will tell.
      failed: () => {},
    });
    const cause = await elector.hold(AbortSignal.any([this.stopped.signal, this.fenced.signal]));
    unwatch();
    if (this.stopped.signal.aborted) return;
    // A lost lease is told at once: where the server does not answer, ending the writes takes its time.
    if (cause !== undefined) listener.revoked(cause);
    const failures = await tryAll([() => this.options.writer.end(), () => elector.release()]);
    // One that is still held is given back first: whoever hears of the revocation may end the process.
    if (cause === undefined) listener.revoked(this.fenced.signal.reason as Error);
    for (const failure of failures) listener.failed(failure as Error);
  }

  /** Wins the lease and raises the epoch; undefined when it was stopped, or this process may not lead. */
  private async takeOver(): Promise<Epoch | undefined> {
    const { writer, elector, identity, attempt, clock, warn } = this.options;
    const { signal } = this.stopped;
    for (;;) {
      // After a refused bump the lease comes first again: somebody else may have it by now.
      const won = await elector.acquire(signal);
      if (won === undefined) return undefined;
      const taken = await writer.takeOver({
        identity,
        atLeast: won.transitions,
        past: await this.past(),
        gate: () => elector.isHeld(),
        lost: (cause) => this.fenced.abort(cause),
        ...(attempt === undefined ? {} : { attempt }),
      });
      if (taken.taken) {
        if (taken.wasBehind) warn?.(`${writer.backend.name} ${BEHIND}`);
        return taken.epoch;
      }
      const never = this.whyNever(taken);
      if (never !== undefined) {
        await elector.release();
        throw never;
      }
      if (taken.reason === 'unknown') {
        warn?.(`the lease is held, and the epoch of ${writer.backend.name} not raised yet: ${messageOf(taken.cause)}`);
      }
      await waitFor(clock, TAKE_OVER_RETRY_MS, signal);
    }
  }

  /** Without it nothing could be restored either: the process ends and says so, and another one may be luckier. */
  private async past(): Promise<StoredPast> {
    try {
      return (await this.options.past?.()) ?? NO_PAST;
    } catch (error) {
      await this.options.elector.release();
      throw error;
    }
  }

  /** Why another try would be answered in the same way, until somebody mends something; undefined where it may succeed. */
  private whyNever({ reason, cause }: Extract<TakeOver, { taken: false }>): Error | undefined {
    const { elector, attempt } = this.options;
    const { name } = this.options.writer.backend;
    switch (reason) {
      case 'attempt':
        return new LeaderElectionException(`attempt ${attempt} is not the open one of ${name}: exit`);
      case 'missing':
        return new HaObjectMissingException(name);
      case 'refused':
        return elector.isHeld() ? new HaStoreException('raising the epoch', name, cause) : undefined;
      case 'moved':
      case 'unknown':
        return cause instanceof HaObjectCorruptException ? cause : undefined;
      default:
        return assertNever(reason);
    }
  }

  /** Hands on what others find as leaders, and notices a later epoch without waiting for the next write. */
  private look(snapshot: HaSnapshot | undefined): void {
    const { writer, listener } = this.options;
    if (snapshot === undefined || this.stopped.signal.aborted) return;
    writer.observe(snapshot);
    if (this.hasLeadership()) listener.informationChanged(leadersIn(snapshot.entries));
  }
}
