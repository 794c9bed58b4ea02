import { expect, test } from 'vitest';
import type { JobControl, RestorePointView } from '../../../src/stream/rest/index.ts';
import { aCheckpoint, aControl, aJob, anAck, COUNT, JOB, SOURCE, T0 } from './builders.ts';
import { call, started } from './calls.ts';

const someCheckpoints = () => {
  const failed = aCheckpoint(3, {
    status: 'FAILED',
    acks: { [SOURCE]: [null], [COUNT]: [anAck(), null] },
    failure: { time: T0 + 2_000, message: 'Checkpoint expired before completing.' },
  });
  const savepoint = aCheckpoint(2, { type: 'SAVEPOINT', savepointFormat: 'CANONICAL', location: 'file:///sp/2' });
  const completed = aCheckpoint(1);
  return aJob({
    checkpoints: {
      counts: { restored: 1, inProgress: 0, completed: 2, failed: 1 },
      history: [failed, savepoint, completed],
      latest: {
        completed,
        savepoint,
        failed,
        restored: { id: 9, time: T0, isSavepoint: true, location: 'file:///old/sp-9' },
      },
    },
  });
};

test('/jobs/:id/checkpoints gives counts, summary, the newest of each kind and the history', async () => {
  const { body } = await call(await started({ job: someCheckpoints() }), `/jobs/${JOB}/checkpoints`);
  expect(body.counts).toEqual({ restored: 1, total: 3, in_progress: 0, completed: 2, failed: 1 });
  expect(body.summary.end_to_end_duration).toMatchObject({ min: 50, max: 50, avg: 50, p99: 50 });
  expect(body.latest.completed).toMatchObject({
    className: 'completed',
    id: 1,
    status: 'COMPLETED',
    is_savepoint: false,
    checkpoint_type: 'CHECKPOINT',
    trigger_timestamp: T0 + 1_000,
    latest_ack_timestamp: T0 + 1_050,
    end_to_end_duration: 50,
    checkpointed_size: 300,
    state_size: 1_200,
    num_subtasks: 3,
    num_acknowledged_subtasks: 3,
    external_path: `file:///state/${JOB}/chk-1`,
    discarded: false,
  });
  expect(body.latest.savepoint).toMatchObject({
    id: 2,
    is_savepoint: true,
    savepointFormat: 'CANONICAL',
    external_path: 'file:///sp/2',
  });
  expect(body.latest.failed).toMatchObject({
    className: 'failed',
    num_acknowledged_subtasks: 1,
    failure_timestamp: T0 + 2_000,
    failure_message: 'Checkpoint expired before completing.',
  });
  expect(body.latest.restored).toEqual({
    id: 9,
    restore_timestamp: T0,
    is_savepoint: true,
    external_path: 'file:///old/sp-9',
  });
  expect(body.history.map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
});

test('a job without checkpoints has empty statistics, not missing ones', async () => {
  const { body } = await call(await started(), `/jobs/${JOB}/checkpoints`);
  expect(body.latest).toEqual({ completed: null, savepoint: null, failed: null, restored: null });
  expect(body.summary.state_size).toEqual({ min: 0, max: 0, avg: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0 });
  expect(body.history).toEqual([]);
});

test('/jobs/:id/checkpoints/details/:cp gives the parts of each vertex and subtask', async () => {
  const server = await started({ job: someCheckpoints() });
  const { body } = await call(server, `/jobs/${JOB}/checkpoints/details/3`);
  expect(body.tasks[COUNT]).toMatchObject({
    id: 3,
    status: 'FAILED',
    num_subtasks: 2,
    num_acknowledged_subtasks: 1,
    state_size: 400,
  });
  expect(body.tasks[SOURCE]).toMatchObject({
    num_subtasks: 1,
    num_acknowledged_subtasks: 0,
    latest_ack_timestamp: -1,
    end_to_end_duration: 0,
  });
  const parts = (await call(server, `/jobs/${JOB}/checkpoints/details/3/subtasks/${COUNT}`)).body;
  expect(parts.subtasks).toMatchObject([
    { className: 'completed', index: 0, ack_timestamp: T0 + 1_040, checkpoint: { sync: 2, async: 20 }, start_delay: 3 },
    { className: 'pending', index: 1, status: 'pending_or_failed' },
  ]);
  expect(parts.summary.checkpoint_duration.sync).toMatchObject({ min: 2, max: 2 });
  expect(await call(server, `/jobs/${JOB}/checkpoints/details/99`)).toMatchObject({
    status: 404,
    body: { errors: ['Could not find checkpointing statistics for checkpoint 99.'] },
  });
  expect((await call(server, `/jobs/${JOB}/checkpoints/details/x`)).status).toBe(400);
});

test('/jobs/:id/checkpoints/config is not taken for a trigger', async () => {
  const { body } = await call(await started(), `/jobs/${JOB}/checkpoints/config`);
  expect(body).toMatchObject({
    mode: 'exactly_once',
    interval: 10_000,
    timeout: 600_000,
    max_concurrent: 1,
    externalization: { enabled: true, delete_on_cancellation: false },
    checkpoint_storage: 'file:///state',
    tolerable_failed_checkpoints: 0,
  });
});

test('unlimited tolerated failures are a number JSON can hold', async () => {
  const job = aJob({ checkpointConfig: { ...aJob().checkpointConfig, tolerableFailures: Number.POSITIVE_INFINITY } });
  const { body } = await call(await started({ job }), `/jobs/${JOB}/checkpoints/config`);
  expect(body.tolerable_failed_checkpoints).toBe(2_147_483_647);
});

test('what the newest checkpoint asks of a program is told, or that there is none, or that it cannot be read', async () => {
  const point = { kind: 'checkpoint', checkpointId: 3, jobName: 'flights', location: 'file:///s/chk-3', operators: [] };
  const path = `/jobs/${JOB}/checkpoints/restore-point`;
  const asked = async (restorePoint: JobControl['restorePoint']) =>
    call(await started({ control: aControl({ restorePoint }) }), path);
  expect(await asked(async () => point as unknown as RestorePointView)).toMatchObject({
    status: 200,
    body: { 'restore-point': point },
  });
  expect(await asked(async () => undefined)).toMatchObject({ status: 200, body: { 'restore-point': null } });
  expect(await asked(() => Promise.reject(new Error('the bucket is gone')))).toMatchObject({
    status: 503,
    body: { errors: [expect.stringContaining('the bucket is gone')] },
  });
});
