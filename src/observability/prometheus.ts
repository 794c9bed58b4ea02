/**
 * Metrics for Prometheus: what the parts of a process count, as the text that a scraper reads.
 *
 * Promises: no call throws, whatever it is given; what cannot be counted is left out. Nothing is done between two readings.
 */
import {
  type Gauge as ClientGauge,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client';
import type { Counter, Gauge, Histogram, MetricLabels, MetricSpec, Metrics } from '../lib/metrics.ts';

/** A page as scrapers expect it. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** The metrics of one process. */
export class PrometheusMetrics implements Metrics {
  private readonly registry = new Registry();
  private readonly fills = new Set<() => void>();

  counter({ name, help, labels = [] }: MetricSpec): Counter {
    const counter = this.once(name, () => new PromCounter({ name, help, labelNames: [...labels], registers: [] }));
    return {
      add: (given = {}, by = 1) => quietly(() => counter.inc(given, by)),
      remove: (given) => quietly(() => counter.remove(given)),
    };
  }

  gauge({ name, help, labels = [] }: MetricSpec): Gauge {
    const gauge: ClientGauge = this.once(
      name,
      () => new PromGauge({ name, help, labelNames: [...labels], registers: [] }),
    );
    return {
      set: (value, given = {}) => quietly(() => gauge.set(given, value)),
      remove: (given) => quietly(() => gauge.remove(given)),
    };
  }

  histogram({ name, help, labels = [], buckets }: MetricSpec & { readonly buckets: readonly number[] }): Histogram {
    const histogram = this.once(
      name,
      () => new PromHistogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [] }),
    );
    return { observe: (value, given: MetricLabels = {}) => quietly(() => histogram.observe(given, value)) };
  }

  onRead(fill: () => void): () => void {
    this.fills.add(fill);
    return () => this.fills.delete(fill);
  }

  /** What is to be read now. */
  async page(): Promise<MetricsPage> {
    for (const fill of this.fills) quietly(fill);
    return { contentType: this.registry.contentType, body: await this.registry.metrics() };
  }

  private once<M extends PromCounter | PromGauge | PromHistogram>(name: string, make: () => M): M {
    const known = this.registry.getSingleMetric(name);
    if (known !== undefined) return known as unknown as M;
    const made = make();
    this.registry.registerMetric(made);
    return made;
  }
}

/** A label that was not declared, or a value that is no number: a metric less is better than a process less. */
function quietly(count: () => void): void {
  try {
    count();
  } catch {
    // Nothing to tell: who counts does so in the middle of other work.
  }
}
