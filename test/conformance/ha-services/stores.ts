import { describe, expect, test } from 'vitest';
import { executionPlanKey, NotLeaderException } from '../../../src/ha/index.ts';
import { IllegalStateException, IOException, NoSuchElementException } from '../../../src/lib/java-errors.ts';
import { type AJob, JOB } from '../../builders/ha.ts';

const counterOf = async (job: AJob) => {
  const counter = (await job.leader()).getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
  await counter.start();
  return counter;
};

const result = { id: JOB, 'application-status': 'FAILED', 'net-runtime': 12 } as const;

const planStore = async (job: AJob) => {
  const store = (await job.leader()).getExecutionPlanStore();
  await store.start();
  return store;
};

/** What every backend owes counter, results, plans, blobs. */
export function storesConformance(name: string, newJob: () => Promise<AJob>): void {
  describe(`counter, results, plans, blobs: ${name}`, () => {
    test('the counter begins at 1 and hands out each id once, also to the next leader', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      expect([await counter.get(), await counter.getAndIncrement(), await counter.getAndIncrement()]).toEqual([
        1, 1, 2,
      ]);
      expect(await (await counterOf(job)).getAndIncrement()).toBe(3);
    });

    test('the counter is set to 100 and goes on from there', async () => {
      const counter = await counterOf(await newJob());
      await counter.setCount(100);
      expect([await counter.get(), await counter.getAndIncrement(), await counter.getAndIncrement()]).toEqual([
        100, 100, 101,
      ]);
    });

    test('8 callers × 32 ids: all different, each caller sees them grow', async () => {
      const counter = await counterOf(await newJob());
      const seen = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const ids: number[] = [];
          for (let i = 0; i < 32; i += 1) ids.push(await counter.getAndIncrement());
          return ids;
        }),
      );
      expect(new Set(seen.flat()).size).toBe(256);
      for (const ids of seen) expect(ids).toEqual([...ids].sort((a, b) => a - b));
    });

    test('a lost answer that is found again neither repeats nor skips an id', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      const ids: number[] = [];
      for (const fault of ['appliedThenLost', 'lost', 'late', 'none'] as const) {
        job.backend.failPatches(fault);
        ids.push(await counter.getAndIncrement());
      }
      expect(ids).toEqual([1, 2, 3, 4]);
    });

    test('only the leader counts', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      await job.leader();
      await expect(counter.getAndIncrement()).rejects.toThrow(NotLeaderException);
      await expect(counter.setCount(5)).rejects.toThrow(NotLeaderException);
    });

    test('the counter is forgotten when the job ended for good, and a shutdown that failed can be repeated', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      await counter.getAndIncrement();
      job.backend.failPatches('rejected');
      await expect(counter.shutdown('FINISHED')).rejects.toThrow('403');
      expect(await counter.get()).toBe(2);
      await counter.shutdown('FINISHED');
      expect((await job.backend.read())?.entries.has('counter')).toBe(false);
    });

    test('the counter of a suspended job stays', async () => {
      const counter = await counterOf(await newJob());
      await counter.getAndIncrement();
      await counter.shutdown('SUSPENDED');
      expect(await counter.get()).toBe(2);
    });

    test('a job result is dirty, then clean; marking it twice changes nothing', async () => {
      const job = await newJob();
      const results = (await job.leader()).getJobResultStore();
      expect(await results.hasJobResultEntry(JOB)).toBe(false);
      await results.createDirtyResult({
        ...result,
        'failure-cause': { class: 'Error', 'stack-trace': 'x'.repeat(10_000) },
      });
      expect(await results.hasDirtyJobResultEntry(JOB)).toBe(true);
      expect(await results.getDirtyResults()).toMatchObject([{ id: JOB, 'application-status': 'FAILED' }]);
      await results.markResultAsClean(JOB);
      const { seq } = (await job.backend.read()) ?? {};
      await results.markResultAsClean(JOB);
      expect((await job.backend.read())?.seq).toBe(seq);
      expect([await results.hasCleanJobResultEntry(JOB), await results.getDirtyResults()]).toEqual([true, []]);
    });

    test('there is one result per job, none to clean where none is, and only the leader writes it', async () => {
      const job = await newJob();
      const results = (await job.leader()).getJobResultStore();
      await expect(results.markResultAsClean(JOB)).rejects.toThrow(NoSuchElementException);
      await results.createDirtyResult(result);
      await expect(results.createDirtyResult(result)).rejects.toThrow(IllegalStateException);
      const next = (await job.leader()).getJobResultStore();
      await expect(results.markResultAsClean(JOB)).rejects.toThrow(NotLeaderException);
      expect(await next.getJobResult(JOB)).toEqual(result);
    });

    test('a result whose answer was lost is written once', async () => {
      const job = await newJob();
      const results = (await job.leader()).getJobResultStore();
      job.backend.failPatches('appliedThenLost');
      await results.createDirtyResult(result);
      expect(await results.getJobResult(JOB)).toEqual(result);
    });

    test('an execution plan is put, replaced, recovered by the next leader, and removed', async () => {
      const job = await newJob();
      const store = await planStore(job);
      await store.putExecutionPlan({ jobId: JOB, parallelism: 1 });
      await store.putExecutionPlan({ jobId: JOB, parallelism: 2 });
      const next = await planStore(job);
      expect(await next.getJobIds()).toEqual([JOB]);
      expect(await next.recoverExecutionPlan(JOB)).toEqual({ jobId: JOB, parallelism: 2 });
      await next.putJobResourceRequirements(JOB, { vertex: { parallelism: 4 } });
      expect(await next.recoverExecutionPlan(JOB)).toMatchObject({
        resourceRequirements: { vertex: { parallelism: 4 } },
      });
      await next.globalCleanup(JOB);
      expect(await next.recoverExecutionPlan(JOB)).toBeUndefined();
      expect(job.files()).toEqual([]);
    });

    test('a plan of somebody else is not overwritten', async () => {
      const job = await newJob();
      await (await planStore(job)).putExecutionPlan({ jobId: JOB });
      const next = await planStore(job);
      await expect(next.putExecutionPlan({ jobId: JOB, mine: true })).rejects.toThrow(
        "Trying to update a graph you didn't #getAllSubmittedJobGraphs() or #putJobGraph() yourself before.",
      );
      await next.localCleanup(JOB);
      expect(await next.recoverExecutionPlan(JOB)).toEqual({ jobId: JOB });
    });

    test('a plan whose file is gone is an error that names the key, not an absent plan', async () => {
      const job = await newJob();
      const store = await planStore(job);
      await store.putExecutionPlan({ jobId: JOB });
      await job.storage.delete(job.files()[0] ?? '');
      await expect(store.recoverExecutionPlan(JOB)).rejects.toThrow(executionPlanKey(JOB));
    });

    test('before start and after stop the plan store does nothing', async () => {
      const store = (await (await newJob()).leader()).getExecutionPlanStore();
      await expect(store.getJobIds()).rejects.toThrow('Not running. Forgot to call start()?');
      await store.start();
      await store.stop();
      await expect(store.putExecutionPlan({ jobId: JOB })).rejects.toThrow(IllegalStateException);
    });

    test('requirements of a job without a plan are an error', async () => {
      const store = await planStore(await newJob());
      await expect(store.putJobResourceRequirements(JOB, {})).rejects.toThrow(NoSuchElementException);
    });

    test('a blob is read back through another process; a wrong job or key and changed bytes are errors', async () => {
      const job = await newJob();
      const bytes = new TextEncoder().encode('code');
      const key = await (await job.services()).createBlobStore().put(JOB, bytes);
      const blobs = (await job.services()).createBlobStore();
      expect(new TextDecoder().decode(await blobs.get(JOB, key))).toBe('code');
      await expect(blobs.get('0'.repeat(32), key)).rejects.toThrow(IOException);
      await expect(blobs.get(JOB, `${key}0`)).rejects.toThrow(IOException);
      await job.storage.corrupt(`${JOB}/blob/blob_${key}`);
      await expect(blobs.get(JOB, key)).rejects.toThrow('Detected data corruption during transfer');
    });

    test('blobs are removed one by one or all; one that will not go is false', async () => {
      const job = await newJob();
      const blobs = (await job.services()).createBlobStore();
      const [first = '', second = ''] = await Promise.all([1, 2].map((i) => blobs.put(JOB, new Uint8Array([i]))));
      job.storage.failDeletes(1);
      expect(await blobs.delete(JOB, first)).toBe(false);
      expect(await blobs.delete(JOB, first)).toBe(true);
      expect(await blobs.delete(JOB, first)).toBe(true);
      expect(await job.storage.list(JOB)).toEqual([`${JOB}/blob/blob_${second}`]);
      expect(await blobs.deleteAll(JOB)).toBe(true);
      expect(await job.storage.list(JOB)).toEqual([]);
    });
  });
}
