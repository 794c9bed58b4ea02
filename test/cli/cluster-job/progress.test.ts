import { expect, test } from 'vitest';
import { restartProgress, savepointProgress, stateProgress } from '../../../src/cli/cluster-job/progress.ts';
import { ago, aJobObject, condition, managed, NOW } from './builders.ts';

type Status = Parameters<typeof aJobObject>[0];

const asked = (status: Status, savepoint = 3, more: object = {}) =>
  savepointProgress(
    aJobObject({ phase: 'Running', ...status }, { spec: { triggers: { savepoint } }, ...more }),
    3,
    NOW,
  );

const attempt = (number: number) => ({ number, leader: `flights-${number}-0` });

test('a savepoint is asked for, taken up, being taken, complete', () => {
  expect(asked({})).toEqual({ is: 'underWay', text: 'savepoint 3 is asked for' });
  expect(asked({ handledTriggers: { savepoint: 3 } })).toEqual({ is: 'underWay', text: 'savepoint 3 is taken up' });
  expect(asked({ savepoints: [{ trigger: 3, state: 'Triggered' }] })).toEqual({
    is: 'underWay',
    text: 'savepoint 3 is being taken',
  });
  expect(asked({ savepoints: [{ trigger: 3, state: 'Completed', uri: 's3://b/3' }] })).toEqual({
    is: 'done',
    result: 's3://b/3',
  });
});

test('a savepoint of another trigger is not the one that was asked for', () => {
  expect(asked({ savepoints: [{ trigger: 2, state: 'Completed', uri: 's3://b/2' }] }).is).toBe('underWay');
});

test('a savepoint that failed is tried again until the operator calls it handled', () => {
  const savepoints = [{ trigger: 3, state: 'Failed' as const, cause: 'no space left' }];
  expect(asked({ savepoints })).toEqual({
    is: 'underWay',
    text: 'savepoint 3 failed and is tried again: no space left',
  });
  expect(asked({ savepoints, handledTriggers: { savepoint: 3 } })).toMatchObject({
    is: 'failed',
    error: { message: expect.stringContaining('failed: no space left. The job goes on.') },
  });
});

test('a savepoint that expired, and a job that stopped before, are failures', () => {
  expect(asked({ savepoints: [{ trigger: 3, state: 'Expired' }] })).toMatchObject({
    is: 'failed',
    error: { code: 'CLUSTER_REQUEST_FAILED', message: expect.stringContaining('was not taken in time') },
  });
  expect(asked({ phase: 'Suspended' })).toMatchObject({ is: 'failed', error: { code: 'CLUSTER_JOB_NOT_RUNNING' } });
});

test('a job that stops with the savepoint it was asked for has done it', () => {
  const savepoints = [{ trigger: 3, state: 'Completed' as const, uri: 's3://b/3' }];
  expect(asked({ phase: 'Suspended', savepoints }).is).toBe('done');
  expect(asked({ phase: 'Suspended', handledTriggers: { savepoint: 3 } }).is).toBe('underWay');
});

test('a number that was put back is a failure only before it was acted on', () => {
  expect(asked({}, 2)).toMatchObject({ is: 'failed', error: { code: 'CLUSTER_REQUEST_PUT_BACK' } });
  expect(asked({ handledTriggers: { savepoint: 3 } }, 2).is).toBe('underWay');
});

test('who put a number back is named where the server knows', () => {
  const fields = { 'f:spec': { 'f:triggers': { 'f:savepoint': {} } } };
  const found = asked({}, 2, { metadata: { managedFields: [managed('helm-controller', fields)] } });
  expect(found).toMatchObject({
    error: { message: expect.stringContaining('is kept by Flux (Helm) (field manager helm-controller)') },
  });
});

test('a restart is done when a later attempt runs', () => {
  const at = (status: Status) => restartProgress(aJobObject(status, { spec: { triggers: { restart: 1 } } }), 1, 3, NOW);
  expect(at({ phase: 'Running', attempt: attempt(3) })).toMatchObject({
    is: 'underWay',
    text: 'restart 1 is asked for',
  });
  const handledTriggers = { restart: 1 };
  expect(at({ phase: 'Running', attempt: attempt(3), handledTriggers }).is).toBe('underWay');
  expect(at({ phase: 'Starting', attempt: attempt(4), handledTriggers })).toMatchObject({
    text: 'restarting (Starting, attempt 4)',
  });
  expect(at({ phase: 'Running', attempt: attempt(4), handledTriggers })).toEqual({ is: 'done', result: 4 });
});

test('a failed job that is asked to restart has not failed again before that was handled', () => {
  const job = aJobObject({ phase: 'Failed' }, { spec: { triggers: { restart: 1 } } });
  expect(restartProgress(job, 1, 3, NOW).is).toBe('underWay');
});

test('a state is reached when the operator has seen this generation and says so', () => {
  const at = (status: Status, state = 'Suspended') =>
    stateProgress(aJobObject(status, { spec: { state } }), 'Suspended', NOW);
  expect(at({ phase: 'Suspended', observedGeneration: 6 })).toMatchObject({ is: 'underWay' });
  expect(at({ phase: 'Suspending' })).toEqual({ is: 'underWay', text: 'Suspending' });
  expect(at({ phase: 'Suspended' })).toEqual({ is: 'done', result: { phase: 'Suspended' } });
  expect(at({ phase: 'Succeeded' }).is).toBe('done');
  expect(at({ phase: 'Running' }, 'Running')).toMatchObject({
    is: 'failed',
    error: { code: 'CLUSTER_REQUEST_PUT_BACK' },
  });
});

test('of a suspended job the newer of savepoint and checkpoint is where its state lies', () => {
  const savepoints = [{ uri: 's3://b/savepoint', completed: ago(100), state: 'Completed' as const }];
  const location = (status: Status) => {
    const found = stateProgress(
      aJobObject({ phase: 'Suspended', ...status }, { spec: { state: 'Suspended' } }),
      'Suspended',
      NOW,
    );
    return found.is === 'done' ? found.result.location : found;
  };
  expect(location({ savepoints })).toBe('s3://b/savepoint');
  expect(location({ savepoints, checkpoint: { latest: { id: 1, uri: 's3://b/chk', completed: ago(5) } } })).toBe(
    's3://b/chk',
  );
  expect(location({ savepoints, checkpoint: { latest: { id: 1, uri: 's3://b/chk', completed: ago(500) } } })).toBe(
    's3://b/savepoint',
  );
});

test('a resume that ends in failure says why', () => {
  const status = {
    phase: 'Failed' as const,
    conditions: [condition('Stalled', 'True', 'InvalidJob', 'no such module')],
  };
  expect(stateProgress(aJobObject(status), 'Running', NOW)).toMatchObject({
    is: 'failed',
    error: { message: expect.stringContaining('restart would not change that: no such module') },
  });
});
