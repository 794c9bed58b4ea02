import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { JobCheckpoints } from '../../../src/stream/job/job-checkpoints.ts';
import type { JobEvent, JobMasterOptions } from '../../../src/stream/job/settings.ts';
import { aJob, aStorage, aVertex } from '../checkpoint/builders.ts';

/** Checkpoints of a job whose one task answers when the test says so. */
function theCheckpoints() {
  const events: JobEvent[] = [];
  const triggered = Promise.withResolvers<number>();
  const job = aJob(aVertex(['map'], { parallelism: 1 }));
  const storage = aStorage();
  const options = {
    jobId: job.jobId,
    epoch: 1,
    storage,
    storageUri: 'file:///jobs',
    checkpointIds: { getAndIncrement: async () => 1 },
    checkpoints: { intervalMs: 0, timeoutMs: 60_000, minPauseMs: 0, tolerableFailures: 3 },
    clock: systemClock,
    random: () => 0,
    log: { info() {}, warn() {} },
    onEvent: (event: JobEvent) => void events.push(event),
  } as unknown as JobMasterOptions;
  const checkpoints = new JobCheckpoints(job, options, {
    trigger: ({ id }) => triggered.resolve(id),
    complete: async () => {},
    aborted() {},
    fail() {},
  });
  checkpoints.start(undefined);
  const asked = checkpoints.checkpoint();
  return {
    checkpoints,
    storage,
    events,
    vertexId: job.vertices[0]?.vertexId ?? '',
    triggered: triggered.promise,
    asked,
  };
}

test('a checkpoint that is given up because the attempt ends is not told as failed', async () => {
  const { checkpoints, events, triggered, asked } = theCheckpoints();
  await triggered;
  checkpoints.stop();
  await expect(asked).rejects.toThrow('checkpoint 1 failed: CheckpointCoordinator shutdown.');
  expect(events).toEqual([]);
});

test('a declined checkpoint is told with its id beside the reason, not in it', async () => {
  const { checkpoints, events, triggered, asked, vertexId } = theCheckpoints();
  const checkpointId = await triggered;
  const reason = 'CHECKPOINT_DECLINED_TASK_NOT_READY';
  checkpoints.decline({ type: 'decline', checkpointId, vertexId, subtaskIndex: 0, reason, message: 'later' });
  await expect(asked).rejects.toThrow('checkpoint 1 failed: ');
  checkpoints.stop();
  expect(events).toEqual([
    { event: 'checkpointFailed', checkpointId: 1, reason: expect.stringMatching(/^Checkpoint was declined \(tasks/) },
  ]);
});

test('a savepoint for which somebody chose a directory is noted before it is begun, others are not', async () => {
  const { checkpoints, storage, triggered, asked } = theCheckpoints();
  await triggered;
  asked.catch(() => {});
  // They wait for the checkpoint before them, which nobody answers.
  const savepoint = (chosen: object) => void checkpoints.savepoint({ kind: 'savepoint', ...chosen }).catch(() => {});
  savepoint({});
  expect(await storage.list('')).toEqual([]);
  savepoint({ targetDirectory: 'file:///jobs/nightly/' });
  await expect.poll(() => storage.list('')).toHaveLength(1);
  const [note = ''] = await storage.list('');
  expect(new TextDecoder().decode(await storage.read(note))).toMatch(/^nightly\/savepoint-/);
  checkpoints.stop();
});
