import { expect, onTestFinished, test } from 'vitest';
import { JobEnd } from '../../../src/cli/job-process/job-end.ts';
import { CHECKPOINT_RETAINED_ON_CANCELLATION, type HighAvailabilityServices } from '../../../src/ha/index.ts';
import type { JobMaster } from '../../../src/stream/index.ts';
import { AJob, aCheckpoint, JOB } from '../../builders/ha.ts';

const EPOCH = 1;
const master = { startedAt: 0, execution: undefined } as unknown as JobMaster;

/** A job whose last checkpoint is retained when it is cancelled, and a file that a worker wrote into one given up. */
async function anEndedJob() {
  const job = new AJob();
  onTestFinished(() => job.close());
  const services = await job.leader();
  const store = await storeOf(services);
  await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1, CHECKPOINT_RETAINED_ON_CANCELLATION));
  await job.storage.write(`${JOB}/chk-2-${EPOCH}-late/vertex-0.state`, new Uint8Array([1]), { exclusive: true });
  return { job, services, store };
}

const storeOf = (services: HighAvailabilityServices) =>
  services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 1);

const endOf = ({ storage }: AJob, services: HighAvailabilityServices, crashAt?: string): JobEnd =>
  new JobEnd({
    services,
    storage,
    jobId: JOB,
    epoch: EPOCH,
    faults: async (point) => {
      if (point === crashAt) throw new Error(`crashed at ${point}`);
    },
    warn: () => {},
  });

const checkpointsIn = async ({ storage }: AJob): Promise<string[]> =>
  (await storage.list(JOB)).filter((path) => path.includes('/chk-')).map((path) => path.slice(JOB.length + 1));

test('a job that finished leaves no checkpoint, also none that a worker wrote into after it was given up', async () => {
  const { job, services, store } = await anEndedJob();
  await endOf(job, services).record({ outcome: 'finished' }, master, store);
  expect(await checkpointsIn(job)).toEqual([]);
});

test('a job that was cancelled leaves what it retains and nothing else', async () => {
  const { job, services, store } = await anEndedJob();
  await endOf(job, services).record({ outcome: 'cancelled' }, master, store);
  expect(await checkpointsIn(job)).toEqual(['chk-1-1-abc/_metadata']);
});

test.each(['job-result-recorded', 'job-swept', 'job-checkpoints-removed'])(
  'after a crash at %s whoever leads next removes what is left',
  async (point) => {
    const { job, services, store } = await anEndedJob();
    await expect(endOf(job, services, point).record({ outcome: 'finished' }, master, store)).rejects.toThrow('crashed');
    const next = await job.leader();
    expect(await endOf(job, next).hasCome()).toBe(true);
    expect(await checkpointsIn(job)).toEqual([]);
  },
);

test('after a crash while a cancelled job was cleaned up nothing that it may retain is removed', async () => {
  const { job, services, store } = await anEndedJob();
  const end = endOf(job, services, 'job-checkpoints-removed');
  await expect(end.record({ outcome: 'cancelled' }, master, store)).rejects.toThrow('crashed');
  expect(await endOf(job, await job.leader()).hasCome()).toBe(true);
  expect(await checkpointsIn(job)).toEqual(['chk-1-1-abc/_metadata']);
});
