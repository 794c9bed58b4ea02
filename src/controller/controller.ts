/**
 * One controller: sources that give keys, a reconcile that makes the world agree with an object, and a term in which it may.
 *
 *     sources ──keys──► queue ──► workers ──► reconcile(key, context) ──writes──► server
 *        ▲                                        │                                  │
 *        └──────────────── informers ◄────────────┴──────── watch ◄─────────────────┘
 *
 * Promises: every object there is when a term begins is reconciled, and after every change that is worth a look once more,
 * by a reconcile that began after it; never two at once for one key; never on a copy from before what the last one wrote.
 */
import type { ApiClient } from '../kube/index.ts';
import type { Clock } from '../lib/clock.ts';
import { type Metrics, noMetrics } from '../lib/metrics.ts';
import { waitUntil } from '../lib/waiting.ts';
import type { WriteGate } from '../lib/write-gate.ts';
import type { ReconcileResult } from './attempt.ts';
import type { ObjectKey } from './object-key.ts';
import { OwnWrites } from './own-writes.ts';
import type { RateLimits } from './rate-limiter.ts';
import { type AttemptContext, type ReconcileFailure, Runner } from './runner.ts';
import type { Source } from './sources.ts';
import { TrackedClient } from './tracked-client.ts';
import { WorkQueue } from './workqueue.ts';

/** What a reconcile works with. */
export interface ReconcileContext extends AttemptContext {
  /** Writes are remembered, so that the next reconcile of this key sees them; ends with the signal. */
  readonly client: TrackedClient;
}

/**
 * Makes the world agree with one object, as far as can be done now; called again and again, with nothing but the key. The
 * object may be gone. Waits for no more than the answer of a request: what takes longer is a phase, to which it comes back.
 */
export type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<ReconcileResult>;

/** What a controller is made of. */
export interface ControllerOptions {
  /** Label of its metrics. */
  readonly name: string;
  readonly client: ApiClient;
  readonly sources: readonly Source[];
  readonly reconcile: Reconcile;
  /** How many keys at a time. @default 8 */
  readonly workers?: number;
  /** Longer than this no reconcile takes. @default 60000 */
  readonly timeoutMs?: number;
  /** One that was told to end is waited for so long. @default 5000 */
  readonly graceMs?: number;
  /** @default 5 ms doubled to 5 min per key; 10 a second after 100 for all */
  readonly limits?: RateLimits;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly newId: () => string;
  /** @default nobody looks */
  readonly metrics?: Metrics;
  /** Told of each reconcile that failed. */
  readonly trouble?: (failure: ReconcileFailure) => void;
}

/** The time in which a controller may work. */
export interface Term {
  /** Asked before each reconcile and each write; absent where nobody else can lead. */
  readonly gate?: WriteGate | undefined;
  /** Nothing new is begun. */
  readonly drain: AbortSignal;
  /** What is in work is ended. */
  readonly abort: AbortSignal;
}

const WORKERS = 8;
const TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;

export class Controller {
  private readonly options: ControllerOptions;

  constructor(options: ControllerOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  /** Works from when the copies are whole until it is drained; resolves when nothing is in work any more. */
  async run(term: Term): Promise<void> {
    const { clock, name, random, limits, metrics = noMetrics, sources } = this.options;
    await waitUntil(term.drain, (done) => {
      void Promise.all(sources.map(({ whenSynced }) => whenSynced)).then(done);
      return () => {};
    });
    if (term.drain.aborted) return;
    const queue = new WorkQueue({ name, clock, random, metrics, ...(limits !== undefined && { limits }) });
    const writes = new OwnWrites({ clock, wake: (owner) => queue.add(owner) });
    const stops = sources.map((source) => source.start((key, priority) => queue.add(key, priority)));
    const working = this.runner(term, queue, writes).run();
    await waitUntil(term.drain, () => () => {});
    for (const stop of stops) stop();
    await queue.shutDownWithDrain();
    await working;
    writes.close();
  }

  private runner(term: Term, queue: WorkQueue, writes: OwnWrites): Runner {
    const { clock, metrics = noMetrics, name, newId, reconcile, sources } = this.options;
    const { gate } = term;
    const client = gate === undefined ? this.options.client : this.options.client.gatedBy(gate);
    const views = [...new Set(sources.map(({ view }) => view))];
    return new Runner({
      name,
      queue,
      writes,
      reconcile: (owner, { reconcileId, signal }) =>
        reconcile(owner, { reconcileId, signal, client: new TrackedClient({ client, owner, signal, writes, views }) }),
      workers: this.options.workers ?? WORKERS,
      limits: { timeoutMs: this.options.timeoutMs ?? TIMEOUT_MS, graceMs: this.options.graceMs ?? GRACE_MS },
      isLeading: () => gate === undefined || gate.remainingMs() > 0,
      stop: term.abort,
      clock,
      newId,
      metrics,
      trouble: (failure) => this.options.trouble?.(failure),
    });
  }
}
