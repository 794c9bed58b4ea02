import { describe, expect, test } from 'vitest';
import {
  CHECKPOINT_RETAINED_ON_CANCELLATION,
  type CompletedCheckpoint,
  checkpointKey,
  type HighAvailabilityServices,
  LEDGER_LIMIT_BYTES,
  NotLeaderException,
  PossibleInconsistentStateException,
  SAVEPOINT,
} from '../../../src/ha/index.ts';
import { type AJob, aCheckpoint, JOB } from '../../builders/ha.ts';

const storeOf = (services: HighAvailabilityServices, maxRetained = 1) =>
  services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, maxRetained);

const ids = (checkpoints: readonly CompletedCheckpoint[]) => checkpoints.map(({ checkpointId }) => checkpointId);

const metadata = (checkpointId: number) => `${JOB}/chk-${checkpointId}-1-abc/_metadata`;

/** Writes an entry as somebody would who edits the object by hand. */
async function edit(job: AJob, key: string, text: string): Promise<void> {
  const { uid, epoch, seq } = (await job.backend.read()) ?? expect.fail('no object');
  await job.backend.patch({ expect: { uid, epoch, seq }, entries: new Map([[key, text]]), writer: 'somebody' });
}

const pointers = async (job: AJob): Promise<string[]> =>
  [...((await job.backend.read())?.entries.keys() ?? [])].filter((key) => key.startsWith('checkpointID-'));

