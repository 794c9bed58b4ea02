import { describe, expect, test } from 'vitest';
import { durationMs } from '../../src/api/fields.ts';
import {
  defaultMaxParallelism,
  type FlinkJob,
  flinkJobSchema,
  resolveFlinkJob,
  validateFlinkJob,
} from '../../src/api/index.ts';
import { aFlinkRuntimeJob, aJob, type Manifest } from './manifest.ts';

const parsed = (job: Manifest): FlinkJob => validateFlinkJob(job).job!;
const settings = (spec: Manifest = {}, metadata: Manifest = {}) => resolveFlinkJob(parsed(aJob(spec, metadata)));

test('the smallest job gets every default', () => {
  expect(settings()).toEqual({
    name: 'flight-delays',
    namespace: 'default',
    source: { kind: 'module', module: 'dist/job.js' },
    args: [],
    state: 'Running',
    parallelism: 1,
    highAvailability: { backend: 'Kubernetes', standbys: 1 },
    storageUri: 's3://bucket/jobs',
    checkpoints: { timeoutMs: 600_000, minPauseMs: 0, tolerableFailures: 0, retained: 1, onCancel: 'Retain' },
    savepoints: { retained: 5, timeoutMs: 600_000 },
    upgrade: { mode: 'LastState', allowNonRestoredState: false },
    deletion: { mode: 'Savepoint', storage: 'Retain', timeoutMs: 120_000 },
    triggers: { savepoint: 0, restart: 0, restore: 0 },
    clusterOnly: [],
  });
});

test('names the fields that take effect on a cluster only, where they ask for something', () => {
  const { clusterOnly } = settings({
    state: 'Suspended',
    upgrade: { mode: 'Savepoint', allowNonRestoredState: true },
    deletion: { mode: 'Cancel' },
    highAvailability: { standbys: 1, backend: 'Embedded' },
    triggers: { savepoint: 1 },
    jobManager: { resources: { limits: { memory: '1Gi' } } },
    storage: { uri: 's3://bucket', s3: { region: 'eu' } },
  });
  expect(clusterOnly).toEqual([
    'spec.state',
    'spec.storage.s3',
    'spec.upgrade.mode',
    'spec.triggers',
    'spec.jobManager',
  ]);
});

test('the schema alone fills in the same defaults as the validation', () => {
  expect(flinkJobSchema.parse(aJob())).toEqual({ ...parsed(aJob()), status: { observedGeneration: -1 } });
});

test('what is written is carried over, durations in milliseconds', () => {
  const spec = {
    parallelism: 2,
    maxParallelism: 64,
    state: 'Suspended',
    checkpoints: {
      interval: '1m30s',
      timeout: '1.5h',
      minPause: '250ms',
      tolerableFailures: 3,
      retained: 4,
      onCancel: 'Delete',
    },
    savepoints: { interval: '24h', retained: 2, timeout: '1m' },
    restoreFrom: 'file:///s',
    triggers: { savepoint: 2 },
    args: ['a'],
  };
  expect(settings(spec, { namespace: 'jobs', uid: 'u' })).toMatchObject({
    namespace: 'jobs',
    uid: 'u',
    parallelism: 2,
    maxParallelism: 64,
    state: 'Suspended',
    checkpoints: {
      intervalMs: 90_000,
      timeoutMs: 5_400_000,
      minPauseMs: 250,
      tolerableFailures: 3,
      retained: 4,
      onCancel: 'Delete',
    },
    savepoints: { intervalMs: 86_400_000, retained: 2, timeoutMs: 60_000 },
    restoreFrom: 'file:///s',
    triggers: { savepoint: 2, restart: 0, restore: 0 },
    args: ['a'],
  });
});

test('an interval of 0s is kept apart from one that is absent', () => {
  expect(settings({ checkpoints: { interval: '0s' } }).checkpoints.intervalMs).toBe(0);
  expect(settings().checkpoints.intervalMs).toBeUndefined();
});

describe('the source of the code', () => {
  test.each([
    [{ inline: 'x' }, { kind: 'inline', source: 'x' }],
    [{ configMap: { name: 'n', key: 'k' } }, { kind: 'configMap', name: 'n', key: 'k' }],
  ])('%o', (typescript, source) => {
    expect(settings({ typescript }).source).toEqual(source);
  });

  test('of a Flink job is the flink block as it is', () => {
    const job = resolveFlinkJob(parsed(aFlinkRuntimeJob()));
    expect(job.source).toBeUndefined();
    expect(job.flink).toMatchObject({ version: '2.3', jar: { entryClass: 'org.example.Job' } });
  });
});

describe('the restart strategy', () => {
  test.each<[Manifest | undefined, unknown]>([
    [undefined, undefined],
    [{ none: {} }, { type: 'none' }],
    [{ fixedDelay: {} }, { type: 'fixedDelay', attempts: 1, delayMs: 1_000 }],
    [
      { fixedDelay: { attempts: 'Infinite', delay: '0s' } },
      { type: 'fixedDelay', attempts: 2_147_483_647, delayMs: 0 },
    ],
    [{ failureRate: {} }, { type: 'failureRate', maxFailures: 1, intervalMs: 60_000, delayMs: 1_000 }],
    [
      { exponentialDelay: {} },
      {
        type: 'exponentialDelay',
        initialMs: 1_000,
        maxMs: 60_000,
        multiplier: 1.5,
        resetAfterMs: 3_600_000,
        jitter: 0.1,
        attempts: Number.POSITIVE_INFINITY,
      },
    ],
    [{ exponentialDelay: { attempts: 7 } }, expect.objectContaining({ attempts: 7 })],
  ])('%o', (restart, expected) => {
    expect(settings({ restart }).restart).toEqual(expected);
  });
});

test('the default maximum parallelism is that of Flink', () => {
  const known = [
    [1, 128],
    [85, 128],
    [86, 256],
    [171, 256],
    [172, 512],
    [20_000, 32_768],
    [32_768, 32_768],
  ] as const;
  for (const [parallelism, expected] of known)
    expect(defaultMaxParallelism(parallelism), `${parallelism}`).toBe(expected);
});

test('durations are spelled as in Go, largest unit first, without days', () => {
  expect(['1h', '1.5h', '1h30m', '90s', '0.25s', '250ms', '0s', '999999h'].map(durationMs)).toEqual([
    3_600_000, 5_400_000, 5_400_000, 90_000, 250, 250, 0, 3_599_996_400_000,
  ]);
  for (const text of ['1d', '1', 's', '1m1h', '-1s', '1 s', '1.5ms', '1e3s', '1000000h', 5, null, undefined]) {
    expect(durationMs(text), String(text)).toBeUndefined();
  }
});
