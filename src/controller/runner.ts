/**
 * The workers of one controller: each takes a key, has it reconciled when that may be, and says when it comes again.
 *
 *     take ──► not leading ──► dropped: whoever leads begins with all keys
 *          ├── its own writes not seen ──► waits without a worker, or the server is asked
 *          └── reconcile ──► success ──────────► its failures are forgotten
 *                        ├── requeueAfter ─────► the same, and it comes again then
 *                        ├── failed, timed out ► it comes again, ever more rarely
 *                        ├── terminal ─────────► told; it comes again when something changes
 *                        └── abandoned ────────► as failed; poisoned until it settles
 *
 * The reconcile that begins decides when the next one is: what was planned before is dropped.
 */
import { ApiError } from '../kube/index.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import type { Metrics } from '../lib/metrics.ts';
import { type AttemptEnd, type AttemptLimits, attempt, type ReconcileResult } from './attempt.ts';
import { Breather } from './breather.ts';
import { ReconcileTimeoutError } from './errors.ts';
import type { ObjectKey } from './object-key.ts';
import type { OwnWrites } from './own-writes.ts';
import { ReconcileCounts } from './reconcile-counts.ts';
import type { WorkQueue } from './workqueue.ts';

/** A reconcile that did not succeed, for logs. */
export interface ReconcileFailure {
  readonly controller: string;
  readonly key: ObjectKey;
  readonly reconcileId: string;
  readonly error: unknown;
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** `never`: until something changes. */
  readonly next: 'retry' | 'never';
}

/** What one call of a reconcile is told about itself. */
export interface AttemptContext {
  /** Unique; stands in every log line of the call. */
  readonly reconcileId: string;
  /** Fires when time is up, or when this process stops or no longer leads. */
  readonly signal: AbortSignal;
}

/** What a runner is made of. */
export interface RunnerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly writes: OwnWrites;
  readonly reconcile: (key: ObjectKey, context: AttemptContext) => Promise<ReconcileResult>;
  readonly workers: number;
  readonly limits: AttemptLimits;
  /** Asked before each reconcile. */
  readonly isLeading: () => boolean;
  /** Ends what is in work. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly metrics: Metrics;
  readonly trouble: (failure: ReconcileFailure) => void;
}

export class Runner {
  private readonly options: RunnerOptions;
  private readonly counts: ReconcileCounts;
  private readonly breather = new Breather();

  constructor(options: RunnerOptions) {
    this.options = options;
    this.counts = new ReconcileCounts(options.metrics, options.name, options.workers);
  }

  /** Works until the queue is shut down and what was in work has ended. */
  async run(): Promise<void> {
    const stopCounting = this.counts.start();
    try {
      await Promise.all(Array.from({ length: this.options.workers }, () => this.work()));
    } finally {
      stopCounting();
    }
  }

  private async work(): Promise<void> {
    const { queue } = this.options;
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        await this.handle(key);
      } finally {
        queue.done(key);
      }
      await this.breather.pause();
    }
  }

  private async handle(key: ObjectKey): Promise<void> {
    const { queue, writes, isLeading, newId, stop } = this.options;
    if (!isLeading()) return;
    const reconcileId = newId();
    switch (writes.stand(key)) {
      case 'wait':
        return;
      case 'ask':
        if (!(await this.asked(key, reconcileId))) return;
        break;
      case 'upToDate':
        break;
    }
    queue.cancelDelayed(key);
    const { clock, limits, reconcile } = this.options;
    const began = clock.monotonic();
    this.counts.began();
    const end = await attempt((signal) => reconcile(key, { reconcileId, signal }), { key, clock, limits, stop });
    this.counts.ended(end, (clock.monotonic() - began) / 1000);
    this.conclude(key, reconcileId, end);
  }

  /** Whether the server was asked about what the copies do not show; if not, the key comes again. */
  private async asked(key: ObjectKey, reconcileId: string): Promise<boolean> {
    try {
      await this.options.writes.ask(key, this.options.stop);
      return true;
    } catch (error) {
      if (!this.options.stop.aborted) this.retry(key, reconcileId, error);
      return false;
    }
  }

  private conclude(key: ObjectKey, reconcileId: string, end: AttemptEnd): void {
    const { queue } = this.options;
    switch (end.how) {
      case 'success':
        queue.forget(key);
        return;
      case 'requeueAfter':
        queue.forget(key);
        queue.addAfter(key, end.ms);
        return;
      case 'failed':
        this.retry(key, reconcileId, end.error);
        return;
      case 'terminal':
        queue.forget(key);
        this.tell(key, reconcileId, end.error, 'never');
        return;
      case 'stopped':
        return;
      case 'abandoned':
        this.counts.poisoned(1);
        end.settled.then(() => this.counts.poisoned(-1));
        this.retry(key, reconcileId, end.error);
        return;
      default:
        assertNever(end);
    }
  }

  private retry(key: ObjectKey, reconcileId: string, error: unknown): void {
    this.options.queue.addRateLimited(key, askedFor(error));
    this.tell(key, reconcileId, error, 'retry');
  }

  private tell(key: ObjectKey, reconcileId: string, error: unknown, next: ReconcileFailure['next']): void {
    const { name: controller, queue, trouble } = this.options;
    trouble({ controller, key, reconcileId, error, failures: queue.failuresOf(key), next });
  }
}

/** How long the server asked to be left alone. */
function askedFor(error: unknown): number {
  const cause = error instanceof ReconcileTimeoutError ? error.cause : error;
  return cause instanceof ApiError ? (cause.retryAfterMs ?? 0) : 0;
}
