import { expect, test } from 'vitest';
import { type JobStatusReport, userCounters, vertexReports } from '../../../src/cli/local-job/job-status.ts';
import { statusLines } from '../../../src/cli/local-job/show-status.ts';
import type { JobDetails } from '../../../src/flink/index.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');

const aReport = (changes: Partial<JobStatusReport> = {}): JobStatusReport => ({
  name: 'flights',
  namespace: 'team',
  jobId: 'a'.repeat(32),
  phase: 'Running',
  attempt: { number: 3, started: '2026-01-01T00:00:00.000Z', epoch: 7 },
  process: { pid: 42, url: 'http://127.0.0.1:8081' },
  restarts: { count: 2, lastCause: 'out of luck' },
  checkpoint: {
    id: 12,
    kind: 'checkpoint',
    taken: '2026-01-01T00:00:55.000Z',
    ageMs: 5_000,
    bytes: 2048,
    location: 'file:///s/chk-12',
  },
  maxParallelism: [128],
  restartStrategy: { text: 'Fixed', source: 'code' },
  ...changes,
});

const details = (recordsIn: number, recordsOut: number): JobDetails =>
  ({
    vertices: [
      {
        id: 'v',
        name: 'count',
        parallelism: 2,
        maxParallelism: 128,
        status: 'RUNNING',
        metrics: { 'read-records': recordsIn, 'write-records': recordsOut },
      },
    ],
  }) as unknown as JobDetails;

test('rates are what was counted between two looks, per second', () => {
  expect(vertexReports(details(1_000, 10), details(3_000, 30), 2)).toEqual([
    {
      name: 'count',
      parallelism: 2,
      maxParallelism: 128,
      status: 'RUNNING',
      recordsIn: 3_000,
      recordsOut: 30,
      recordsInPerSecond: 1_000,
      recordsOutPerSecond: 10,
    },
  ]);
});

test('a job that was restarted between two looks has no negative rates', () => {
  expect(vertexReports(details(1_000, 10), details(5, 0), 1)).toMatchObject([
    { recordsInPerSecond: 0, recordsOutPerSecond: 0 },
  ]);
});

test('a job that has finished has no checkpoint left, and says which was the last', () => {
  const { checkpoint: _, ...ended } = aReport({
    phase: 'Finished',
    lastCheckpoint: { id: 12, taken: '2026-01-01T00:00:55.000Z', bytes: 2048 },
  });
  const lines = statusLines(ended, NOW, { isTty: false, env: {} });
  expect(lines).toContain('Checkpoint\tnone left; the last was checkpoint 12, 5s ago, 2.0 KiB');
});

test('one screen says how the job is', () => {
  const vertices = vertexReports(details(0, 0), details(12_345, 1), 1);
  expect(statusLines(aReport({ vertices }), NOW, { isTty: false, env: {} })).toEqual([
    `Job\tteam/flights (${'a'.repeat(32)})`,
    'Phase\tRunning',
    'Attempt\t3, started 1m ago',
    'Process\t42 at http://127.0.0.1:8081',
    'Restarts\t2; the last failure: out of luck',
    'Checkpoint\tcheckpoint 12, 5s ago, 2.0 KiB, file:///s/chk-12',
    'Max parallelism\t128',
    'Restart strategy\tFixed (from the code of the job)',
    '',
    'VERTEX\tSTATUS\tPARALLELISM\tMAX\tIN\tIN/S\tOUT\tOUT/S',
    'count\tRUNNING\t2\t128\t12k\t12k\t1\t1',
  ]);
});

test('what functions count is summed over vertices, and shown where it is not zero', () => {
  const metrics = [
    { id: 'parse.invalid', value: '2' },
    { id: 'parse.all.invalid', value: '3' },
    { id: 'window.numLateRecordsDropped', value: '1500' },
    { id: 'numRestarts', value: '7' },
  ];
  const counters = userCounters(metrics, ['parse.', 'parse.all.', 'window.']);
  expect(counters).toEqual({ invalid: 5, numLateRecordsDropped: 1500 });
  const shown = (report: JobStatusReport) =>
    statusLines(report, NOW, { isTty: false, env: {} }).filter((line) => line.startsWith('Counters'));
  expect(shown(aReport({ counters }))).toEqual([
    'Counters\t1,500 late records dropped (numLateRecordsDropped), invalid 5',
  ]);
  expect(shown(aReport({ counters: { invalid: 0 } }))).toEqual([]);
});

test('a job that waits to be restarted says when and why', () => {
  const {
    process: _,
    checkpoint: __,
    ...rest
  } = aReport({
    phase: 'Restarting',
    maxParallelism: [],
    attempt: {
      number: 3,
      started: '2026-01-01T00:00:00.000Z',
      epoch: 7,
      ended: { how: 'failed', at: '2026-01-01T00:00:58.000Z', cause: 'out of luck' },
    },
    restarts: { count: 2, lastCause: 'out of luck', nextAt: '2026-01-01T00:01:08.000Z' },
  });
  const lines = statusLines(rest, NOW, { isTty: true, env: { NO_COLOR: '1' } });
  expect(lines).toContain('Phase             Restarting');
  expect(lines).toContain('Attempt           3, failed 2s ago: out of luck');
  expect(lines).toContain('Restarts          2; the last failure: out of luck; the next attempt in 8s');
  expect(lines).toContain('Checkpoint        none');
  expect(lines).toContain('Max parallelism   not known before the first checkpoint');
});

test('a suspended job has an attempt that was suspended', () => {
  const attempt = { number: 3, started: '2026-01-01T00:00:00.000Z', epoch: 7 };
  const end = { how: 'suspended', at: '2026-01-01T00:00:58.000Z', cause: 'stopped with savepoint file:///s' } as const;
  const { process: _, ...report } = aReport({ phase: 'Suspended', attempt: { ...attempt, ended: end } });
  expect(statusLines(report, NOW, { isTty: false, env: {} })).toContain('Attempt\t3, suspended 2s ago');
});
