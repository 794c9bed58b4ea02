import { describe, expect, test } from 'vitest';
import {
  executionPlanKey,
  HaObjectCorruptException,
  HaObjectMissingException,
  jobResultKey,
  NotLeaderException,
} from '../../../src/ha/index.ts';
import { IllegalStateException, IOException, NoSuchElementException } from '../../../src/lib/java-errors.ts';
import { type AJob, aCheckpoint, JOB } from '../../builders/ha.ts';

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

    test.each(['lost', 'late', 'appliedThenLost'] as const)(
      'an id asked for by a leader that is replaced meanwhile (%s) is not given twice',
      async (fault) => {
        const job = await newJob();
        const counter = await counterOf(job);
        await counter.getAndIncrement();
        let next: number | undefined;
        job.backend.failPatches(fault);
        job.backend.beforeRead(async () => {
          next = await (await counterOf(job)).getAndIncrement();
        });
        const late = await counter.getAndIncrement().catch((error: unknown) => error);
        expect(next).toBeGreaterThan(1);
        expect(late).not.toBe(next);
        if (typeof late !== 'number') expect(late).toBeInstanceOf(NotLeaderException);
      },
    );

    test.each(['waits behind another write', 'is being written'] as const)(
      'a count that is set while a checkpoint %s is not undone by the id that the checkpoint reserves',
      async (when) => {
        const job = await newJob();
        const services = await job.leader();
        const { createCheckpointIdCounter, createCompletedCheckpointStore } = services.getCheckpointRecoveryFactory();
        const counter = createCheckpointIdCounter(JOB);
        const store = await createCompletedCheckpointStore(JOB, 3);
        const before = job.storage.written.length;
        const under: Promise<unknown>[] = [];
        job.backend.beforePatch(async () => {
          under.push(store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1)));
          await expect.poll(() => job.storage.written.length).toBe(before + 2);
          if (when === 'waits behind another write') under.push(counter.setCount(1337));
          else job.backend.beforePatch(async () => void under.push(counter.setCount(1337)));
        });
        await services.getJobResultStore().createDirtyResult(result);
        for (const one of under) await one;
        expect([await counter.getAndIncrement(), await counter.getAndIncrement()]).toEqual([1337, 1338]);
      },
    );

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

    test('a shutdown without an object fails; when it has been made again, the next leader ends it', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      await counter.getAndIncrement();
      await job.backend.remove((await job.backend.read())?.uid ?? '');
      await expect(counter.shutdown('FINISHED')).rejects.toThrow(HaObjectMissingException);
      await expect(counter.get()).rejects.toThrow(`${job.backend.name} does not exist.`);
      await job.backend.create(9);
      // Made anew it belongs to nobody: who led before does not write to it.
      await expect(counter.shutdown('FINISHED')).rejects.toThrow(NotLeaderException);
      const next = await counterOf(job);
      await next.getAndIncrement();
      await next.shutdown('FINISHED');
      expect((await job.backend.read())?.entries.has('counter')).toBe(false);
    });

    test('a count that is set to what it is costs no write', async () => {
      const job = await newJob();
      const counter = await counterOf(job);
      await counter.setCount(7);
      const { patches } = job.backend;
      await counter.setCount(7);
      expect(job.backend.patches).toBe(patches);
      expect(await counter.getAndIncrement()).toBe(7);
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

    test.each(['appliedThenLost', 'appliedThenMoved', 'lost', 'late'] as const)(
      'a result whose request went %s is written once, and cleaned once',
      async (fault) => {
        const job = await newJob();
        const results = (await job.leader()).getJobResultStore();
        job.backend.failPatches(fault);
        await results.createDirtyResult(result);
        expect(await results.getJobResult(JOB)).toEqual(result);
        await expect(results.createDirtyResult(result)).rejects.toThrow(IllegalStateException);
        job.backend.failPatches(fault);
        await results.markResultAsClean(JOB);
        expect(await results.hasCleanJobResultEntry(JOB)).toBe(true);
      },
    );

    test.each(['garbage', '{}', '{"version":2}'])(
      'a result that cannot be read (%s) is an error, not an absent one',
      async (text) => {
        const job = await newJob();
        const results = (await job.leader()).getJobResultStore();
        const seen = (await job.backend.read())!;
        const expected = { uid: seen.uid, epoch: seen.epoch, seq: seen.seq };
        await job.backend.patch({ expect: expected, entries: new Map([[jobResultKey(JOB), text]]), writer: 'x' });
        await expect(results.getDirtyResults()).rejects.toThrow(HaObjectCorruptException);
        await expect(results.hasJobResultEntry(JOB)).rejects.toThrow(jobResultKey(JOB));
        await expect(results.createDirtyResult(result)).rejects.toThrow(jobResultKey(JOB));
      },
    );

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
