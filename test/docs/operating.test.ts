import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { MetricSpec, Metrics } from '../../src/lib/metrics.ts';
import { noMetrics } from '../../src/lib/metrics.ts';
import { jobMetrics } from '../../src/reconcilers/flinkjob/job-metrics.ts';
import { EVENT_REASONS } from '../../src/reconcilers/flinkjob/step.ts';
import { metricRows } from './metric-rows.ts';

const page = readFileSync('docs/operating.md', 'utf8');

/** Metrics as they are declared, in order. */
function declaredBy(parts: (metrics: Metrics) => void): MetricSpec[] {
  const specs: MetricSpec[] = [];
  const keep =
    <I>(instrument: (spec: MetricSpec) => I) =>
    (spec: MetricSpec) => {
      specs.push(spec);
      return instrument(spec);
    };
  parts({
    counter: keep(noMetrics.counter),
    gauge: keep(noMetrics.gauge),
    histogram: keep((spec) => noMetrics.histogram({ ...spec, buckets: [] })),
    onRead: noMetrics.onRead,
  });
  return specs;
}

const OF_EVERY_JOB = ['namespace', 'name', 'runtime'];

test('the metrics of jobs are told as they are declared: names, labels, sentences', () => {
  const specs = declaredBy((metrics) => jobMetrics(metrics, { cap: 1, clock: systemClock }));
  const isOfAJob = ({ labels = [] }: MetricSpec) => labels.includes('namespace');
  const told = (spec: MetricSpec) => {
    const labels = (spec.labels ?? []).filter((label) => !isOfAJob(spec) || !OF_EVERY_JOB.includes(label));
    return { name: spec.name, labels, help: spec.help };
  };
  expect(metricRows(page, 'Of each job,')).toEqual(specs.filter(isOfAJob).map(told));
  expect(metricRows(page, 'Of all jobs together')).toEqual(specs.filter((spec) => !isOfAJob(spec)).map(told));
});

test('alerts are about metrics that there are', () => {
  const known = ['Of each job,', 'Of all jobs together', 'Of the process;'].flatMap((heading) =>
    metricRows(page, heading).map(({ name }) => name),
  );
  const alerts = (page.split('| when | means |')[1] ?? '').match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [];
  expect(alerts.length).toBeGreaterThan(5);
  expect(alerts.filter((name) => !known.includes(name))).toEqual([]);
});

test('every event of a job is on the page, and no other one', () => {
  const rows = tableAfter('docs/operating.md', '## Events');
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(named.sort()).toEqual([...EVENT_REASONS].sort());
});

/** Rows of the first table below a heading, without its header. */
function tableAfter(page: string, heading: string): string[] {
  const text = readFileSync(page, 'utf8');
  const below = text.slice(text.indexOf(`\n${heading}\n`));
  const [table = ''] = /(?:^\|.*\n)+/m.exec(below) ?? [];
  return table.trim().split('\n').slice(2);
}
