/**
 * Contends for a Kubernetes Lease, and keeps it.
 *
 *     acquire ──► look ──► free, run out: put ──► held ──► hold: put every half deadline ──► release: holder ""
 *                  ▲  └─── held by another: watch it, wait until it may have run out          │
 *                  └────────────── refused: look again                                        └─► lost: gate closed first
 *
 * Each put is conditional on the version that was looked at, so of several contenders one wins. A lease lasts from the
 * moment before the put was sent: no other contender can have seen it earlier. When a put's answer is lost, the lease is
 * looked at; what it says counts.
 *
 * A standby costs nothing while the lease is kept: it watches, and the watch resets its patience at every renewal.
 */

import {
  type ApiClient,
  ApiError,
  isNewer,
  LEASES,
  type Lease,
  type LeaseSpec,
  type WatchEvent,
  watch,
} from '../kube/index.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import { checkedLeaseTimes, type Elector, type LeaseTimes } from '../lib/elector.ts';
import { waitFor } from '../lib/waiting.ts';
import type { WriteGate } from '../lib/write-gate.ts';
import { LeaseLostError } from './errors.ts';
import { decideLease, heldRecord, releasedRecord } from './lease-record.ts';

/** What an elector is made of. */
export interface LeaseElectorOptions {
  /** Leases go over a connection of their own, which no gate closes. */
  readonly client: ApiClient;
  readonly namespace: string;
  /** Made when it does not exist, where this process may make it. */
  readonly name: string;
  /** Unique to this process and term. */
  readonly identity: string;
  readonly times: LeaseTimes;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told what went wrong and is tried again. */
  readonly trouble?: (error: Error) => void;
}

/** A lease as this process last saw it. */
interface Seen {
  readonly lease: Lease | undefined;
  /** By the monotonic clock, when this version was seen first. */
  readonly since: number;
}

/** Shortest time given to a request, also when the lease is about to run out. */
const SHORTEST_DEADLINE_MS = 50;
/** A request for a lease is answered in milliseconds, or its connection is no good. */
const LONGEST_DEADLINE_MS = 5_000;
/** So many tries to give a lease back that somebody edits at the same time, or from which no answer comes. */
const RELEASE_TRIES = 3;

export class LeaseElector implements Elector {
  private readonly options: LeaseElectorOptions;
  private readonly client: ApiClient;
  private readonly end = new AbortController();
  private seen: Seen | undefined;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private transitions = 0;
  private isOver = false;
  /** Requests in a row that got no answer in time. */
  private unanswered = 0;

  constructor(options: LeaseElectorOptions) {
    this.options = { ...options, times: checkedLeaseTimes(options.times) };
    this.client = options.client.onLeaseLane();
  }

  /** Open while the lease was renewed recently enough; closed for good before `hold` tells of a loss. */
  get gate(): WriteGate {
    return { remainingMs: () => this.remainingMs(), closed: this.end.signal };
  }

  isHeld(): boolean {
    return this.remainingMs() > 0;
  }

