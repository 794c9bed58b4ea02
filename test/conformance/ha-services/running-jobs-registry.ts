import { describe, expect, test } from 'vitest';
import { HaObjectCorruptException, HaObjectMissingException, NotLeaderException } from '../../../src/ha/index.ts';
import { type AJob, JOB } from '../../builders/ha.ts';

/** What every backend owes the registry of running jobs. */
export function runningJobsRegistryConformance(name: string, newJob: () => Promise<AJob>): void {
  describe(`running jobs: ${name}`, () => {
    test('a job is pending, then running, then done, and pending again once it is cleared', async () => {
      const job = await newJob();
      const registry = (await job.leader()).getRunningJobsRegistry();
      const seen = [await registry.getJobSchedulingStatus(JOB)];
      await registry.setJobRunning(JOB);
      seen.push(await registry.getJobSchedulingStatus(JOB));
      await registry.setJobFinished(JOB);
      // The next leader reads the same.
      seen.push(await (await job.leader()).getRunningJobsRegistry().getJobSchedulingStatus(JOB));
      await (await job.leader()).getRunningJobsRegistry().clearJob(JOB);
      seen.push(await registry.getJobSchedulingStatus(JOB));
      expect(seen).toEqual(['PENDING', 'RUNNING', 'DONE', 'PENDING']);
    });

    test('a job that has a result is done, whatever was noted', async () => {
      const services = await (await newJob()).leader();
      const registry = services.getRunningJobsRegistry();
      await registry.setJobRunning(JOB);
      await services
        .getJobResultStore()
        .createDirtyResult({ id: JOB, 'application-status': 'SUCCEEDED', 'net-runtime': 1 });
      expect(await registry.getJobSchedulingStatus(JOB)).toBe('DONE');
      await registry.clearJob(JOB);
      expect(await registry.getJobSchedulingStatus(JOB)).toBe('DONE');
    });

    test('only the leader writes, and what is set already is not written again', async () => {
      const job = await newJob();
      const old = (await job.leader()).getRunningJobsRegistry();
      await old.setJobRunning(JOB);
      const { seq } = (await job.backend.read())!;
      await old.setJobRunning(JOB);
      expect((await job.backend.read())?.seq).toBe(seq);
      await job.leader();
      await expect(old.setJobFinished(JOB)).rejects.toThrow(NotLeaderException);
    });

    test('a word that is none, and an object that is missing, are errors and not a status', async () => {
      const job = await newJob();
      const registry = (await job.leader()).getRunningJobsRegistry();
      const { uid, epoch, seq } = (await job.backend.read())!;
      const entries = new Map([[`runningJobsRegistry-${JOB}`, 'WALKING']]);
      await job.backend.patch({ expect: { uid, epoch, seq }, entries, writer: 'somebody' });
      await expect(registry.getJobSchedulingStatus(JOB)).rejects.toThrow(HaObjectCorruptException);
      await job.backend.remove(uid);
      await expect(registry.getJobSchedulingStatus(JOB)).rejects.toThrow(HaObjectMissingException);
    });
  });
}
