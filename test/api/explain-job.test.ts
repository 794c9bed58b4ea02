import { expect, test } from 'vitest';
import { explain, explainJob, type ObservedJob, type PodTrouble, REASONS } from '../../src/api/index.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const TIME = '2026-01-02T03:00:00Z';

type Status = NonNullable<ObservedJob['status']>;

const condition = (type: string, status: 'True' | 'False', reason: string, message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: TIME,
});

const aJob = (status: Status | undefined, metadata: ObservedJob['metadata'] = {}): ObservedJob => ({
  metadata: { name: 'flights', namespace: 'team-a', generation: 1, creationTimestamp: TIME, ...metadata },
  ...(status === undefined ? {} : { status: { observedGeneration: 1, ...status } }),
});

const why = (job: ObservedJob, pods: readonly PodTrouble[] = [], changedAt?: number) =>
  explainJob(job, { now: NOW, pods, changedAt });

const TOO_BIG: PodTrouble = { reason: 'Unschedulable', pod: 'flights-1-0', detail: '0/3 nodes are available' };

test('a resource that nobody has looked at for long has no operator', () => {
  const found = why(aJob(undefined));
  expect(found.reason).toBe('OperatorAbsent');
  expect(found.cause).toBe('No operator has looked at this resource for 4m: there is no status.');
});

test('a resource that was made a moment ago is not missed yet', () => {
  expect(why(aJob(undefined, { creationTimestamp: '2026-01-02T03:04:00Z' })).reason).toBe('Progressing');
});

test('a changed spec that nobody takes up has no operator, a moment ago excepted', () => {
  const job = aJob({ phase: 'Running' }, { generation: 2 });
  expect(why(job, [], NOW - 120_000)).toMatchObject({
    reason: 'OperatorAbsent',
    cause: expect.stringContaining('generation 2 waits, 1 was seen last'),
  });
  expect(why(job, [], NOW - 1_000).reason).toBe('Progressing');
});

test('deletion goes before everything else', () => {
  const job = aJob({ phase: 'Failed' }, { deletionTimestamp: TIME });
  expect(why(job, [TOO_BIG]).reason).toBe('Deleting');
});

test('a job that was given up is explained by its Stalled condition', () => {
  const found = why(
    aJob({ phase: 'Failed', conditions: [condition('Stalled', 'True', 'RestartsExhausted', 'bad record')] }),
  );
  expect(found).toEqual({
    reason: 'RestartsExhausted',
    ...explain('RestartsExhausted', { job: 'flights', namespace: 'team-a', detail: 'bad record' }),
  });
});

test('a message that was made from the table is not told twice', () => {
  const facts = { job: 'flights', namespace: 'team-a', detail: 'bad record', checkpoint: 'checkpoint 7' };
  const { cause, remedy } = explain('RestartsExhausted', facts);
  const message = `${cause} ${remedy}`;
  const found = why(
    aJob({ phase: 'Failed', conditions: [condition('Stalled', 'True', 'RestartsExhausted', message)] }),
  );
  expect(found).toEqual({ reason: 'RestartsExhausted', ...explain('RestartsExhausted', facts) });
});

test('a cause of the table without its remedy gets the remedy', () => {
  const { cause, remedy } = explain('ErrImagePull', {
    job: 'flights',
    namespace: 'team-a',
    pod: 'flights-1-0',
    image: 'a:1',
  });
  const found = why(aJob({ phase: 'Starting', conditions: [condition('Reconciling', 'True', 'ErrImagePull', cause)] }));
  expect(found).toEqual({ reason: 'ErrImagePull', cause, remedy });
});

test('a pod that cannot run explains a job that does not start', () => {
  const found = why(aJob({ phase: 'Starting', conditions: [condition('Reconciling', 'True', 'Progressing')] }), [
    TOO_BIG,
  ]);
  expect(found).toMatchObject({
    reason: 'Unschedulable',
    cause: 'No node takes pod flights-1-0: 0/3 nodes are available.',
  });
});

