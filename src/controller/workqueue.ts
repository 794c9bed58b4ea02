/**
 * Keys to be worked on: each by one worker at a time, each change at least once, failures ever more rarely. What is next is
 * decided in ready-keys.ts, delayed-keys.ts and rate-limiter.ts; here are the workers who wait, and the timer.
 */
import type { Clock } from '../lib/clock.ts';
import { type Counter, type Histogram, type Metrics, noMetrics } from '../lib/metrics.ts';
import { DelayedKeys } from './delayed-keys.ts';
import type { ObjectKey } from './object-key.ts';
import { DEFAULT_RATE_LIMITS, RateLimiter, type RateLimits } from './rate-limiter.ts';
import { LIVE_PRIORITY, ReadyKeys } from './ready-keys.ts';

/** What a queue is made of. */
export interface WorkQueueOptions {
  /** Label of its metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** @default 5 ms doubled to 5 min per key; 10 a second after 100 for all */
  readonly limits?: RateLimits;
  /** @default nobody looks */
  readonly metrics?: Metrics;
}

export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly ready = new ReadyKeys();
  private readonly delayed = new DelayedKeys();
  private readonly limiter: RateLimiter;
  private readonly counts: QueueCounts;
  private readonly takers: ((key: ObjectKey | undefined) => void)[] = [];
  private readonly drained = Promise.withResolvers<void>();
  private isShut = false;
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(options: WorkQueueOptions) {
    this.options = options;
    this.limiter = new RateLimiter(options.limits ?? DEFAULT_RATE_LIMITS);
    this.counts = new QueueCounts(options.metrics ?? noMetrics, options.name);
    this.counts.follow(() => ({
      depth: this.ready.depth,
      now: options.clock.monotonic(),
      startedAt: [...this.ready.inWork.values()],
    }));
  }

  /** The key has to be looked at. One that waits already, is not added twice; one in work comes again after that. */
  add(key: ObjectKey, priority = LIVE_PRIORITY): void {
    if (this.isShut) return;
    if (this.ready.add(key, priority, this.now())) this.counts.adds.add(this.counts.labels);
    this.hand();
  }

  /** The key has to be looked at later, or at the time said before, if that is earlier. */
  addAfter(key: ObjectKey, delayMs: number): void {
    if (this.isShut) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    this.delayed.add(key, this.now() + delayMs);
    this.setTimer();
  }

  /** The key failed, and comes again when the limits allow it, but no sooner than `atLeastMs`. */
  addRateLimited(key: ObjectKey, atLeastMs = 0): void {
    this.counts.retries.add(this.counts.labels);
    const facts = { now: this.now(), random: this.options.random() };
    this.addAfter(key, Math.max(atLeastMs, this.limiter.delayAfterFailure(key, facts)));
  }

  /** The key is well again: its next failure is a first one. */
  forget(key: ObjectKey): void {
    this.limiter.forget(key);
  }

  /** Failures since the key was last forgotten. */
  failuresOf(key: ObjectKey): number {
    return this.limiter.failuresOf(key);
  }

  /** Whoever works on the key now says anew when it has to be looked at again. */
  cancelDelayed(key: ObjectKey): void {
    this.delayed.cancel(key);
    this.setTimer();
  }

  /** The next key, as soon as there is one; `done` has to follow. Undefined after the queue was shut down. */
  take(): Promise<ObjectKey | undefined> {
    return new Promise((resolve) => {
      this.takers.push(resolve);
      this.hand();
    });
  }

  /** The worker has finished with the key. */
  done(key: ObjectKey): void {
    const tookMs = this.ready.done(key, this.now());
    this.counts.work.observe(tookMs / 1000, this.counts.labels);
    this.hand();
  }

  /**
   * Takes nothing in and hands nothing out any more; resolves when what is in work is done. What waits is dropped, other than
   * in client-go: whoever leads next begins with every key there is, and should not be kept waiting.
   */
  shutDownWithDrain(): Promise<void> {
    this.isShut = true;
    this.counts.unfollow();
    this.delayed.clear();
    this.setTimer();
    this.hand();
    return this.drained.promise;
  }

  private now(): number {
    return this.options.clock.monotonic();
  }

  private hand(): void {
    if (this.isShut) {
      for (const taker of this.takers.splice(0)) taker(undefined);
      if (this.ready.inWork.size === 0) this.drained.resolve();
      return;
    }
    while (this.takers.length > 0) {
      const taken = this.ready.take(this.now());
      if (taken === undefined) return;
      this.counts.wait.observe(taken.waitedMs / 1000, this.counts.labels);
      this.takers.shift()?.(taken.key);
    }
  }

  /** One timer, for the key that is due next. */
  private setTimer(): void {
    const { nextAt } = this.delayed;
    if (this.timer?.at === nextAt) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (nextAt === undefined) return;
    const cancel = this.options.clock.setTimer(Math.max(0, nextAt - this.now()), () => this.addDue());
    this.timer = { at: nextAt, cancel };
  }

  private addDue(): void {
    this.timer = undefined;
    for (const key of this.delayed.takeDue(this.now())) this.add(key);
    this.setTimer();
  }
}

interface QueueFacts {
  readonly depth: number;
  readonly now: number;
  readonly startedAt: readonly number[];
}

const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/** What is counted of one queue, under client-go's names. */
class QueueCounts {
  readonly labels: { readonly name: string };
  readonly adds: Counter;
  readonly retries: Counter;
  readonly wait: Histogram;
  readonly work: Histogram;
  private readonly metrics: Metrics;
  unfollow: () => void = () => {};

  constructor(metrics: Metrics, name: string) {
    this.labels = { name };
    this.metrics = metrics;
    const spec = (metric: string, help: string) => ({ name: `workqueue_${metric}`, help, labels: ['name'] });
    this.adds = metrics.counter(spec('adds_total', 'Keys added.'));
    this.retries = metrics.counter(spec('retries_total', 'Keys added again after a failure.'));
    const timed = (metric: string, help: string) => metrics.histogram({ ...spec(metric, help), buckets: SECONDS });
    this.wait = timed('queue_duration_seconds', 'How long keys waited.');
    this.work = timed('work_duration_seconds', 'How long keys were in work.');
  }

  follow(facts: () => QueueFacts): void {
    const gauge = (metric: string, help: string) =>
      this.metrics.gauge({ name: `workqueue_${metric}`, help, labels: ['name'] });
    const depth = gauge('depth', 'Keys that wait.');
    const unfinished = gauge('unfinished_work_seconds', 'How long the keys in work have been so, added up.');
    const longest = gauge('longest_running_processor_seconds', 'How long the key longest in work has been so.');
    this.unfollow = this.metrics.onRead(() => {
      const now = facts();
      const seconds = now.startedAt.map((at) => (now.now - at) / 1000);
      depth.set(now.depth, this.labels);
      unfinished.set(
        seconds.reduce((sum, each) => sum + each, 0),
        this.labels,
      );
      longest.set(Math.max(0, ...seconds), this.labels);
    });
  }
}
