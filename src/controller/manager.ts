/**
 * The life of a process that runs controllers, in order, and its end in order.
 *
 *     probes ──► informers ──► copies whole ──► elected ──► controllers work
 *                    │              │ 2 min         │             ├── told to stop ──► readyz false ──► drained (30 s) ──► rest aborted
 *                    │              ▼               │             │                    ──► flush ──► informers ──► lease released ──► probes
 *                    │           NotSynced          │             └── lease lost ──► all aborted, at once; nothing is released
 *                    └── warm: a standby sees all that the leader sees, and begins a moment after it was elected
 *
 * Promises: nothing is begun before the copies are whole, and nothing by two leaders at once as far as a lease can promise that;
 * the lease is kept until nobody here writes any more, and given back last, so that the next leader need not wait for it.
 */
import type { Clock } from '../lib/clock.ts';
import type { Elector, LeaseTimes } from '../lib/elector.ts';
import { messageOf } from '../lib/errors.ts';
import { type Metrics, noMetrics } from '../lib/metrics.ts';
import { waitFor, waitUntil } from '../lib/waiting.ts';
import type { WriteGate } from '../lib/write-gate.ts';
import type { Term } from './controller.ts';
import { ManagerError } from './errors.ts';
import { liveness, type ReadinessFacts, readiness, type Verdict } from './health.ts';
import { LeaseAge } from './lease-age.ts';
import type { Health } from './probes.ts';

/** Who leads: one elector for one term, its gate and its times. */
export interface Leadership {
  /** Label of the metric. */
  readonly name: string;
  readonly elector: Elector;
  readonly gate: WriteGate;
  readonly times: LeaseTimes;
}

/** An informer, as far as its process minds it. */
export type ManagedInformer = ReadinessFacts['informers'][number] & {
  readonly whenSynced: Promise<void>;
  run(signal: AbortSignal): Promise<void>;
};

/** How far a manager has come. */
export type ManagerPhase = 'syncing' | 'standingBy' | 'leading' | 'draining' | 'stopping' | 'stopped';

/** What a manager is made of. */
export interface ManagerOptions {
  readonly informers: readonly ManagedInformer[];
  readonly controllers: readonly { run(term: Term): Promise<void> }[];
  /** Absent where nobody else can lead. */
  readonly leadership?: Leadership;
  /** @default nobody asks */
  readonly probes?: { start(health: Health): Promise<void>; stop(): Promise<void> };
  /** Writes what has not been written yet, as events; has until the signal fires. @default nothing */
  readonly flush?: (signal: AbortSignal) => Promise<void>;
  /** What goes on beside from when the copies are whole until the signal fires; never throws. @default nothing */
  readonly beside?: (signal: AbortSignal) => Promise<void>;
  /** Copies that are not whole by then end the process. @default 120000 */
  readonly syncTimeoutMs?: number;
  /** What is in work has so long to end by itself. @default 30000 */
  readonly drainMs?: number;
  readonly clock: Clock;
  /** The longest delay of the event loop since it was last asked. */
  readonly eventLoopDelayMs: () => number;
  /** @default nobody looks */
  readonly metrics?: Metrics;
  /** Told of each phase as it begins. */
  readonly tell?: (phase: ManagerPhase) => void;
  /** Told of what went wrong while it stopped; it goes on stopping. */
  readonly trouble?: (error: Error) => void;
}

/** What ends a manager. */
export interface ManagerSignals {
  /** In order. */
  readonly stop: AbortSignal;
  /** At once: nothing is waited for, nothing is released. */
  readonly now: AbortSignal;
}

const SYNC_TIMEOUT_MS = 120_000;
const DRAIN_MS = 30_000;
/** After it was aborted; a reconcile that does not settle by then is given up by its controller. */
const STRAGGLERS_MS = 10_000;
const FLUSH_MS = 5_000;

export class Manager implements Health {
  private readonly options: ManagerOptions;
  private readonly leaseAge: LeaseAge | undefined;
  private readonly informersStop = new AbortController();
  private readonly drain = new AbortController();
  private readonly abort = new AbortController();
  private phase: ManagerPhase | undefined;
  private isStopping = false;

  constructor(options: ManagerOptions) {
    this.options = options;
    const { clock, leadership } = options;
    this.leaseAge = leadership && new LeaseAge(clock, leadership.gate, leadership.times);
  }

  /**
   * Runs until it is told to stop; once. Throws ManagerError when it cannot do its work, and what `hold` of the elector answered
   * when the lease is lost: then the process has to end, and another one leads.
   */
  async run({ stop, now }: ManagerSignals): Promise<'stopped' | 'endedNow'> {
    const noteStop = () => {
      this.isStopping = true;
    };
    stop.addEventListener('abort', noteStop, { once: true });
    if (stop.aborted) noteStop();
    const living = this.live(stop);
    const endedNow = waitUntil(now, () => () => {}).then(() => {
      // Nothing that is still in work may write any more.
      for (const controller of [this.drain, this.abort, this.informersStop]) controller.abort();
      return 'endedNow' as const;
    });
    try {
      return await Promise.race([living, endedNow]);
    } finally {
      stop.removeEventListener('abort', noteStop);
    }
  }

  livez(): Verdict {
    const { leadership, eventLoopDelayMs } = this.options;
    const isLeading = this.phase === 'leading' || this.phase === 'draining';
    const lease =
      isLeading && leadership !== undefined && this.leaseAge !== undefined
        ? { ageMs: this.leaseAge.ms, durationMs: leadership.times.durationMs }
        : undefined;
    return liveness({ eventLoopDelayMs: eventLoopDelayMs(), lease });
  }

  readyz(): Verdict {
    return readiness({ isStopping: this.isStopping, informers: this.options.informers });
  }