  async acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    const rival = new RivalWatch(this.options, (lease) => this.see(lease));
    try {
      while (!signal.aborted && !this.isOver) {
        if (this.seen === undefined && !(await this.look())) {
          await this.pauseAfterTrouble(signal);
          continue;
        }
        const decision = this.decide();
        if (decision.do === 'wait') await this.waitForChange(rival, decision.ms, signal);
        else if (await this.take(signal)) return await this.acquired(signal);
      }
      return undefined;
    } finally {
      await rival.stop();
    }
  }

  async hold(signal: AbortSignal): Promise<Error | undefined> {
    const { clock, times } = this.options;
    // Half the deadline leaves time for tries after one that failed, and asks the server half as often as those.
    const calmMs = Math.max(times.retryMs, times.renewDeadlineMs / 2);
    let delayMs = calmMs;
    for (;;) {
      await waitFor(clock, Math.min(delayMs, this.remainingMs()), signal);
      // The deadline passes also while a request hangs; what becomes of that one is of no interest then.
      const isRenewed = this.isHeld() && !signal.aborted && (await this.renewedInTime(signal));
      if (signal.aborted) return undefined;
      if (!this.isHeld()) return this.lost('it could not be renewed in time');
      const holder = this.seen?.lease?.spec?.holderIdentity;
      // Whoever emptied it, or took it, has ended this term; a Lease that was deleted is made again.
      if (this.seen?.lease !== undefined && holder !== this.options.identity) {
        return this.lost(holder === undefined || holder === '' ? 'it was emptied' : `${holder} holds it`);
      }
      delayMs = isRenewed ? calmMs : Math.min(times.retryMs, calmMs / 4);
    }
  }

  async release(): Promise<void> {
    const wasContending = this.renewedAt !== Number.NEGATIVE_INFINITY;
    this.over();
    if (!wasContending) return;
    // There is no hurry any more that would make a short patience worth while; without a release others wait for it all.
    const call = { signal: NEVER, deadlineMs: Math.min(this.options.times.durationMs, LONGEST_DEADLINE_MS) };
    for (let tries = 1; ; tries += 1) {
      const lease = this.seen?.lease;
      if (lease?.spec?.holderIdentity !== this.options.identity) return;
      try {
        const record = releasedRecord(lease.spec, this.options.clock.now());
        await this.client.replace(LEASES, withSpec(lease, record), call);
        return;
      } catch (error) {
        if (tries === RELEASE_TRIES) throw error;
        // Edited in between, or the answer was lost: what is there now says whether it still has to be given back.
        await this.look(call);
      }
    }
  }

  private remainingMs(): number {
    if (this.isOver) return 0;
    return Math.max(0, this.renewedAt + this.options.times.renewDeadlineMs - this.options.clock.monotonic());
  }

  /** Taken: unless meanwhile nobody wants it any more, for then others should have it. */
  private async acquired(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    if (!signal.aborted && !this.isOver) return { transitions: this.transitions };
    await this.release();
    return undefined;
  }

  private decide() {
    const { clock, identity: me, times } = this.options;
    const unchangedMs = clock.monotonic() - (this.seen?.since ?? 0);
    return decideLease({ record: this.seen?.lease?.spec, me, unchangedMs, ownDurationMs: times.durationMs });
  }

  /** Whether the lease could be taken; when it could not, another try makes sense. */
  private async take(signal: AbortSignal): Promise<boolean> {
    const result = await this.put();
    // It may have been taken: what is there now decides, not what was there before.
    if (result === 'unknown') this.seen = undefined;
    // Who came second looks again at once; what the server refuses now it will refuse in a moment as well.
    if (result === 'refused' || result === 'unknown') await this.pauseAfterTrouble(signal);
    return result === 'done';
  }

  private async waitForChange(rival: RivalWatch, ms: number, signal: AbortSignal): Promise<void> {
    const { clock, random, times } = this.options;
    rival.start();
    const pollMs = times.retryMs * (1 + 1.2 * random());
    await rival.change(clock, rival.isBlind ? Math.min(ms, pollMs) : ms, signal);
    // Blind, one has to ask.
    if (rival.isBlind && !signal.aborted) await this.look();
  }

  private async renewedInTime(signal: AbortSignal): Promise<boolean> {
    const enough = new AbortController();
    const tooLate = waitFor(this.options.clock, this.remainingMs(), AbortSignal.any([signal, enough.signal]));
    const isRenewed = await Promise.race([this.renewed(), tooLate.then(() => false)]);
    enough.abort();
    return isRenewed;
  }

  /** Renews once, and once more when only something else than the holder was changed in between. */
  private async renewed(): Promise<boolean> {
    const first = await this.put();
    if (first === 'done' || first === 'unknown') return first === 'done';
    const lease = this.seen?.lease;
    const isStillMine = lease === undefined || lease.spec?.holderIdentity === this.options.identity;
    return isStillMine && this.isHeld() && (await this.put()) === 'done';
  }

  /** Takes or renews the version last seen. Where another was first or it was refused, the lease was looked at again. */
  private async put(): Promise<'done' | 'raced' | 'refused' | 'unknown'> {
    const { clock, identity: me, namespace, name, times } = this.options;
    const before = this.seen?.lease;
    const startedAt = clock.monotonic();
    const facts = { me, now: clock.now(), ownDurationMs: times.durationMs, leastTransitions: this.transitions };
    const spec = heldRecord(before?.spec, facts);
    try {
      const after =
        before === undefined
          ? await this.client.create(LEASES, { metadata: { namespace, name }, spec }, this.call())
          : await this.client.replace(LEASES, withSpec(before, spec), this.call());
      this.see(after);
      this.unanswered = 0;
    } catch (error) {
      const isRace = isLostRace(error, before === undefined);
      if (!isRace) this.tell(error);
      // Was only the answer lost, the lease names us now, and the next put renews it.
      if (!(await this.look())) return 'unknown';
      return isRace ? 'raced' : 'refused';
    }
    this.renewedAt = startedAt;
    this.transitions = spec.leaseTransitions;
    return 'done';
  }

  /** Reads the lease; false when that failed, and then nothing is known of it. */
  private async look(call = this.call()): Promise<boolean> {
    const { namespace, name } = this.options;
    try {
      this.see(await this.client.get(LEASES, { namespace, name }, call));
      this.unanswered = 0;
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  private see(lease: Lease | undefined): void {
    const [known, shown] = [versionOf(this.seen?.lease), versionOf(lease)];
    // What a watch tells may be older than what was read since; then it says nothing new.
    const isOld = known !== undefined && shown !== undefined && !isNewer(shown, known);
    const isSame = this.seen !== undefined && known === shown;
    if (!isOld && !isSame) this.seen = { lease, since: this.options.clock.monotonic() };
  }

  /**
   * Short at first: a connection that has gone quiet leaves time for another. Twice as long after each that was not
   * answered in time: a server that is only slow gets its chance. Requests under way are not abandoned, since then nobody
   * knew what became of them.
   */
  private call() {
    const { renewDeadlineMs } = this.options.times;
    const leftMs = this.isHeld() ? this.remainingMs() : renewDeadlineMs;
    const patienceMs = Math.min((renewDeadlineMs / 8) * 2 ** this.unanswered, LONGEST_DEADLINE_MS);
    return { signal: NEVER, deadlineMs: Math.max(SHORTEST_DEADLINE_MS, Math.min(leftMs, patienceMs)) };
  }

  private async pauseAfterTrouble(signal: AbortSignal): Promise<void> {
    const { clock, random, times } = this.options;
    await waitFor(clock, times.retryMs * (1 + 1.2 * random()), signal);
  }

  private tell(error: unknown): void {
    if (error instanceof ApiError && error.code === 'KUBE_DEADLINE') this.unanswered += 1;
    this.options.trouble?.(error instanceof Error ? error : new Error(String(error)));
  }

  private lost(why: string): Error {
    const { namespace, name, identity } = this.options;
    this.over();
    return new LeaseLostError(`lease ${namespace}/${name} of ${identity}`, why);
  }

  /** The gate closes before anybody hears of it. */
  private over(): void {
    this.isOver = true;
    this.end.abort();
  }
}

/** Somebody else was first, or took the Lease away. Where one cannot be made, its namespace is missing. */
function isLostRace(error: unknown, isCreation: boolean): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.isConflict || error.isAlreadyExists || (error.isNotFound && !isCreation);
}

