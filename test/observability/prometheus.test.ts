import { expect, test } from 'vitest';
import { PrometheusMetrics, processMetrics } from '../../src/observability/index.ts';

/** Lines of a page that tell values. */
async function valuesOf(metrics: PrometheusMetrics): Promise<string[]> {
  const { body } = await metrics.page();
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('counters, gauges and histograms are told as Prometheus reads them', async () => {
  const metrics = new PrometheusMetrics();
  const restarts = metrics.counter({ name: 'restarts_total', help: 'Restarts.', labels: ['name'] });
  restarts.add({ name: 'a' });
  restarts.add({ name: 'a' }, 2);
  metrics.gauge({ name: 'depth', help: 'Keys that wait.' }).set(7);
  metrics.histogram({ name: 'seconds', help: 'Times.', buckets: [1, 5] }).observe(3);
  const { contentType, body } = await metrics.page();
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(body).toContain(
    '# HELP restarts_total Restarts.\n# TYPE restarts_total counter\nrestarts_total{name="a"} 3\n',
  );
  expect(body).toContain('# TYPE depth gauge\ndepth 7\n');
  expect(body).toContain('seconds_bucket{le="1"} 0\nseconds_bucket{le="5"} 1\nseconds_bucket{le="+Inf"} 1\n');
});

test('asking twice for one name gives the same instrument', async () => {
  const metrics = new PrometheusMetrics();
  for (const _ of [1, 2]) metrics.counter({ name: 'one_total', help: 'One.' }).add();
  expect(await valuesOf(metrics)).toEqual(['one_total 2']);
});

test('what is gone is not told of any more', async () => {
  const metrics = new PrometheusMetrics();
  const counter = metrics.counter({ name: 'c_total', help: 'C.', labels: ['name'] });
  const gauge = metrics.gauge({ name: 'g', help: 'G.', labels: ['name'] });
  for (const name of ['a', 'b']) {
    counter.add({ name });
    gauge.set(1, { name });
  }
  counter.remove({ name: 'a' });
  gauge.remove({ name: 'a' });
  expect(await valuesOf(metrics)).toEqual(['c_total{name="b"} 1', 'g{name="b"} 1']);
});

test('gauges are filled before each reading, until they are no longer wanted', async () => {
  const metrics = new PrometheusMetrics();
  const gauge = metrics.gauge({ name: 'depth', help: 'Keys that wait.' });
  let depth = 0;
  const stop = metrics.onRead(() => gauge.set(++depth));
  expect(await valuesOf(metrics)).toEqual(['depth 1']);
  expect(await valuesOf(metrics)).toEqual(['depth 2']);
  stop();
  expect(await valuesOf(metrics)).toEqual(['depth 2']);
});

test('a label that was not declared, a value that is no number and a fill that throws do no harm', async () => {
  const metrics = new PrometheusMetrics();
  const gauge = metrics.gauge({ name: 'depth', help: 'Keys that wait.', labels: ['name'] });
  gauge.set(1, { name: 'a' });
  gauge.set(2, { colour: 'red' });
  gauge.set('many' as unknown as number, { name: 'b' });
  metrics.counter({ name: 'c_total', help: 'C.' }).add({}, -1);
  metrics.onRead(() => {
    throw new Error('not now');
  });
  expect(await valuesOf(metrics)).toContain('depth{name="a"} 1');
  expect(await valuesOf(metrics)).toHaveLength(2);
});

test('the values of labels cannot add lines of their own', async () => {
  const metrics = new PrometheusMetrics();
  metrics.gauge({ name: 'g', help: 'G.', labels: ['name'] }).set(1, { name: 'a"} 1\nevil 1' });
  expect(await valuesOf(metrics)).toEqual(['g{name="a\\"} 1\\nevil 1"} 1']);
});

test('what the process costs is told under the usual names, and counts on from reading to reading', async () => {
  const metrics = new PrometheusMetrics();
  const stop = processMetrics(metrics, { eventLoopDelayMs: () => 250, version: '1.2.3' });
  const read = async (name: string) =>
    Number((await valuesOf(metrics)).find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
  const first = await read('process_cpu_seconds_total');
  expect(first).toBeGreaterThan(0);
  expect(await read('process_cpu_seconds_total')).toBeGreaterThanOrEqual(first);
  expect(await read('process_cpu_seconds_total')).toBeLessThan(first + 60);
  expect(await read('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(await read('nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000);
  expect(await read('nodejs_eventloop_lag_max_seconds')).toBe(0.25);
  const started = await read('process_start_time_seconds');
  expect(Math.abs(started - performance.timeOrigin / 1000)).toBeLessThan(1);
  expect((await metrics.page()).body).toContain(
    `flinkjob_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
  );
  stop();
});