  private async live(stop: AbortSignal): Promise<'stopped'> {
    const { informers, probes, metrics = noMetrics, leadership } = this.options;
    await probes?.start(this);
    const stopCounting = this.count(metrics);
    this.enter('syncing');
    const informing = informers.map((informer) => informer.run(this.informersStop.signal));
    const broken = firstEnd('an informer', informing);
    let wasLost = true;
    let beside: Promise<void> | undefined;
    try {
      if (await this.synced(stop, broken)) {
        beside = this.options.beside?.(this.informersStop.signal);
        await this.lead(stop, broken);
      }
      wasLost = false;
    } finally {
      this.enter('stopping');
      this.isStopping = true;
      this.informersStop.abort();
      await Promise.allSettled([...informing, beside]);
      // Last of all that others could notice: nobody here writes any more. Of a lease that was lost nothing is left to give.
      if (!wasLost) await this.calmly(() => leadership?.elector.release());
      stopCounting();
      await this.calmly(() => probes?.stop());
      this.enter('stopped');
    }
    return 'stopped';
  }

  /** Whether the copies are whole; not, when it was told to stop before. */
  private async synced(stop: AbortSignal, broken: Promise<ManagerError>): Promise<boolean> {
    const { clock, informers, syncTimeoutMs = SYNC_TIMEOUT_MS } = this.options;
    const whole = Promise.all(informers.map(({ whenSynced }) => whenSynced)).then(() => 'synced' as const);
    using waiting = new Waiting(stop);
    const late = waitFor(clock, syncTimeoutMs, waiting.signal).then(() => 'late' as const);
    const end = await Promise.race([whole, late, broken]);
    if (stop.aborted) return false;
    if (end === 'synced') return true;
    if (end !== 'late') throw end;
    const missing = informers.filter(({ hasSynced }) => !hasSynced).map(({ resource }) => resource.plural);
    const text = `${missing.join(', ')} could not be listed within ${syncTimeoutMs / 1000} s`;
    throw new ManagerError(
      'MANAGER_NOT_SYNCED',
      `${text}; look at the rights to list and watch, and at the API server`,
    );
  }

  private async lead(stop: AbortSignal, broken: Promise<ManagerError>): Promise<void> {
    const { leadership, controllers } = this.options;
    const holdStop = new AbortController();
    let lost: Promise<Error | undefined> = new Promise(() => {});
    let unfollow = (): void => {};
    if (leadership !== undefined) {
      this.enter('standingBy');
      if ((await leadership.elector.acquire(stop)) === undefined) return;
      lost = leadership.elector.hold(holdStop.signal);
      unfollow = this.leaseAge?.follow() ?? unfollow;
    }
    this.enter('leading');
    const term: Term = { gate: leadership?.gate, drain: this.drain.signal, abort: this.abort.signal };
    const working = controllers.map((controller) => controller.run(term));
    const ended = firstEnd('a controller', working);
    const over = Promise.allSettled(working).then(() => {});
    try {
      const stopped = waitUntil(stop, () => () => {}).then(() => undefined);
      const failure = await Promise.race([stopped, lost, broken, ended]);
      if (failure !== undefined) throw failure;
      await this.drained(over, lost);
    } finally {
      // Whatever it was: nothing here goes on.
      this.drain.abort();
      this.abort.abort();
      await this.within(STRAGGLERS_MS, over);
      unfollow();
      holdStop.abort();
    }
  }

  /** Lets what is in work end, aborts what does not, and writes what is left. Throws when the lease is lost meanwhile. */
  private async drained(over: Promise<void>, lost: Promise<Error | undefined>): Promise<void> {
    const { drainMs = DRAIN_MS, flush } = this.options;
    this.enter('draining');
    this.drain.abort();
    const failure = await Promise.race([this.within(drainMs, over), lost]);
    if (failure !== undefined) throw failure;
    this.abort.abort();
    await this.within(STRAGGLERS_MS, over);
    const enough = new AbortController();
    await this.within(
      FLUSH_MS,
      this.calmly(() => flush?.(enough.signal)),
    );
    enough.abort();
  }

  private async within(ms: number, work: Promise<void>): Promise<void> {
    using waiting = new Waiting();
    await Promise.race([work, waitFor(this.options.clock, ms, waiting.signal)]);
  }

  private async calmly(step: () => Promise<void> | undefined): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.options.trouble?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private enter(phase: ManagerPhase): void {
    this.phase = phase;
    this.options.tell?.(phase);
  }

  private count(metrics: Metrics): () => void {
    const { leadership } = this.options;
    if (leadership === undefined) return () => {};
    const status = metrics.gauge({
      name: 'leader_election_master_status',
      help: 'Whether this process leads.',
      labels: ['name'],
    });
    return metrics.onRead(() => status.set(leadership.elector.isHeld() ? 1 : 0, { name: leadership.name }));
  }
}

/** What to throw when the first of several that should go on has ended. */
function firstEnd(what: string, parts: readonly Promise<void>[]): Promise<ManagerError> {
  return Promise.race(parts).then(
    () =>
      new ManagerError(
        'MANAGER_PART_ENDED',
        `${what} ended while it was needed; the process ends, to be started again`,
      ),
    (cause) => new ManagerError('MANAGER_PART_ENDED', `${what} failed: ${messageOf(cause)}`, { cause }),
  );
}

/** A signal that fires when what waits for it is over, so that no timer is left behind. */
class Waiting implements Disposable {
  private readonly controller = new AbortController();
  readonly signal: AbortSignal;

  constructor(stop?: AbortSignal) {
    this.signal = stop === undefined ? this.controller.signal : AbortSignal.any([stop, this.controller.signal]);
  }

  [Symbol.dispose](): void {
    this.controller.abort();
  }
}
