/**
 * The lease as a file beside the object of the job, so that renewals never meet its writes. It names the process that
 * holds it. When the machine says that this process is dead, others take over at once; where it cannot say (another
 * container, a stopped or blocked process), they wait until the lease has not changed for its whole duration, measured
 * on their own monotonic clock. No wall clock is compared.
 */
import type { Clock } from '../../lib/clock.ts';
import { checkedLeaseTimes, type Elector, type LeaseTimes } from '../../lib/elector.ts';
import { waitFor } from '../../lib/waiting.ts';
import { LeaderElectionException } from '../errors.ts';
import { currentProcess, type Liveness, livenessOf, type ProcessIdentity } from './process-identity.ts';
import { type Versioned, VersionedFile } from './versioned-file.ts';

/** Who holds the lease. An empty holder has given it back. */
export interface LeaseRecord {
  readonly holder: string;
  readonly process: ProcessIdentity;
  readonly durationMs: number;
  /** How often it changed hands. */
  readonly transitions: number;
  readonly renewals: number;
}

/** What a contender knows when it looks at the lease. */
export interface LeaseFacts {
  readonly record: LeaseRecord | undefined;
  readonly me: string;
  readonly liveness: Liveness;
  /** How long this contender has been seeing the same record. */
  readonly unchangedMs: number;
  readonly longestMs: number;
}

/** Take the lease, find oneself holding it, or look again later. */
export function decideLease({ record, me, liveness, unchangedMs, longestMs }: LeaseFacts): 'take' | 'mine' | 'wait' {
  if (record === undefined || record.holder === '') return 'take';
  if (record.holder === me) return 'mine';
  if (liveness === 'dead') return 'take';
  return unchangedMs > Math.min(record.durationMs, longestMs) ? 'take' : 'wait';
}

/** How often a contender looks whether the holder still lives. */
const LOOK_MS = 50;
/** A lease that claims to last longer than this many of our own has been tampered with. */
const LONGEST_LEASES = 4;

export interface EmbeddedElectorOptions {
  readonly directory: string;
  /** Unique to this process and term. */
  readonly identity: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly times: LeaseTimes;
}

export class EmbeddedElector implements Elector {
  private readonly file: VersionedFile<LeaseRecord>;
  private readonly identity: string;
  private readonly clock: Clock;
  private readonly times: LeaseTimes;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private isOver = false;
  private seen: { readonly mark: string; readonly since: number } | undefined;

  constructor({ directory, identity, clock, newId, times }: EmbeddedElectorOptions) {
    // Losing the newest lease in a power failure does no harm: the process that held it has died with the machine.
    this.file = new VersionedFile({ directory, parse: parseLease, newId, durable: false, keep: 4 });
    this.identity = identity;
    this.clock = clock;
    this.times = checkedLeaseTimes(times);
  }

  async acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    while (!signal.aborted && !this.isOver) {
      const lease = await this.file.read();
      const decision = this.decide(lease?.value, this.unchangedMs(lease?.mark ?? ''));
      const transitions = (lease?.value?.transitions ?? 0) + (decision === 'take' ? 1 : 0);
      if (decision !== 'wait' && (await this.write(lease, transitions))) return { transitions };
      await waitFor(this.clock, LOOK_MS, signal);
    }
    return undefined;
  }

  async hold(signal: AbortSignal): Promise<Error | undefined> {
    let delayMs = this.times.retryMs;
    for (;;) {
      await waitFor(this.clock, delayMs, signal);
      if (signal.aborted) return undefined;
      if (!this.isHeld()) return this.lost('it was not renewed in time');
      const lease = await this.file.read().catch(() => undefined);
      // No lease read is no proof of loss: renewing is tried again until the deadline.
      if (lease?.value !== undefined && lease.value.holder !== this.identity) {
        return this.lost(lease.value.holder === '' ? 'it was emptied' : `${lease.value.holder} holds it`);
      }
      const renewed = lease?.value !== undefined && (await this.write(lease, lease.value.transitions));
      delayMs = renewed ? this.times.retryMs : Math.min(this.times.retryMs, LOOK_MS);
    }
  }

  isHeld(): boolean {
    return !this.isOver && this.clock.monotonic() < this.renewedAt + this.times.renewDeadlineMs;
  }

  async release(): Promise<void> {
    this.isOver = true;
    const lease = await this.file.read();
    if (lease?.value?.holder !== this.identity) return;
    await this.file.compareAndSet(lease, { ...lease.value, holder: '', durationMs: 1 });
  }

  /** How long the lease has been looking the same to this contender. */
  private unchangedMs(mark: string): number {
    const now = this.clock.monotonic();
    if (this.seen?.mark !== mark) this.seen = { mark, since: now };
    return now - this.seen.since;
  }

  private decide(record: LeaseRecord | undefined, unchangedMs: number): 'take' | 'mine' | 'wait' {
    const liveness = record === undefined ? 'unknown' : livenessOf(record.process);
    const longestMs = LONGEST_LEASES * this.times.durationMs;
    return decideLease({ record, me: this.identity, liveness, unchangedMs, longestMs });
  }

  /** Takes or renews the lease. The time counts from before the write: that is the earliest others can have seen it. */
  private async write(from: Versioned<LeaseRecord | undefined> | undefined, transitions: number): Promise<boolean> {
    const startedAt = this.clock.monotonic();
    const renewals = (from?.value?.renewals ?? 0) + 1;
    const { durationMs } = this.times;
    const record = { holder: this.identity, process: currentProcess(), durationMs, transitions, renewals };
    const { answer } = await this.file.compareAndSet(from, record);
    if (answer === 'done') this.renewedAt = startedAt;
    return answer === 'done';
  }

  private lost(why: string): Error {
    this.isOver = true;
    return new LeaderElectionException(`the lease in ${this.file.directory} is lost: ${why}`);
  }
}

/** The lease of a parsed JSON text; undefined when it is not one. */
export function parseLease(json: unknown): LeaseRecord | undefined {
  const record = json as Partial<LeaseRecord> | null;
  const isSound =
    typeof record === 'object' &&
    record !== null &&
    typeof record.holder === 'string' &&
    typeof record.process === 'object' &&
    [record.durationMs, record.transitions, record.renewals].every((value) => Number.isFinite(value));
  return isSound ? (record as LeaseRecord) : undefined;
}
