import { describe, expect, test } from 'vitest';
import { HaServicesException, highestEpochIn } from '../../../src/ha/index.ts';
import { IllegalArgumentException } from '../../../src/lib/java-errors.ts';
import { type AJob, aCheckpoint, granted, JOB } from '../../builders/ha.ts';

const store = async (job: AJob, services: Awaited<ReturnType<AJob['services']>>) => {
  const checkpoints = await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 3);
  await checkpoints.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, checkpoints.getLatestCheckpointId() + 1));
};

/** What every backend owes the services of a job. */
export function servicesConformance(name: string, newJob: () => Promise<AJob>): void {
  describe(`the services of a job: ${name}`, () => {
    test('closing gives leadership back and leaves all data', async () => {
      const job = await newJob();
      const services = await job.leader();
      await store(job, services);
      await services.createBlobStore().put(JOB, new Uint8Array([1]));
      const files = job.files();
      await services.close();
      await services.close();
      expect(job.files()).toEqual(files);
      expect((await job.backend.read())?.entries.size).toBe(3);
      expect((await granted(await job.services())).epoch).toBe(2);
    });

    test('cleaning up removes the object first, then the files it pointed to, then blobs', async () => {
      const job = await newJob();
      const services = await job.leader();
      await store(job, services);
      await services.createBlobStore().put(JOB, new Uint8Array([1]));
      await services.closeAndCleanupAllData();
      expect(await job.backend.read()).toBeUndefined();
      expect(await job.storage.list(JOB)).toEqual([`${JOB}/chk-1-1-abc/_metadata`]);
    });

    test('when the pointers cannot be removed the blobs stay, and all else is closed', async () => {
      const job = await newJob();
      let closed = 0;
      const services = await job.leader({
        backend: {
          handles: { ...job.backend, remove: () => Promise.reject(new Error('store is down')) },
          createElector: (identity) => job.createElector(identity),
          close: async () => {
            closed += 1;
            throw new Error('and cannot be closed');
          },
        },
      });
      const key = await services.createBlobStore().put(JOB, new Uint8Array([1]));
      const error = await services.closeAndCleanupAllData().catch((e: unknown) => e);
      expect(error).toBeInstanceOf(HaServicesException);
      expect((error as HaServicesException).cause).toMatchObject({ message: 'store is down' });
      expect((error as HaServicesException).suppressed).toMatchObject([{ message: 'and cannot be closed' }]);
      expect(closed).toBe(1);
      expect(await job.storage.list(JOB)).toEqual([`${JOB}/blob/blob_${key}`]);
      expect(job.warnings).toContain(
        'Cannot delete HA blobs because we failed to delete the pointers in the HA store.',
      );
    });

    test('cleaning up one job leaves the services open; the job begins again with a higher epoch', async () => {
      const job = await newJob();
      const services = await job.leader();
      await store(job, services);
      await services.cleanupJobData(JOB);
      expect(await job.backend.read()).toBeUndefined();
      await services.close();
      const again = await granted(await job.services());
      expect(again.epoch).toBeGreaterThan(1);
    });

    test('services belong to one job', async () => {
      const services = await (await newJob()).services();
      expect(() => services.getJobManagerLeaderElectionService('another')).toThrow(IllegalArgumentException);
      await expect(services.cleanupJobData('another')).rejects.toThrow(IllegalArgumentException);
    });

    test('a new leader sweeps files of older epochs that nothing points to', async () => {
      const job = await newJob();
      const first = await job.leader();
      await store(job, first);
      await job.storage.write(`${JOB}/ha/completedCheckpoint-1-orphan`, new Uint8Array([1]), { exclusive: true });
      await expect((await job.services()).sweepStateFiles()).rejects.toThrow('does not lead');
      const second = await job.leader();
      await store(job, second);
      await job.storage.write(`${JOB}/ha/completedCheckpoint-2-inflight`, new Uint8Array([1]), { exclusive: true });
      await job.storage.write(`${JOB}/ha/jobResult-1-kept`, new Uint8Array([1]), { exclusive: true });
      expect(await second.sweepStateFiles()).toBe(1);
      expect((await job.storage.list(`${JOB}/ha`)).filter((path) => path.endsWith('orphan'))).toEqual([]);
      expect(await job.storage.list(`${JOB}/ha`)).toContain(`${JOB}/ha/jobResult-1-kept`);
      expect(await job.storage.list(`${JOB}/ha`)).toHaveLength(4);
    });

    test('a leader leaves its epoch in the storage, so that an object made anew begins above it, and sweeps', async () => {
      const job = await newJob();
      await store(job, await job.leader());
      await job.storage.write(`${JOB}/ha/completedCheckpoint-1-orphan`, new Uint8Array([1]), { exclusive: true });
      for (let attempts = 0; attempts < 3; attempts += 1) await (await job.leader()).takeOverStorage();
      const { uid, epoch = 0 } = (await job.backend.read())!;
      await job.backend.remove(uid);
      // None of the three has written anything else.
      expect(await highestEpochIn(job.storage, JOB)).toBe(epoch);
      expect((await job.storage.list(`${JOB}/ha`)).map((path) => path.split('/').at(-1)?.split('-')[0]).sort()).toEqual(
        ['completedCheckpoint', 'epoch'],
      );
    });

    test('nothing is swept while a pointer cannot be read', async () => {
      const job = await newJob();
      await store(job, await job.leader());
      const seen = await job.backend.read();
      await job.backend.patch({
        expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
        entries: new Map([['checkpointID-0000000000000000001', 'garbage']]),
        writer: 'somebody',
      });
      expect(await (await job.leader()).sweepStateFiles()).toBe(0);
    });
  });
}
