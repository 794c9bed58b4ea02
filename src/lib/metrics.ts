/**
 * The port for metrics: what counts, what stands and what takes how long. Names and labels are Prometheus'; times are in
 * seconds. Asking twice for one name gives the same instrument, so each part names what it counts where it counts it.
 */

/** Label to value. */
export type MetricLabels = Readonly<Record<string, string>>;

/** A metric, as it is declared once. */
export interface MetricSpec {
  readonly name: string;
  /** A sentence for whoever reads the metric. */
  readonly help: string;
  /** @default none */
  readonly labels?: readonly string[];
}

/** Only grows. */
export interface Counter {
  /** @param by default 1 */
  add(labels?: MetricLabels, by?: number): void;
  /** What it is about is gone, and is not told of any more. */
  remove(labels: MetricLabels): void;
}

/** Goes up and down. */
export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
  /** What it is about is gone, and is not told of any more. */
  remove(labels: MetricLabels): void;
}

/** Counts values by size. */
export interface Histogram {
  observe(value: number, labels?: MetricLabels): void;
}

/** Implementers never throw, and cost less than a microsecond a call. */
export interface Metrics {
  counter(spec: MetricSpec): Counter;
  gauge(spec: MetricSpec): Gauge;
  /** `buckets`: upper bounds, in ascending order. */
  histogram(spec: MetricSpec & { readonly buckets: readonly number[] }): Histogram;
  /** Calls `fill` before each reading, for gauges that only then need a value; the result ends that. */
  onRead(fill: () => void): () => void;
}

/** Nobody looks. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => {}, remove: () => {} }),
  gauge: () => ({ set: () => {}, remove: () => {} }),
  histogram: () => ({ observe: () => {} }),
  onRead: () => () => {},
};