test('among several pods, the one that needs somebody explains', () => {
  const evicted: PodTrouble = { reason: 'Evicted', pod: 'flights-1-1' };
  expect(why(aJob({ phase: 'Restarting' }), [evicted, TOO_BIG]).reason).toBe('Unschedulable');
  expect(why(aJob({ phase: 'Restarting' }), [evicted]).reason).toBe('Evicted');
});

test('where pods may not be seen, the condition about them explains', () => {
  const conditions = [condition('PodsHealthy', 'False', 'OOMKilled', 'flights-1-0: 137')];
  expect(why(aJob({ phase: 'Restarting', conditions })).reason).toBe('OOMKilled');
});

test('a job between two attempts says what failed and when it goes on', () => {
  const found = why(
    aJob({ phase: 'Restarting', restarts: { count: 2, lastCause: 'bad record', nextAt: '2026-01-02T03:04:09Z' } }),
  );
  expect(found.cause).toBe('Something failed that is tried again in 4s: bad record.');
  const late = { count: 2, lastCause: 'bad record', nextAt: TIME };
  expect(why(aJob({ phase: 'Restarting', restarts: late })).cause).toBe(
    'Something failed that is tried again: bad record.',
  );
});

test.each<[string, Status, string]>([
  ['suspended', { phase: 'Suspended' }, 'Suspended'],
  ['finished', { phase: 'Succeeded' }, 'Finished'],
  ['running', { phase: 'Running', conditions: [condition('Ready', 'True', 'Succeeded')] }, 'Succeeded'],
  ['starting', { phase: 'Starting' }, 'Progressing'],
  ['given up without a word', { phase: 'Failed' }, 'RestartsExhausted'],
  [
    'running without checkpoints',
    { phase: 'Running', conditions: [condition('CheckpointHealthy', 'False', 'X', 'expired')] },
    'CheckpointsFailing',
  ],
  [
    'running without storage',
    { phase: 'Running', conditions: [condition('StorageReachable', 'False', 'X')] },
    'StorageUnreachable',
  ],
  [
    'running where its pods do not share the storage',
    { phase: 'Running', conditions: [condition('StorageReachable', 'False', 'StorageNotShared')] },
    'StorageNotShared',
  ],
  [
    'rolled back, and pods do not share the storage',
    {
      phase: 'Running',
      conditions: [condition('StorageReachable', 'False', 'StorageNotShared'), condition('RolledBack', 'True', 'X')],
    },
    'RolledBack',
  ],
  ['rolled back', { phase: 'Running', conditions: [condition('RolledBack', 'True', 'X')] }, 'RolledBack'],
  [
    'running with a failed savepoint',
    { phase: 'Running', savepoints: [{ trigger: 1, state: 'Failed', cause: 'no space' }] },
    'SavepointFailed',
  ],
  [
    'stalled by what is not in the table',
    { conditions: [condition('Stalled', 'True', 'Whatever', 'x'), condition('Ready', 'False', 'InvalidSpec', 'y')] },
    'InvalidSpec',
  ],
])('a job that is %s', (_what, status, reason) => {
  expect(why(aJob(status)).reason).toBe(reason);
});

test('pods of a job that runs or stands still as asked do not matter', () => {
  expect(why(aJob({ phase: 'Running' }), [TOO_BIG]).reason).toBe('Succeeded');
  expect(why(aJob({ phase: 'Suspended' }), [TOO_BIG]).reason).toBe('Suspended');
});

test('every message that is made of cause and remedy is taken apart again', () => {
  const facts = { job: 'flights', namespace: 'team-a', pod: 'flights-1-0', image: 'a:1', detail: 'exit code 137' };
  for (const known of [
    facts,
    {},
    { ...facts, memory: '512Mi', checkpoint: 's3://b/7', revision: 'a-1', nextAt: 'at 3' },
  ]) {
    for (const reason of REASONS) {
      const { cause, remedy } = explain(reason, known);
      const conditions = [condition('Stalled', 'True', reason, `${cause} ${remedy}`)];
      expect(why(aJob({ phase: 'Failed', conditions }))).toEqual({ reason, cause, remedy });
    }
  }
});
