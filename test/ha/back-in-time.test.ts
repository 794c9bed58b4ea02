/** The object of a job that was put back from an older copy, or made anew: who leads stops, who leads next goes by the storage. */
import { expect, test } from 'vitest';
import { checkpointKey, FencedWriter, type HaSnapshot, highestEpochIn, MemoryHa } from '../../src/ha/index.ts';
import { putOperation } from '../../src/ha/state-handle-operations.ts';
import { isBehind, storedPast } from '../../src/ha/stored-past.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { memoryStorage } from '../../src/storage/index.ts';
import { AJob, aCheckpoint, granted, JOB } from '../builders/ha.ts';

/** A process that leads; `lost` has what ended its term. */
async function leading() {
  const { handles } = new MemoryHa();
  let shown: ((snapshot: HaSnapshot) => HaSnapshot) | undefined;
  const backend = {
    name: handles.name,
    create: (lowest: number) => handles.create(lowest),
    remove: (uid: string) => handles.remove(uid),
    patch: (patch: Parameters<typeof handles.patch>[0]) => handles.patch(patch),
    watch: () => () => {},
    read: async () => {
      const snapshot = await handles.read();
      return snapshot === undefined ? undefined : (shown?.(snapshot) ?? snapshot);
    },
  };
  await backend.create(0);
  const writer = new FencedWriter({ backend, clock: systemClock, random: () => 0, retries: 2 });
  const lost: string[] = [];
  await writer.takeOver({ identity: 'me', atLeast: 7, lost: (cause) => lost.push(String(cause)) });
  const write = (key: string) => writer.submit(putOperation(key, 'there', { grows: true }));
  const current = async () => (await handles.read())!;
  return { writer, lost, write, current, show: (as: typeof shown) => (shown = as), handles };
}

test('a leader that reads a version below the one it knew stops, and nothing that it writes after that is sent', async () => {
  const { writer, lost, write, show, current, handles } = await leading();
  expect(await write('a')).toMatchObject({ outcome: 'done' });
  expect(await write('b')).toMatchObject({ outcome: 'done' });
  // Somebody else's write, so that the next one of ours is refused and the object is read.
  const { uid, epoch, seq } = await current();
  await handles.patch({ expect: { uid, epoch, seq }, entries: new Map([['c', 'x']]), writer: 'another' });
  show((snapshot) => ({ ...snapshot, seq: 1 }));
  expect(await write('d')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
  expect(lost).toEqual([expect.stringContaining('went back in time')]);
  expect(writer.epoch).toBeUndefined();
  expect([...(await current()).entries.keys()]).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  expect((await current()).entries.has('d')).toBe(false);
});

test.each([
  ['an older version than the one before', (seen: HaSnapshot) => ({ ...seen, seq: seen.seq - 1 }), 'went back in time'],
  ['an older epoch', (seen: HaSnapshot) => ({ ...seen, epoch: seen.epoch - 1, seq: seen.seq + 1 }), 'has epoch 6'],
  ['another object', (seen: HaSnapshot) => ({ ...seen, uid: 'another', seq: seen.seq + 1 }), 'made again'],
])('a leader that is shown %s stops without a write', async (_, change, why) => {
  const { writer, lost, current } = await leading();
  const seen = { ...(await current()), seq: 9 };
  writer.observe(seen);
  expect(lost).toEqual([]);
  writer.observe(change(seen));
  expect(lost).toEqual([expect.stringContaining(why)]);
  expect(writer.epoch).toBeUndefined();
});

test('a leader that is shown what it has overtaken itself goes on', async () => {
  const { writer, lost, write, current } = await leading();
  const before = await current();
  await write('a');
  await write('b');
  writer.observe(before);
  writer.observe(await current());
  expect(lost).toEqual([]);
});

const put = (storage: ReturnType<typeof memoryStorage>, path: string) =>
  storage.write(path, new Uint8Array(), { exclusive: true });

test('names in the storage tell the highest epoch and the highest id there have been', async () => {
  const storage = memoryStorage({ clock: systemClock });
  expect(await storedPast(storage, JOB)).toEqual({ epoch: 0, checkpointId: 0 });
  await put(storage, `${JOB}/chk-12-3-abc/map-0.state`);
  await put(storage, `${JOB}/chk-9-4-abc/_metadata`);
  await put(storage, `${JOB}/ha/epoch-6-abc`);
  await put(storage, `another/chk-99-99-abc/_metadata`);
  expect(await storedPast(storage, JOB)).toEqual({ epoch: 6, checkpointId: 12 });
  expect(await highestEpochIn(storage, JOB)).toBe(6);
});

test.each([
  ['as far as the storage', { epoch: 6, entries: new Map([['counter', '13']]) }, false],
  ['further', { epoch: 8, entries: new Map([['counter', '20']]) }, false],
  ['an epoch below', { epoch: 5, entries: new Map([['counter', '20']]) }, true],
  ['ids that were given out already', { epoch: 6, entries: new Map([['counter', '12']]) }, true],
  ['no id given out yet', { epoch: 6, entries: new Map() }, true],
])('an object with %s: is it behind?', (_, object, expected) => {
  expect(isBehind(object, { epoch: 6, checkpointId: 12 })).toBe(expected);
});

test('an object that is behind loses its pointers in the very write that raises its epoch above all that is stored', async () => {
  const job = new AJob();
  const first = await job.leader();
  const store = await first.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 3);
  await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
  await job.storage.write(`${JOB}/chk-7-9-abc/_metadata`, new Uint8Array([1]), { exclusive: true });
  const second = await job.services();
  await first.close();
  const { epoch } = await granted(second);
  const { entries, epoch: raised } = (await job.backend.read())!;
  expect(epoch).toBe(10);
  expect(raised).toBe(10);
  expect(entries.has(checkpointKey(1))).toBe(false);
  expect(entries.get('counter')).toBe('8');
  expect(job.warnings).toContainEqual(expect.stringContaining('older than what lies in the storage'));
  const found = await second.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 3);
  expect(found.getAllCheckpoints()).toEqual([]);
});

test('an object that is not behind keeps its pointers, and the epoch goes up by one', async () => {
  const job = new AJob();
  const first = await job.leader();
  const store = await first.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 3);
  await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(job, 1));
  const second = await job.services();
  await first.close();
  expect((await granted(second)).epoch).toBe(2);
  expect((await job.backend.read())!.entries.has(checkpointKey(1))).toBe(true);
  expect(job.warnings).toEqual([]);
});

test('savepoints are asked for their epochs where nothing else of the job is left', async () => {
  const job = new AJob();
  expect((await granted(await job.services({ epochElsewhere: async () => 41 }))).epoch).toBe(42);
});

test('nobody leads while the storage cannot be asked; the lease is free again', async () => {
  const job = new AJob();
  const storage = { ...job.storage, list: () => Promise.reject(new Error('the storage is out of reach')) };
  const services = await job.services({ storage: Object.assign(Object.create(job.storage), storage) });
  await expect(granted(services)).rejects.toMatchObject({ cause: { message: 'the storage is out of reach' } });
  expect((await granted(await job.services())).epoch).toBeGreaterThan(0);
});
