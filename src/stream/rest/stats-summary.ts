/** Many measurements in eight numbers, as Flink shows them. */
import type { StatsSummary } from '../../flink/index.ts';

/** Least, greatest, mean and nearest-rank percentiles; all 0 for no measurement. */
export function summarize(values: readonly number[]): StatsSummary {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    avg: sorted.length === 0 ? 0 : Math.floor(sum / sorted.length),
    p50: rank(0.5),
    p90: rank(0.9),
    p95: rank(0.95),
    p99: rank(0.99),
    p999: rank(0.999),
  };
}