/** What every backend owes completed checkpoints. */
export function checkpointStoreConformance(name: string, newJob: () => Promise<AJob>): void {
  describe(`completed checkpoints: ${name}`, () => {
    test('a new checkpoint takes the place of the oldest, whose record and data go', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      expect(store.getLatestCheckpointId()).toBe(0);
      expect(await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 2))).toBeUndefined();
      expect(store.getLatestCheckpointId()).toBe(2);
      const gone = await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 4));
      await store.whenDiscarded();
      expect(gone?.checkpointId).toBe(2);
      expect(ids(store.getAllCheckpoints())).toEqual([4]);
      expect(await job.storage.exists(metadata(2))).toBe(false);
      expect(await job.storage.exists(metadata(4))).toBe(true);
      expect(await job.storage.list(`${JOB}/ha`)).toHaveLength(1);
    });

    test('a checkpoint costs one write: it is added, the one before hidden, the one before that removed, the next id reserved', async () => {
      const job = await newJob();
      const services = await job.leader();
      const store = await storeOf(services);
      const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      const given: number[] = [];
      const add = async () => {
        given.push(await counter.getAndIncrement());
        await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, given.at(-1) ?? 0));
        await store.whenDiscarded();
      };
      for (let i = 0; i < 3; i += 1) await add();
      const { patches, reads } = job.backend;
      for (let i = 0; i < 5; i += 1) await add();
      expect(job.backend.patches - patches).toBe(5);
      expect(job.backend.reads - reads).toBe(0);
      expect(given).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await pointers(job)).toEqual([7, 8].map(checkpointKey));
      expect(await job.storage.list(`${JOB}/ha`)).toHaveLength(1);
    });

    test('an id in reserve is handed out once, in order, and by the leader only', async () => {
      const job = await newJob();
      const services = await job.leader();
      const store = await storeOf(services, 10);
      const counter = services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      const add = async (id: number) => store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      await add(await counter.getAndIncrement());
      // Two that wait for one write: the one that it reserves for is not the one that is handed out meanwhile.
      const [, second] = await Promise.all([add(7), counter.getAndIncrement(), counter.getAndIncrement()]);
      const third = await counter.getAndIncrement();
      expect(second).toBe(2);
      expect(third).toBe(4);
      await add(8);
      expect(await counter.get()).toBe(5);
      await counter.setCount(100);
      expect([await counter.getAndIncrement(), await counter.getAndIncrement()]).toEqual([100, 101]);
      await add(102);
      const next = (await job.leader()).getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      await expect(add(103)).rejects.toThrow(NotLeaderException);
      await expect(counter.getAndIncrement()).rejects.toThrow(NotLeaderException);
      // The id that was in reserve is skipped, never given twice.
      expect(await next.getAndIncrement()).toBe(103);
    });

    test('the next leader recovers all, in the order of their ids', async () => {
      const job = await newJob();
      const before = await storeOf(await job.leader(), 10);
      for (const id of [9, 10, 11]) await before.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      const after = await storeOf(await job.leader(), 10);
      expect(ids(after.getAllCheckpoints())).toEqual([9, 10, 11]);
      expect(after.getLatestCheckpoint()).toEqual(before.getLatestCheckpoint());
      expect(after.requiresExternalizedCheckpoints()).toBe(true);
    });

    test('an add that is refused changes nothing', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      await job.leader();
      await expect(store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 2))).rejects.toThrow(
        NotLeaderException,
      );
      expect(ids(store.getAllCheckpoints())).toEqual([1]);
      expect(await job.storage.exists(metadata(1))).toBe(true);
    });

    test('an add whose outcome stays unknown keeps the data, and the next leader finds it', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      job.backend.failPatches('appliedThenLost');
      job.backend.failReads(100);
      const adding = store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      await expect(adding).rejects.toThrow(PossibleInconsistentStateException);
      job.backend.failReads(0);
      const next = await storeOf(await job.leader());
      expect(ids(next.getAllCheckpoints())).toEqual([1]);
    });

    test('when the oldest cannot be removed the add has happened all the same, and data that is pointed to stays', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      const second = await aCheckpoint(job, 2);
      job.storage.failDeletes(1);
      await store.addCheckpointAndSubsumeOldestOne(second);
      await store.whenDiscarded();
      expect(ids(store.getAllCheckpoints())).toEqual([2]);
      expect(job.warnings).toEqual([expect.stringContaining('checkpoint 1 could not be removed')]);
      expect(await job.storage.exists(metadata(1))).toBe(true);
      const next = await storeOf(await job.leader());
      expect(ids(next.getAllCheckpoints())).toEqual([2]);
      expect((await job.backend.read())?.entries.has(checkpointKey(1))).toBe(false);
    });

    test('a leader that is replaced in the middle of an add has neither added nor hidden anything', async () => {
      const job = await newJob();
      const leader = await job.leader();
      const store = await storeOf(leader);
      // Both ids were given out.
      await leader.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB).setCount(3);
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      job.backend.beforePatch(() => job.leader().then(() => {}));
      const late = store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 2));
      await expect(late).rejects.toThrow(NotLeaderException);
      await store.whenDiscarded();
      expect(await job.storage.exists(metadata(1))).toBe(true);
      const next = await storeOf(await job.leader(), 2);
      expect(ids(next.getAllCheckpoints())).toEqual([1]);
    });

    test('the oldest is hidden by the write that adds, so a leader that is replaced right after it loses nothing', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      job.backend.failPatches('appliedThenLost');
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 2));
      const next = await storeOf(await job.leader(), 2);
      expect(ids(next.getAllCheckpoints())).toEqual([2]);
      expect(await job.storage.exists(metadata(2))).toBe(true);
      expect((await job.backend.read())?.entries.has(checkpointKey(1))).toBe(false);
    });

    test('a record that is broken is passed over when an older one is there, and named', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader(), 2);
      for (const id of [1, 2]) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      const newest = (await job.storage.list(`${JOB}/ha`)).at(-1) ?? '';
      await job.storage.corrupt(newest);
      const next = await storeOf(await job.leader(), 2);
      expect(ids(next.getAllCheckpoints())).toEqual([1]);
      expect(next.getBrokenCheckpoints()).toMatchObject([{ checkpointId: 2, key: checkpointKey(2) }]);
    });

    test('when no record is usable recovery fails: a job that has checkpoints does not start empty', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      for (const path of await job.storage.list(`${JOB}/ha`)) await job.storage.delete(path);
      await expect(storeOf(await job.leader())).rejects.toThrow(
        'Could not retrieve checkpoint 1 from state handle under',
      );
    });

    test('an entry that cannot be decoded is named as broken; an older checkpoint stands in', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader(), 2);
      for (const id of [1, 2]) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      await edit(job, checkpointKey(2), 'garbage');
      const next = await storeOf(await job.leader(), 2);
      expect(ids(next.getAllCheckpoints())).toEqual([1]);
      expect(next.getBrokenCheckpoints()).toMatchObject([{ checkpointId: 2, key: checkpointKey(2) }]);
    });

    test('a job whose only checkpoint cannot be decoded does not start empty', async () => {
      const job = await newJob();
      const services = await job.leader();
      await edit(job, checkpointKey(7), 'garbage');
      await expect(storeOf(services)).rejects.toThrow('Could not retrieve checkpoint 7 from state handle under');
      expect(await pointers(job)).toEqual([checkpointKey(7)]);
    });

    test('checkpoints that are added at the same time are added one after the other', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader(), 2);
      const three = await Promise.all([1, 2, 3].map((id) => aCheckpoint(job, id)));
      const gone = await Promise.all(three.map((checkpoint) => store.addCheckpointAndSubsumeOldestOne(checkpoint)));
      await store.whenDiscarded();
      expect(gone.map((checkpoint) => checkpoint?.checkpointId)).toEqual([undefined, undefined, 1]);
      expect(ids(store.getAllCheckpoints())).toEqual([2, 3]);
      expect(ids((await storeOf(await job.leader(), 2)).getAllCheckpoints())).toEqual([2, 3]);
      expect(await job.storage.exists(metadata(1))).toBe(false);
    });

    test('an add that is refused does not stop the next one', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      const two = await Promise.all([1, 2].map((id) => aCheckpoint(job, id)));
      job.backend.failPatches('rejected');
      const outcomes = await Promise.allSettled(two.map((one) => store.addCheckpointAndSubsumeOldestOne(one)));
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
      expect(ids(store.getAllCheckpoints())).toEqual([2]);
    });

    test('a checkpoint that is being added when the job ends leaves no pointer behind', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      const checkpoint = await aCheckpoint(job, 1);
      let ended: Promise<void> = Promise.resolve();
      job.backend.beforePatch(async () => {
        ended = store.shutdown('FINISHED');
      });
      await store.addCheckpointAndSubsumeOldestOne(checkpoint);
      await ended;
      expect(await pointers(job)).toEqual([]);
      expect(await job.storage.list(JOB)).toEqual([]);
    });

    test('a storage that deletes nothing fills up, the object does not', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      job.storage.failDeletes(1_000);
      for (let id = 1; id <= 20; id += 1) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      await store.whenDiscarded();
      expect((await pointers(job)).length).toBeLessThan(12);
      expect(job.warnings).toHaveLength(19);
      job.storage.failDeletes(0);
      const next = await job.leader();
      expect(ids((await storeOf(next)).getAllCheckpoints())).toEqual([20]);
      expect(await next.sweepStateFiles()).toBeGreaterThan(0);
      expect(await job.storage.list(`${JOB}/ha`)).toHaveLength(1);
    });

    test('as many checkpoints as may be retained fit beside a full ledger, a plan, and what will not go', async () => {
      const job = await newJob();
      const services = await job.leader();
      await edit(job, 'ledger', 'x'.repeat(LEDGER_LIMIT_BYTES));
      const plans = services.getExecutionPlanStore();
      await plans.start();
      await plans.putExecutionPlan({ jobId: JOB });
      const store = await storeOf(services, 25);
      job.storage.failDeletes(1_000);
      // Ids and epochs of a job that has run for long are longer.
      for (let id = 1; id <= 40; id += 1)
        await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1_000_000_000 + id));
      expect(store.getNumberOfRetainedCheckpoints()).toBe(25);
    });

    test('slow removals do not hold up the next checkpoints, and are done in order in the end', async () => {
      const job = await newJob();
      const services = await job.leader();
      const removed: number[] = [];
      const { promise: open, resolve: goOn } = Promise.withResolvers<void>();
      const store = await services
        .getCheckpointRecoveryFactory()
        .createCompletedCheckpointStore(JOB, 1, async (gone) => {
          await open;
          removed.push(gone.checkpointId);
        });
      for (let id = 1; id <= 12; id += 1) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      expect(removed).toEqual([]);
      expect((await pointers(job)).length).toBeLessThan(12);
      goOn();
      await store.whenDiscarded();
      expect(removed).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      expect(await job.storage.list(`${JOB}/ha`)).toHaveLength(1);
    });

    test('a storage that cannot be read makes recovery fail, not fall back', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader(), 2);
      for (const id of [1, 2]) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, id));
      let reads = 0;
      const flaky = {
        ...job.storage,
        read: (path: string) => {
          reads += 1;
          return reads === 2 ? Promise.reject(new Error('disk on fire')) : job.storage.read(path);
        },
      };
      await expect(storeOf(await job.leader({ storage: flaky }), 2)).rejects.toThrow('disk on fire');
    });

    test('after a job that ended for good no pointer is left, and data as its properties say', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader(), 3);
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 2, CHECKPOINT_RETAINED_ON_CANCELLATION));
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 3, SAVEPOINT));
      await store.shutdown('CANCELED');
      expect(await pointers(job)).toEqual([]);
      expect(await job.storage.list(JOB)).toEqual([metadata(2), metadata(3)]);
      await expect(store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 4))).rejects.toThrow('shutdown');
    });

    test('a job that is only suspended leaves everything to the next leader', async () => {
      const job = await newJob();
      const store = await storeOf(await job.leader());
      await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
      await store.shutdown('SUSPENDED');
      expect(store.getNumberOfRetainedCheckpoints()).toBe(0);
      expect(ids((await storeOf(await job.leader())).getAllCheckpoints())).toEqual([1]);
    });
  });
}
