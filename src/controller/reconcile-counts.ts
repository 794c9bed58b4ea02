/** What is counted of a controller's reconciles, under controller-runtime's names. */
import { assertNever } from '../lib/assert-never.ts';
import { FlinkJobError } from '../lib/errors.ts';
import type { Counter, Gauge, Histogram, Metrics } from '../lib/metrics.ts';
import type { AttemptEnd } from './attempt.ts';

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class ReconcileCounts {
  private readonly labels: { readonly controller: string };
  private readonly workers: number;
  private readonly metrics: Metrics;
  private readonly total: Counter;
  private readonly errors: Counter;
  private readonly terminalErrors: Counter;
  private readonly timeouts: Counter;
  private readonly panics: Counter;
  private readonly time: Histogram;
  private readonly active: Gauge;
  private readonly most: Gauge;
  private readonly poisonedKeys: Gauge;
  private activeCount = 0;
  private poisonedCount = 0;

  constructor(metrics: Metrics, controller: string, workers: number) {
    this.metrics = metrics;
    this.labels = { controller };
    this.workers = workers;
    const spec = (name: string, help: string, ...more: string[]) => ({
      name: `controller_runtime_${name}`,
      help,
      labels: ['controller', ...more],
    });
    this.total = metrics.counter(spec('reconcile_total', 'Reconciles, by how they ended.', 'result'));
    this.errors = metrics.counter(spec('reconcile_errors_total', 'Reconciles that failed.'));
    this.terminalErrors = metrics.counter(
      spec('terminal_reconcile_errors_total', 'Reconciles that failed and are not tried again by themselves.'),
    );
    this.timeouts = metrics.counter(spec('reconcile_timeouts_total', 'Reconciles that took longer than they may.'));
    this.panics = metrics.counter(
      spec('reconcile_panics_total', 'Reconciles that threw something that nobody throws on purpose.'),
    );
    this.time = metrics.histogram({
      ...spec('reconcile_time_seconds', 'How long reconciles took.'),
      buckets: SECONDS,
    });
    this.active = metrics.gauge(spec('active_workers', 'Workers that reconcile.'));
    this.most = metrics.gauge(spec('max_concurrent_reconciles', 'Workers there are.'));
    this.poisonedKeys = metrics.gauge({
      name: 'controller_poisoned_keys',
      help: 'Reconciles that were given up and have not ended since.',
      labels: ['controller'],
    });
  }

  /** From now on gauges are told; the result ends it. */
  start(): () => void {
    return this.metrics.onRead(() => {
      this.active.set(this.activeCount, this.labels);
      this.most.set(this.workers, this.labels);
      this.poisonedKeys.set(this.poisonedCount, this.labels);
    });
  }

  began(): void {
    this.activeCount += 1;
  }

  ended(end: AttemptEnd, seconds: number): void {
    this.activeCount -= 1;
    this.time.observe(seconds, this.labels);
    if (end.how === 'abandoned' || (end.how !== 'stopped' && end.wasLate)) this.timeouts.add(this.labels);
    switch (end.how) {
      case 'success':
        this.total.add({ ...this.labels, result: 'success' });
        return;
      case 'requeueAfter':
        this.total.add({ ...this.labels, result: 'requeue_after' });
        return;
      case 'stopped':
        return;
      case 'terminal':
        this.terminalErrors.add(this.labels);
        break;
      case 'failed':
        if (!(end.error instanceof FlinkJobError)) this.panics.add(this.labels);
        break;
      case 'abandoned':
        break;
      default:
        assertNever(end);
    }
    this.errors.add(this.labels);
    this.total.add({ ...this.labels, result: 'error' });
  }

  /** Attempts that do not settle, more or fewer. */
  poisoned(change: 1 | -1): void {
    this.poisonedCount += change;
  }
}
