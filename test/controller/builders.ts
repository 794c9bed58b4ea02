/** Small objects, and metrics one can read back. */
import type { ConfigMap, ObjectMeta } from '../../src/kube/index.ts';
import type { MetricLabels, Metrics } from '../../src/lib/metrics.ts';

/** A ConfigMap as a server would send it. Its uid is its name's, unless another is given. */
export function aMap(
  name: string,
  version: number | string,
  { v = '', ...metadata }: ObjectMeta & { v?: string } = {},
): ConfigMap {
  return {
    metadata: { namespace: 'flights', name, uid: `uid-of-${name}`, resourceVersion: String(version), ...metadata },
    data: { v },
  };
}

/** Metrics that are kept, for tests. */
export class MemoryMetrics implements Metrics {
  readonly values = new Map<string, number>();
  readonly observed = new Map<string, number[]>();
  private readonly fills = new Set<() => void>();

  counter({ name }: { name: string }) {
    return {
      add: (labels?: MetricLabels, by = 1) => this.set(name, labels, this.value(name, labels) + by),
      remove: (labels: MetricLabels) => void this.values.delete(idOf(name, labels)),
    };
  }

  gauge({ name }: { name: string }) {
    return {
      set: (value: number, labels?: MetricLabels) => this.set(name, labels, value),
      remove: (labels: MetricLabels) => void this.values.delete(idOf(name, labels)),
    };
  }

  histogram({ name }: { name: string }) {
    return {
      observe: (value: number, labels?: MetricLabels) => {
        const id = idOf(name, labels);
        this.observed.set(id, [...(this.observed.get(id) ?? []), value]);
      },
    };
  }

  onRead(fill: () => void): () => void {
    this.fills.add(fill);
    return () => this.fills.delete(fill);
  }

  /** As somebody who scrapes: gauges are filled first. */
  read(name: string, labels?: MetricLabels): number {
    for (const fill of this.fills) fill();
    return this.value(name, labels);
  }

  private value(name: string, labels?: MetricLabels): number {
    return this.values.get(idOf(name, labels)) ?? 0;
  }

  private set(name: string, labels: MetricLabels | undefined, value: number): void {
    this.values.set(idOf(name, labels), value);
  }
}

function idOf(name: string, labels: MetricLabels = {}): string {
  const sorted = Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1));
  return `${name}${JSON.stringify(sorted)}`;
}
