/** The tables of metrics in docs/operating.md. */

/** One metric as the page tells it. */
export interface MetricRow {
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** The rows of the first table below a line that begins so. */
export function metricRows(page: string, heading: string): MetricRow[] {
  const table = (page.split(`\n${heading}`)[1] ?? '').split('\n\n')[1] ?? '';
  return [...table.matchAll(/^\| `([a-z_]+)(?:\{([a-z,]+)\})?` \| (.*) \|$/gm)].map(
    ([, name = '', labels, help = '']) => ({ name, labels: labels?.split(',') ?? [], help }),
  );
}