const NEVER = new AbortController().signal;

/** Watches a lease that another holds. */
class RivalWatch {
  private readonly options: LeaseElectorOptions;
  private readonly see: (lease: Lease | undefined) => void;
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private changed = Promise.withResolvers<void>();
  private listed: Lease | undefined;
  /** Whether nothing is seen at present. */
  isBlind = true;

  constructor(options: LeaseElectorOptions, see: (lease: Lease | undefined) => void) {
    this.options = options;
    this.see = see;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  /** Ends at the next change, after a while, or when the signal fires. */
  async change(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const { promise } = this.changed;
    await Promise.race([promise, waitFor(clock, ms, AbortSignal.any([signal, enough.signal]))]);
    enough.abort();
  }

  private async run(): Promise<void> {
    const { client, clock, namespace, name, random } = this.options;
    const fieldSelector = `metadata.name=${name}`;
    const { signal } = this.stopped;
    for await (const event of watch(client, LEASES, { namespace, fieldSelector, signal, clock, random })) {
      this.take(event);
      this.wake();
    }
  }

  private take(event: WatchEvent<Lease>): void {
    switch (event.type) {
      case 'init':
        this.listed = undefined;
        return;
      case 'initApply':
        this.listed = event.object;
        return;
      case 'bookmark':
        return;
      case 'interrupted':
        this.isBlind = true;
        return;
      case 'initDone':
        this.see(this.listed);
        break;
      case 'apply':
        this.see(event.object);
        break;
      case 'delete':
        this.see(undefined);
        break;
      default:
        assertNever(event);
    }
    this.isBlind = false;
  }

  private wake(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}

/** The Lease with another record; its version makes the put conditional. */
function withSpec({ metadata = {} }: Lease, spec: LeaseSpec): Lease {
  const { managedFields: _, ...kept } = metadata;
  return { metadata: kept, spec };
}

function versionOf(lease: Lease | undefined): string | undefined {
  return lease?.metadata?.resourceVersion;
}
