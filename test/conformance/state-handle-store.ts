import { afterEach, describe, expect, test } from 'vitest';
import {
  AlreadyExistException,
  decodeHandle,
  type Entries,
  encodeMarked,
  FencedWriter,
  type HandleBackend,
  type HandlePointer,
  HaObjectMissingException,
  HaStoreException,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  RemovalFailedException,
  type StateHandleStore,
  StateTooLargeException,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../src/ha/index.ts';
import { putOperation } from '../../src/ha/state-handle-operations.ts';
import { MOST_HIDDEN } from '../../src/ha/subsumed-states.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { IOException } from '../../src/lib/java-errors.ts';
import { type CountingStorage, countingStorage } from '../faults/counting-storage.ts';
import { type FaultyBackend, faultyBackend, type PatchFault } from '../faults/faulty-backend.ts';

/** The object of one job in a backend, empty at first, with epoch 0. */
export interface BackendFixture {
  /** A client of the object, whose requests can be made to fail: see `faultyBackend`. */
  readonly backend: FaultyBackend;
  /** Another client of the same object. */
  readonly other: HandleBackend;
  /** A removed object leaves nothing behind, so that whoever makes it anew has to say how high its epochs were. */
  readonly forgetsEpochs?: boolean;
  dispose?(): Promise<void> | void;
}

/** A fixture whose faults are made by wrapping a client; a backend with a network may rather make them there. */
export function wrappedFixture(
  backend: HandleBackend,
  other: HandleBackend,
  dispose?: () => Promise<void>,
): BackendFixture {
  return { backend: faultyBackend(backend), other, ...(dispose === undefined ? {} : { dispose }) };
}

/** What every backend owes the state handle store. A backend passes by calling this from a test file. */
export function stateHandleStoreConformance(
  name: string,
  makeBackendFixture: () => Promise<BackendFixture> | BackendFixture,
): void {
  const disposals: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose();
  });

  const setUp = async (): Promise<World & { readonly forgetsEpochs: boolean }> => {
    const fixture = await makeBackendFixture();
    disposals.push(() => fixture.dispose?.());
    await fixture.backend.create(0);
    return Object.assign(new World(fixture.backend, fixture.other), { forgetsEpochs: fixture.forgetsEpochs === true });
  };
  const leading = async (): Promise<World> => {
    const world = await setUp();
    await world.lead();
    return world;
  };

  describe(`backend: ${name}`, () => {
    test('an object is made once, and has epoch, version and the layout entry', async () => {
      const { backend, other } = await setUp();
      const made = await backend.read();
      expect(made).toMatchObject({ epoch: 0, seq: 0, attempt: 0 });
      expect(made?.entries).toEqual(new Map([['layout', '1']]));
      expect(await other.create(7)).toEqual(made);
    });

    test('a patch changes several entries at once and raises the version', async () => {
      const { backend, other } = await setUp();
      await change(backend, { a: '1', b: 'ü' });
      expect(await change(backend, { a: '2', b: undefined, c: '3' })).toEqual({ answer: 'done' });
      const seen = await other.read();
      expect(seen?.seq).toBe(2);
      expect(seen?.entries).toEqual(
        new Map([
          ['layout', '1'],
          ['a', '2'],
          ['c', '3'],
        ]),
      );
    });

    test('a patch computed from an older version is refused whole', async () => {
      const { backend, other } = await setUp();
      const old = await other.read();
      await change(backend, { a: '1' });
      const expect_ = { uid: old?.uid ?? '', epoch: 0, seq: 0 };
      const answer = await other.patch({ expect: expect_, entries: new Map([['b', '2']]), writer: 'w' });
      expect(answer).toMatchObject({ answer: 'notDone', reason: 'moved' });
      expect((await backend.read())?.entries.has('b')).toBe(false);
    });

    test.each([
      ['another epoch', { epoch: 1 }],
      ['another object', { uid: 'other' }],
    ])('a patch that expects %s is refused', async (_, wrong) => {
      const { backend } = await setUp();
      const { uid = '' } = (await backend.read()) ?? {};
      const answer = await backend.patch({
        expect: { uid, epoch: 0, seq: 0, ...wrong },
        entries: new Map([['a', '1']]),
        writer: 'w',
      });
      expect(answer).toMatchObject({ answer: 'notDone', reason: 'moved' });
      expect(await backend.read()).toMatchObject({ seq: 0 });
    });

    test('epoch, attempt and leader change together with entries', async () => {
      const { backend } = await setUp();
      await change(backend, { a: '1' }, { epoch: 5, attempt: 2, leader: 'me' });
      expect(await backend.read()).toMatchObject({ epoch: 5, attempt: 2, leader: 'me', seq: 1 });
    });

    test('of many writers computing from one version exactly one wins', async () => {
      const { backend, other } = await setUp();
      const seen = await backend.read();
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 === 0 ? backend : other).patch({
            expect: { uid: seen?.uid ?? '', epoch: 0, seq: 0 },
            entries: new Map([['winner', String(i)]]),
            writer: String(i),
          }),
        ),
      );
      const winners = answers.flatMap(({ answer }, i) => (answer === 'done' ? [String(i)] : []));
      expect(winners).toHaveLength(1);
      expect((await backend.read())?.entries.get('winner')).toBe(winners[0]);
      expect((await backend.read())?.seq).toBe(1);
    });

    test('3 entries, each raised ten times by its own writer in turn, end at 10', async () => {
      const { backend, other } = await setUp();
      const raise = async (client: HandleBackend, key: string): Promise<void> => {
        for (;;) {
          const seen = await client.read();
          const value = Number(seen?.entries.get(key) ?? 0) + 1;
          const answer = await client.patch({
            expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
            entries: new Map([[key, String(value)]]),
            writer: key,
          });
          if (answer.answer === 'done') return;
        }
      };
      await Promise.all(
        ['x', 'y', 'z'].map(async (key, i) => {
          for (let n = 0; n < 10; n += 1) await raise(i === 0 ? backend : other, key);
        }),
      );
      const entries = (await backend.read())?.entries;
      expect(['x', 'y', 'z'].map((key) => entries?.get(key))).toEqual(['10', '10', '10']);
    });

    test('a removed object is gone, refuses patches, and comes back as another with a higher epoch', async () => {
      const { backend, other, forgetsEpochs } = await setUp();
      await change(backend, { a: '1' }, { epoch: 9 });
      const old = await backend.read();
      await other.remove('not this one');
      expect(await backend.read()).toEqual(old);
      await other.remove(old?.uid ?? '');
      expect(await backend.read()).toBeUndefined();
      const late = {
        expect: { uid: old?.uid ?? '', epoch: 9, seq: 1 },
        entries: new Map([['a', '2']]),
        writer: 'late',
      };
      expect(await backend.patch(late)).toMatchObject({ answer: 'notDone', reason: 'missing' });
      await other.remove(old?.uid ?? '');
      const again = await backend.create(forgetsEpochs ? 10 : 0);
      expect(again.uid).not.toBe(old?.uid);
      expect(again.epoch).toBeGreaterThan(9);
      expect(again.entries).toEqual(new Map([['layout', '1']]));
      expect(await backend.patch(late)).toMatchObject({ answer: 'notDone', reason: 'moved' });
    });

    test('a watcher sees what is there, then what another client makes of it, until it stops', async () => {
      const { backend, other } = await setUp();
      const seen: (number | undefined)[] = [];
      const unwatch = backend.watch({ seen: (snapshot) => seen.push(snapshot?.seq), failed: () => {} });
      await expect.poll(() => seen, { timeout: 30_000 }).toEqual([0]);
      await change(other, { a: '1' });
      await expect.poll(() => seen, { timeout: 30_000 }).toEqual([0, 1]);
      for (let i = 0; i < 30; i += 1) await change(other, { a: `${i}` });
      await expect.poll(() => seen.at(-1), { timeout: 30_000 }).toBe(31);
      expect(seen).toEqual([...seen].sort((a = 0, b = 0) => a - b));
      await other.remove((await other.read())?.uid ?? '');
      await expect.poll(() => seen.at(-1), { timeout: 30_000 }).toBeUndefined();
      unwatch();
      const { length } = seen;
      await other.create(0);
      await change(other, { a: '2' });
      expect(seen).toHaveLength(length);
    });
  });

  describe(`state handle store: ${name}`, () => {
    test('add stores one file and one pointer, and what was added is read by all', async () => {
      const world = await leading();
      const handle = await world.store.addAndLock('state-1', 'one');
      expect(await handle.retrieveState()).toBe('one');
      expect(handle.getStateSize()).toBeGreaterThan(0);
      expect(await (await world.reader.getAndLock('state-1')).retrieveState()).toBe('one');
      expect(world.files()).toHaveLength(1);
      expect(world.storage.deleted).toEqual([]);
    });

    test('add needs one request', async () => {
      const world = await leading();
      const { patches, reads } = world.backend;
      await world.store.addAndLock('state-1', 'one');
      expect(world.backend.patches - patches).toBe(1);
      expect(world.backend.reads - reads).toBe(0);
    });

    test('adds that arrive while one is in flight share the next request', async () => {
      const world = await leading();
      const { patches } = world.backend;
      const more: Promise<unknown>[] = [];
      world.backend.beforePatch(async () => {
        for (let i = 2; i <= 6; i += 1) more.push(world.store.addAndLock(`state-${i}`, `${i}`));
        await expect.poll(() => world.storage.written.length).toBe(6);
      });
      await world.store.addAndLock('state-1', '1');
      await Promise.all(more);
      expect(world.backend.patches - patches).toBe(2);
      expect(await world.all()).toEqual(['1', '2', '3', '4', '5', '6']);
    });

    test('add over a live state is refused, its own file goes, the old state stays', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      await expect(world.store.addAndLock('state-1', 'new')).rejects.toThrow(AlreadyExistException);
      await expect(world.store.addAndLock('state-1', 'new')).rejects.toThrow(
        `state-1 already exists in ${world.backend.name}`,
      );
      expect(world.storage.written).toHaveLength(3);
      expect(world.storage.deleted).toHaveLength(2);
      expect(await world.all()).toEqual(['old']);
    });

    test('two adds of one name at the same time: one is added, the other refused', async () => {
      const world = await leading();
      const results = await Promise.allSettled([
        world.store.addAndLock('state-1', 'a'),
        world.store.addAndLock('state-1', 'b'),
      ]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(world.storage.deleted).toHaveLength(1);
      expect(await world.all()).toHaveLength(1);
    });

    test('add over a marked entry removes the old file and takes its place', async () => {
      const world = await leading();
      await world.addMarked('state-1', 'dead');
      await world.store.addAndLock('state-1', 'new');
      expect(world.storage.deleted).toHaveLength(1);
      expect(await world.all()).toEqual(['new']);
      expect(world.files()).toHaveLength(1);
    });

    test('add over a marked entry whose file cannot be removed fails, and its own file goes', async () => {
      const world = await leading();
      await world.addMarked('state-1', 'dead');
      world.storage.failDeletes(1);
      const error = await failure(world.store.addAndLock('state-1', 'new'));
      expect(error).toBeInstanceOf(HaStoreException);
      expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('cannot delete') });
      expect(world.storage.deleted).toEqual([world.storage.written[1]]);
      expect(await world.all()).toEqual([]);
    });

    test.each(['not json', '{"id":1}', '¬¬¬', '{}', 'AAAA'])(
      'add over an entry that cannot be decoded (%s) overwrites it',
      async (text) => {
        const world = await leading();
        await change(world.other, { 'state-1': text });
        await world.store.addAndLock('state-1', 'new');
        expect(world.warnings).toEqual([expect.stringContaining('state-1')]);
        expect(await world.all()).toEqual(['new']);
        expect(world.storage.deleted).toEqual([]);
      },
    );

    test('a state that cannot be stored changes nothing', async () => {
      const world = await leading();
      const { patches } = world.backend;
      world.storage.failWrites(1);
      await expect(world.store.addAndLock('state-1', 'x')).rejects.toThrow('cannot write');
      expect(world.backend.patches).toBe(patches);
    });

    test('replace discards the old file after the new pointer stands', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      await world.store.replace('state-1', await world.store.exists('state-1'), 'new');
      expect(world.storage.deleted).toEqual([world.storage.written[0]]);
      expect(await world.all()).toEqual(['new']);
    });

    test('replace of what does not exist is refused, and its own file goes', async () => {
      const world = await leading();
      const error = await failure(world.store.replace('state-1', StringResourceVersion.valueOf('1'), 'new'));
      expect(error).toBeInstanceOf(NotExistException);
      expect((error as Error).message).toBe(`Could not find state-1 in ${world.backend.name}`);
      expect(world.storage.deleted).toEqual(world.storage.written);
    });

    test('replace of a marked entry ends its removal and is refused', async () => {
      const world = await leading();
      await world.addMarked('state-1', 'dead');
      await expect(world.store.replace('state-1', ANY_VERSION, 'new')).rejects.toThrow(NotExistException);
      expect(world.files()).toEqual([]);
      expect(await world.entry('state-1')).toEqual({ kind: 'absent' });
    });

    test('replace of a marked entry whose file cannot be removed says NotExist with that failure suppressed; only the new file goes', async () => {
      const world = await leading();
      await world.addMarked('state-1', 'dead');
      world.storage.failDeletes(1);
      const error = await failure(world.store.replace('state-1', ANY_VERSION, 'new'));
      expect(error).toBeInstanceOf(NotExistException);
      expect((error as NotExistException).suppressed).toHaveLength(1);
      expect(world.storage.deleted).toEqual([world.storage.written[1]]);
      expect((await world.entry('state-1')).kind).toBe('marked');
    });

    test('replace over an entry that cannot be decoded succeeds and discards nothing', async () => {
      const world = await leading();
      await change(world.other, { 'state-1': 'garbage' });
      await world.store.replace('state-1', ANY_VERSION, 'new');
      expect(await world.all()).toEqual(['new']);
      expect(world.storage.deleted).toEqual([]);
    });

    test('replace whose old file cannot be removed has happened, and says so as a warning', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.storage.failDeletes(1);
      await world.store.replace('state-1', ANY_VERSION, 'new');
      expect(await world.all()).toEqual(['new']);
      expect(world.warnings).toEqual([expect.stringContaining('could not be removed')]);
    });

    test('exists tells the version of the object, and not existing for absent, marked and corrupt entries', async () => {
      const world = await leading();
      await world.store.addAndLock('live', 'x');
      await world.addMarked('marked', 'x');
      await change(world.other, { corrupt: 'garbage' });
      const { epoch, seq } = (await world.backend.read()) ?? {};
      expect((await world.store.exists('live')).getValue()).toBe(`${epoch}.${seq}`);
      expect((await world.store.exists('live')).isExisting()).toBe(true);
      for (const key of ['absent', 'marked', 'corrupt']) {
        expect(await world.store.exists(key)).toBe(StringResourceVersion.notExisting());
      }
    });

    test('getAndLock tells apart what is absent, being removed, and corrupt', async () => {
      const world = await leading();
      await world.addMarked('marked', 'x');
      await change(world.other, { corrupt: 'garbage' });
      const { name: store } = world.backend;
      await expect(world.store.getAndLock('absent')).rejects.toThrow(`Could not find absent in ${store}`);
      await expect(world.store.getAndLock('marked')).rejects.toThrow(`Already marked for deletion marked in ${store}`);
      const corrupt = await failure(world.store.getAndLock('corrupt'));
      expect(corrupt).toBeInstanceOf(IOException);
      expect((corrupt as Error).message).toBe(`Failed to deserialize state handle from ${store} data garbage.`);
    });

    test('lists hold what can be read of this store, and warn of what cannot', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      await world.store.addAndLock('state-2', '2');
      await world.addMarked('state-3', '3');
      await change(world.other, { 'state-4': 'garbage', foreign: 'garbage' });
      expect(await world.all()).toEqual(['1', '2']);
      expect((await world.store.getAllHandles()).sort()).toEqual(['state-1', 'state-2']);
      expect(world.warnings).toContain(`${world.backend.name} contained corrupted data. Ignoring the key state-4.`);
      expect(world.warnings.join()).not.toContain('foreign');
    });

    test('a state whose bytes have changed, or are gone, is an IOException', async () => {
      const world = await leading();
      const changed = await world.store.addAndLock('state-1', 'abc');
      const gone = await world.store.addAndLock('state-2', 'abc');
      await world.storage.corrupt(changed.pointer.path);
      await world.storage.delete(gone.pointer.path);
      await expect(changed.retrieveState()).rejects.toThrow('SHA-256');
      await expect(gone.retrieveState()).rejects.toThrow('does not exist');
      await expect(gone.retrieveState()).rejects.toThrow(IOException);
    });

    test('remove marks, discards, removes; absent is true', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      expect(await world.entry('state-1')).toEqual({ kind: 'absent' });
      expect(world.files()).toEqual([]);
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      expect(world.storage.deleted).toHaveLength(1);
    });

    test('a state that was added while the one before it was being removed stays', async () => {
      const world = await leading();
      const old = await world.store.addAndLock('state-1', 'old');
      let added: Promise<unknown> = Promise.resolve();
      world.storage.beforeDelete(() => {
        added = world.store.addAndLock('state-1', 'new');
        return added;
      });
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      await added;
      expect(await world.all()).toEqual(['new']);
      expect(world.storage.deleted).toContain(old.pointer.path);
    });

    test('when the first discard of a removal fails the entry is hidden, and a second call ends it', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      world.storage.failDeletes(1);
      await expect(world.store.releaseAndTryRemove('state-1')).rejects.toThrow('cannot delete');
      expect(await world.all()).toEqual([]);
      expect((await world.entry('state-1')).kind).toBe('marked');
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      expect(await world.entry('state-1')).toEqual({ kind: 'absent' });
      expect(world.files()).toEqual([]);
    });

    test('an entry that cannot be decoded is removed without touching files', async () => {
      const world = await leading();
      await change(world.other, { 'state-1': 'garbage' });
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      expect(await world.entry('state-1')).toEqual({ kind: 'absent' });
      expect(world.storage.deleted).toEqual([]);
    });

    test('removing all, with half of the discards failing, hides all; a second call completes', async () => {
      const world = await leading();
      for (const i of [1, 2, 3, 4]) await world.store.addAndLock(`state-${i}`, `${i}`);
      await change(world.other, { foreign: 'kept' });
      world.storage.failDeletes(2);
      const error = await failure(world.store.releaseAndTryRemoveAll());
      expect(error).toBeInstanceOf(RemovalFailedException);
      expect((error as RemovalFailedException).suppressed).toHaveLength(1);
      expect(await world.all()).toEqual([]);
      expect(world.files()).toHaveLength(2);
      await world.store.releaseAndTryRemoveAll();
      expect(world.files()).toEqual([]);
      expect([...(await world.entries()).keys()].sort()).toEqual(['foreign', 'layout']);
    });

    test('a new leader ends the removals a crash has interrupted, and nothing else', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'live');
      await world.addMarked('state-2', 'dead');
      expect(await world.store.finishRemovals()).toBe(1);
      expect(await world.all()).toEqual(['live']);
      expect(world.files()).toHaveLength(1);
    });

    test('removing all hides all names in one write, drops what cannot be decoded, and takes one write more', async () => {
      const world = await leading();
      for (const i of [1, 2, 3]) await world.store.addAndLock(`state-${i}`, `${i}`);
      await change(world.other, { 'state-4': 'garbage' });
      await world.store.addAndLock('state-5', '5');
      const { patches } = world.backend;
      await world.store.releaseAndTryRemoveAll();
      expect(world.backend.patches - patches).toBe(2);
      expect([...(await world.entries()).keys()]).toEqual(['layout']);
      expect(world.files()).toEqual([]);
      expect(world.warnings).toEqual([expect.stringContaining('state-4 cannot be decoded')]);
    });

    test('reading removes nothing, not even what is marked or corrupt', async () => {
      const world = await leading();
      await world.addMarked('state-1', 'dead');
      await change(world.other, { 'state-2': 'garbage' });
      const { patches } = world.backend;
      const before = await world.entries();
      await world.store.getAllAndLock();
      await world.store.getAllHandles();
      for (const key of ['state-1', 'state-2']) {
        await world.store.exists(key);
        await failure(world.store.getAndLock(key));
      }
      expect(await world.store.getCorruptHandles()).toEqual(['state-2']);
      expect(await world.entries()).toEqual(before);
      expect(world.backend.patches).toBe(patches);
      expect(world.storage.deleted).toEqual([]);
    });

    test('clearEntries drops live, marked and corrupt entries of this store, and no file', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      await world.addMarked('state-2', '2');
      await change(world.other, { 'state-3': 'garbage', foreign: 'kept' });
      await world.store.clearEntries();
      expect([...(await world.entries()).keys()].sort()).toEqual(['foreign', 'layout']);
      expect(world.files()).toHaveLength(2);
      expect(world.storage.deleted).toEqual([]);
    });

    test('there are no locks: releasing changes nothing', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      const { patches } = world.backend;
      await world.store.release('state-1');
      await world.store.releaseAll();
      expect(world.backend.patches).toBe(patches);
      expect(String(world.store)).toContain(world.backend.name);
    });

    test('an object that would become too large refuses the add before it is sent, and removals still work', async () => {
      const world = await setUp();
      await world.lead({ limitBytes: 1_000 });
      let added = 0;
      const error = await failure(
        (async () => {
          for (;;) {
            await world.store.addAndLock(`state-${added + 1}`, 'x');
            added += 1;
          }
        })(),
      );
      expect(error).toBeInstanceOf(StateTooLargeException);
      expect(added).toBeGreaterThan(2);
      expect(world.files()).toHaveLength(added);
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(true);
      await world.store.addAndLock('state-1', 'y');
    });

    test('an object that is gone: adds fail and leave no file, lists are empty, other reads say so', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      await world.other.remove((await world.other.read())?.uid ?? '');
      const error = await failure(world.store.addAndLock('state-2', '2'));
      expect(error).toBeInstanceOf(HaObjectMissingException);
      expect((error as Error).message).toBe(`${world.backend.name} does not exist. It may be deleted externally.`);
      expect(world.storage.deleted).toEqual([world.storage.written[1]]);
      expect(await world.store.getAllAndLock()).toEqual([]);
      for (const read of [
        () => world.store.exists('x'),
        () => world.store.getAndLock('x'),
        () => world.store.getAllHandles(),
      ]) {
        await expect(read()).rejects.toThrow(HaObjectMissingException);
      }
    });
  });

  describe(`who may write: ${name}`, () => {
    test('before it leads a process writes nothing; what it stored goes', async () => {
      const world = await setUp();
      world.open();
      await expect(world.store.addAndLock('state-1', '1')).rejects.toThrow(NotLeaderException);
      expect(world.files()).toEqual([]);
      expect(world.backend.patches).toBe(0);
    });

    test('a leader whose epoch has passed is refused everywhere, discards only what is new, and learns it once', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      await world.usurp();
      await expect(world.store.addAndLock('state-2', 'new')).rejects.toThrow(NotLeaderException);
      await expect(world.store.replace('state-1', ANY_VERSION, 'new')).rejects.toThrow(NotLeaderException);
      await expect(world.store.clearEntries()).rejects.toThrow(NotLeaderException);
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(false);
      await expect(world.store.releaseAndTryRemoveAll()).rejects.toThrow(NotLeaderException);
      expect(await world.all()).toEqual(['old']);
      expect(world.files()).toEqual([world.storage.written[0]]);
      expect(world.lost).toHaveLength(1);
    });

    test('a leader that is replaced in the middle of a removal says false, and the next one ends it', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      world.storage.beforeDelete(() => world.usurp());
      expect(await world.store.releaseAndTryRemove('state-1')).toBe(false);
      expect((await world.entry('state-1')).kind).toBe('marked');
      const next = world.client();
      await next.lead();
      expect(await next.store.finishRemovals()).toBe(1);
      expect(await world.entry('state-1')).toEqual({ kind: 'absent' });
      expect(world.files()).toEqual([]);
    });

    test('a closed gate refuses writes before they are sent', async () => {
      const world = await setUp();
      let isOpen = true;
      await world.lead({ gate: () => isOpen });
      isOpen = false;
      const { patches } = world.backend;
      await expect(world.store.addAndLock('state-1', '1')).rejects.toThrow(NotLeaderException);
      expect(world.backend.patches).toBe(patches);
    });

    test('three processes add the same name: only the state of the leader is there', async () => {
      const world = await setUp();
      const first = world.client();
      const second = world.client();
      const third = world.client();
      await first.lead();
      await second.lead();
      const outcomes = await Promise.allSettled(
        [first, second, third].map((client, i) => client.store.addAndLock('state-1', `client ${i}`)),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
      expect(await second.all()).toEqual(['client 1']);
      expect(world.files()).toHaveLength(1);
    });

    test('a write of somebody else under the same epoch keeps both', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      await change(world.other, { ledger: 'written by the supervisor' });
      await world.store.addAndLock('state-2', '2');
      expect(await world.all()).toEqual(['1', '2']);
      expect((await world.entries()).get('ledger')).toBe('written by the supervisor');
    });

    test('each term has a higher epoch, not below the one asked for, and learns what is there', async () => {
      const world = await setUp();
      const epochs = [];
      for (const atLeast of [0, 0, 40, 7]) {
        const client = world.client();
        epochs.push(await client.lead({ atLeast }));
      }
      expect(epochs).toEqual([1, 2, 40, 41]);
    });

    test('a process of another attempt does not take over', async () => {
      const world = await setUp();
      await change(world.other, {}, { attempt: 3, epoch: 1 });
      world.open();
      expect(await world.writer.takeOver({ identity: 'x', atLeast: 0, attempt: 2 })).toEqual({
        taken: false,
        reason: 'attempt',
      });
      expect(await world.writer.takeOver({ identity: 'x', atLeast: 0, attempt: 3 })).toMatchObject({
        taken: true,
        epoch: 2,
      });
    });

    test('a take-over whose answer is lost is recognised by the identity it wrote', async () => {
      const world = await setUp();
      world.open();
      world.backend.failPatches('appliedThenLost');
      expect(await world.writer.takeOver({ identity: 'mine', atLeast: 0 })).toMatchObject({ taken: true, epoch: 1 });
      const rival = world.client();
      world.backend.failPatches('lost');
      world.backend.failReads(0);
      expect(await rival.writer.takeOver({ identity: 'rival', atLeast: 0 })).toMatchObject({ taken: true, epoch: 2 });
    });

    test('a take-over that another one overtook is refused', async () => {
      const world = await setUp();
      world.open();
      world.backend.beforePatch(() => change(world.other, {}, { epoch: 1, leader: 'faster' }).then(() => {}));
      expect(await world.writer.takeOver({ identity: 'slow', atLeast: 0 })).toMatchObject({
        taken: false,
        reason: 'moved',
      });
      expect((await world.backend.read())?.leader).toBe('faster');
    });
  });

  describe(`three outcomes: ${name}`, () => {
    const operations = {
      add: { run: (w: World) => w.store.addAndLock('state-2', 'new'), after: ['new', 'old'] },
      replace: { run: (w: World) => w.store.replace('state-1', ANY_VERSION, 'new'), after: ['new'] },
      remove: { run: (w: World) => w.store.releaseAndTryRemove('state-1'), after: [] },
      removeAll: { run: (w: World) => w.store.releaseAndTryRemoveAll(), after: [] },
      clear: { run: (w: World) => w.store.clearEntries(), after: [] },
      subsume: { run: (w: World) => w.subsume('state-2', 'new', ['state-1']), after: ['new'] },
    } as const;
    type OperationName = keyof typeof operations;
    const names = Object.keys(operations) as OperationName[];
    const recoverable: PatchFault[][] = [
      ['appliedThenLost'],
      ['appliedThenMoved'],
      ['lost'],
      ['late'],
      ['busy'],
      ['lost', 'appliedThenLost'],
      ['late', 'lost'],
      ['lost', 'lost', 'late'],
      ['appliedThenLost', 'appliedThenLost', 'appliedThenLost'],
    ];

    test.each(names.flatMap((operation) => recoverable.map((faults) => [operation, faults] as const)))(
      '%s happens exactly once although requests went %j',
      async (operation, faults) => {
        const world = await leading();
        await world.store.addAndLock('state-1', 'old');
        world.backend.failPatches(...faults);
        await operations[operation].run(world);
        expect((await world.all()).sort()).toEqual([...operations[operation].after]);
        await world.expectNoDanglingPointer();
        if (operation !== 'clear') expect(world.files()).toHaveLength(operations[operation].after.length);
        await world.store.addAndLock('state-9', 'usable');
      },
    );

    test.each(
      (['remove', 'removeAll'] as const).flatMap((operation) =>
        (['appliedThenLost', 'appliedThenMoved', 'lost', 'late'] as const).map((fault) => [operation, fault] as const),
      ),
    )('%s, whose last request goes %s, leaves neither name nor file', async (operation, fault) => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.backend.failPatches('none', fault);
      await operations[operation].run(world);
      expect([...(await world.entries()).keys()]).toEqual(['layout']);
      expect(world.files()).toEqual([]);
    });

    test.each(['remove', 'removeAll'] as const)(
      '%s, of whose last request nothing can be learnt, is unknown, and ends when repeated',
      async (operation) => {
        for (const fault of ['appliedThenLost', 'lost'] as const) {
          const world = await leading();
          await world.store.addAndLock('state-1', 'old');
          world.backend.failPatches('none', fault);
          world.storage.beforeDelete(async () => world.backend.failReads(1_000));
          expect(await failure(operations[operation].run(world))).toBeInstanceOf(PossibleInconsistentStateException);
          world.backend.failReads(0);
          expect(await world.all()).toEqual([]);
          await operations[operation].run(world);
          expect([...(await world.entries()).keys()]).toEqual(['layout']);
          expect(world.files()).toEqual([]);
        }
      },
    );

    test.each(names)(
      '%s none of whose requests gets through is unknown after one try and five more',
      async (operation) => {
        const world = await leading();
        await world.store.addAndLock('state-1', 'old');
        const { patches } = world.backend;
        world.backend.failPatches(...Array<PatchFault>(6).fill('lost'));
        const error = await failure(operations[operation].run(world));
        expect(error).toBeInstanceOf(PossibleInconsistentStateException);
        expect(world.backend.patches - patches).toBe(6);
        expect(world.storage.deleted).toEqual([]);
        expect(await world.all()).toEqual(['old']);
      },
    );

    test.each(names)('%s by a process that ends after any of its steps has happened, or has not', async (operation) => {
      const before = ['old'];
      const after = [...operations[operation].after];
      for (let steps = 0; ; steps += 1) {
        const world = await setUp();
        const mortal = new Mortal();
        const dying = new World(mortal.backend(world.backend), world.other, mortal.storage(world.storage));
        await dying.lead();
        await dying.store.addAndLock('state-1', 'old');
        mortal.diesAfter(steps);
        const ended = await Promise.race([operations[operation].run(dying).then(() => 'done'), mortal.death]);
        const next = world.client();
        const epoch = (await next.lead()) ?? 0;
        await next.store.finishRemovals();
        await next.expectNoDanglingPointer();
        expect([before, after]).toContainEqual(await next.all());
        // A file that nothing points to is of an epoch whose leader can point to nothing any more.
        const entries = [...(await world.entries()).values()].join();
        const orphans = world.files().filter((path) => !entries.includes(path));
        expect(orphans.length).toBeLessThanOrEqual(1);
        expect(orphans.filter((path) => Number(path.split('-')[1]) >= epoch)).toEqual([]);
        if (ended === 'done') {
          expect(await next.all()).toEqual(after);
          break;
        }
      }
    });

    test.each(names)(
      '%s whose answer is lost, and then every read fails, is unknown: nothing is discarded',
      async (operation) => {
        for (const fault of ['appliedThenLost', 'lost'] as const) {
          const world = await leading();
          await world.store.addAndLock('state-1', 'old');
          world.backend.failPatches(fault);
          world.backend.failReads(1_000);
          const error = await failure(operations[operation].run(world));
          expect(error).toBeInstanceOf(PossibleInconsistentStateException);
          expect(world.storage.deleted).toEqual([]);
          world.backend.failReads(0);
          await world.expectNoDanglingPointer();
          await world.store.addAndLock('state-9', 'usable');
        }
      },
    );

    test.each(['rejected', 'tooLarge'] as const)(
      'add, replace and subsume that are %s discard what is new and keep what is old',
      async (fault) => {
        const world = await leading();
        await world.store.addAndLock('state-1', 'old');
        for (const operation of ['add', 'replace', 'subsume'] as const) {
          world.backend.failPatches(fault);
          const error = await failure(operations[operation].run(world));
          expect(error).toBeInstanceOf(fault === 'tooLarge' ? StateTooLargeException : HaStoreException);
        }
        expect(await world.all()).toEqual(['old']);
        expect(world.files()).toEqual([world.storage.written[0]]);
      },
    );

    test('a removal that is rejected discards nothing', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.backend.failPatches('rejected');
      await expect(world.store.releaseAndTryRemove('state-1')).rejects.toThrow(HaStoreException);
      expect(await world.all()).toEqual(['old']);
      expect(world.storage.deleted).toEqual([]);
    });

    test.each(['none', 'appliedThenLost', 'lost'] as const)(
      'two writes of one entry in one turn keep their order when a request goes %s',
      async (fault) => {
        const world = await leading();
        world.backend.failPatches(fault);
        const write = (text: string) => world.writer.submit(putOperation('entry', text, { grows: false }));
        expect(await Promise.all([write('first'), write('second')])).toEqual([
          { outcome: 'done' },
          { outcome: 'done' },
        ]);
        expect((await world.entries()).get('entry')).toBe('second');
      },
    );

    test('one member of a shared request that is rejected does not stop the others', async () => {
      const world = await leading();
      world.backend.failPatches('rejected', 'none', 'rejected', 'none');
      const results = await Promise.allSettled([1, 2, 3].map((i) => world.store.addAndLock(`state-${i}`, `${i}`)));
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await world.all()).toEqual(['1', '3']);
      await world.expectNoDanglingPointer();
      expect(world.files()).toHaveLength(2);
    });

    test('add: the write landed, the answer was lost, leadership moved: the state is pointed to and stays', async () => {
      const world = await leading();
      world.backend.failPatches('appliedThenLost');
      world.backend.beforePatch(async () => {
        queueMicrotask(() => {});
      });
      const added = world.store.addAndLock('state-1', 'mine');
      await expect.poll(async () => (await world.other.read())?.entries.has('state-1')).toBe(true);
      await world.usurp();
      await added.catch((error: unknown) => expect(error).toBeInstanceOf(NotLeaderException));
      await world.expectNoDanglingPointer();
      expect(await world.all()).toEqual(['mine']);
    });

    test('add: the request was lost and leadership moved: the state goes', async () => {
      const world = await leading();
      world.backend.failPatches('lost');
      world.backend.beforePatch(() => world.usurp());
      await expect(world.store.addAndLock('state-1', 'mine')).rejects.toThrow(NotLeaderException);
      expect(world.files()).toEqual([]);
      expect(await world.all()).toEqual([]);
    });

    test('replace: landed, answer lost, re-read: the old file goes and the new one stays', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.backend.failPatches('appliedThenLost');
      await world.store.replace('state-1', ANY_VERSION, 'new');
      expect(world.storage.deleted).toEqual([world.storage.written[0]]);
      expect(await world.all()).toEqual(['new']);
    });

    test('replace: landed, answer lost, and by the time of the re-read somebody else wrote too', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.backend.failPatches('appliedThenLost');
      const replaced = world.store.replace('state-1', ANY_VERSION, 'new');
      await expect.poll(async () => (await world.other.read())?.seq).toBe(3);
      await change(world.other, { ledger: 'x' });
      await replaced;
      expect(world.storage.deleted).toEqual([world.storage.written[0]]);
      expect(await world.all()).toEqual(['new']);
    });

    test('reads that fail before anything was sent are an error, and the new file goes', async () => {
      const world = await leading();
      await change(world.other, { ledger: 'x' });
      world.backend.failReads(1_000);
      await expect(world.store.addAndLock('state-1', 'new')).rejects.toThrow(HaStoreException);
      expect(world.files()).toEqual([]);
    });

    test('the error of a discard that fails after a refused add is suppressed, not lost', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      world.storage.failDeletes(1);
      const error = await failure(world.store.addAndLock('state-1', 'new'));
      expect(error).toBeInstanceOf(AlreadyExistException);
      expect((error as AlreadyExistException).suppressed).toEqual([
        expect.objectContaining({ message: expect.stringContaining('cannot delete') }),
      ]);
    });
  });

  describe(`adding and subsuming: ${name}`, () => {
    /** state-0 hidden and discarded, state-1 live. */
    const withTwo = async (): Promise<World> => {
      const world = await leading();
      await world.store.addAndLock('state-0', '0');
      await world.subsume('state-1', '1', ['state-0']);
      return world;
    };
    const also = (text: string) => [putOperation('also', text, { grows: false })];

    test('one request adds, hides what it is told to, removes what was hidden before, and changes what else it is given', async () => {
      const world = await withTwo();
      const { patches, reads } = world.backend;
      const handle = await world.store.addAndSubsume('state-2', '2', ['state-1'], also('x'));
      expect(world.backend.patches - patches).toBe(1);
      expect(world.backend.reads - reads).toBe(0);
      expect(await handle.retrieveState()).toBe('2');
      expect(await world.all()).toEqual(['2']);
      expect([...(await world.entries()).keys()].sort()).toEqual(['also', 'layout', 'state-1', 'state-2']);
      expect((await world.entry('state-1')).kind).toBe('marked');
      // The state of what is hidden stays until it is asked to go.
      expect(world.files()).toHaveLength(2);
      await world.store.discardSubsumed('state-1');
      expect(world.files()).toHaveLength(1);
    });

    test.each(['exists', 'notLeader', 'rejected', 'tooLarge', 'full', 'unwritable'] as const)(
      'an add that is refused (%s) hides, removes and changes nothing, and only its own file goes',
      async (why) => {
        const world = await withTwo();
        const before = await world.entries();
        const files = world.files();
        if (why === 'notLeader') await world.usurp();
        if (why === 'rejected' || why === 'tooLarge') world.backend.failPatches(why);
        if (why === 'unwritable') world.storage.failWrites(1);
        const key = why === 'exists' ? 'state-1' : 'state-2';
        // A long name makes the object too large.
        const name = why === 'full' ? `state-${'x'.repeat(16 * 1024)}` : key;
        const error = await failure(world.store.addAndSubsume(name, '2', ['state-1'], also('x')));
        if (why !== 'exists') expect(error).not.toBeInstanceOf(AlreadyExistException);
        expect(error).not.toBeInstanceOf(PossibleInconsistentStateException);
        expect(await world.entries()).toEqual(before);
        expect(world.files()).toEqual(files);
        expect(await world.all()).toEqual(['1']);
        // Nothing is hidden here either: there is nothing to discard.
        await world.store.discardSubsumed('state-1');
        expect(world.files()).toEqual(files);
      },
    );

    test.each([
      ['appliedThenLost'],
      ['appliedThenMoved'],
      ['lost'],
      ['late'],
      ['busy'],
      ['lost', 'late'],
      ['late', 'appliedThenLost'],
    ] as PatchFault[][])('when requests go %s %s all parts happen together, once', async (...faults) => {
      const world = await withTwo();
      world.backend.failPatches(...faults.filter((fault) => fault !== undefined));
      await world.store.addAndSubsume('state-2', '2', ['state-1'], also('x'));
      expect(await world.all()).toEqual(['2']);
      expect((await world.entry('state-1')).kind).toBe('marked');
      expect((await world.entry('state-0')).kind).toBe('absent');
      expect((await world.entries()).get('also')).toBe('x');
      await world.store.discardSubsumed('state-1');
      expect(world.files()).toHaveLength(1);
      await world.subsume('state-3', '3', ['state-2']);
      expect([...(await world.entries()).keys()].sort()).toEqual(['also', 'layout', 'state-2', 'state-3']);
    });

    test.each(['appliedThenLost', 'lost'] as const)(
      'an add whose outcome stays unknown (%s) discards nothing and takes nothing for hidden; the next one hides it',
      async (fault) => {
        const world = await withTwo();
        const discarded = [...world.storage.deleted];
        world.backend.failPatches(fault);
        world.backend.failReads(1_000);
        const error = await failure(world.store.addAndSubsume('state-2', '2', ['state-1'], also('x')));
        expect(error).toBeInstanceOf(PossibleInconsistentStateException);
        await world.store.discardSubsumed('state-1');
        expect(world.storage.deleted).toEqual(discarded);
        world.backend.failReads(0);
        await world.expectNoDanglingPointer();
        expect(await world.all()).toEqual(fault === 'lost' ? ['1'] : ['2']);
        await world.subsume('state-3', '3', ['state-1']);
        expect(await world.all()).toEqual(fault === 'lost' ? ['3'] : ['2', '3']);
        expect((await world.entry('state-0')).kind).toBe('absent');
      },
    );

    test('it shares a request with other operations, and waits for its turn behind one that changes the same entry', async () => {
      const world = await withTwo();
      const { patches } = world.backend;
      const results: Promise<unknown>[] = [];
      world.backend.beforePatch(async () => {
        results.push(
          world.store.addAndLock('state-5', '5'),
          world.store.addAndSubsume('state-2', '2', ['state-1'], also('x')),
          world.store.addAndLock('state-6', '6'),
          world.writer.submit(putOperation('also', 'y', { grows: false })),
        );
        await expect.poll(() => world.storage.written.length).toBe(6);
      });
      await world.store.addAndLock('state-4', '4');
      await Promise.all(results);
      expect(world.backend.patches - patches).toBeLessThanOrEqual(3);
      expect(await world.all()).toEqual(['2', '4', '5', '6']);
      expect(['x', 'y']).toContain((await world.entries()).get('also'));
      await world.store.discardSubsumed('state-1');
      await world.expectNoDanglingPointer();
      expect(world.files()).toHaveLength(4);
    });

    test('in a shared request that is refused it is tried alone, as a whole', async () => {
      const world = await withTwo();
      world.backend.failPatches('rejected', 'none', 'rejected');
      const results = await Promise.allSettled([
        world.store.addAndLock('state-5', '5'),
        world.store.addAndSubsume('state-2', '2', ['state-1'], also('x')),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(await world.all()).toEqual(['1', '5']);
      expect((await world.entries()).has('also')).toBe(false);
      expect((await world.entry('state-0')).kind).toBe('marked');
    });

    test('what cannot be decoded is dropped instead of hidden, and does not stop the add', async () => {
      const world = await withTwo();
      await change(world.other, { 'state-1': 'garbage' });
      await world.store.addAndSubsume('state-2', '2', ['state-1', 'never-there'], []);
      await world.store.discardSubsumed('state-1');
      expect([...(await world.entries()).keys()].sort()).toEqual(['layout', 'state-2']);
      expect(world.warnings).toEqual([expect.stringContaining('state-1 cannot be decoded')]);
    });

    test('a state that would not go is tried again, and its name goes after it', async () => {
      const world = await withTwo();
      await world.store.addAndSubsume('state-2', '2', ['state-1'], []);
      world.storage.failDeletes(1);
      await expect(world.store.discardSubsumed('state-1')).rejects.toThrow('cannot delete');
      await world.store.addAndSubsume('state-3', '3', ['state-2'], []);
      expect((await world.entry('state-1')).kind).toBe('marked');
      await world.store.discardSubsumed('state-1');
      await world.store.discardSubsumed('state-2');
      await world.store.addAndSubsume('state-4', '4', [], []);
      expect([...(await world.entries()).keys()].sort()).toEqual(['layout', 'state-3', 'state-4']);
      expect(world.files()).toHaveLength(2);
    });

    test.each(['fails', 'waits'] as const)(
      'a storage in which each removal %s does not fill the object',
      async (how) => {
        const world = await leading();
        await world.store.addAndLock('state-100', '100');
        if (how === 'fails') world.storage.failDeletes(1_000);
        for (let i = 101; i < 120; i += 1) {
          await world.store.addAndSubsume(`state-${i}`, `${i}`, [`state-${i - 1}`], []);
          if (how === 'fails') await failure(world.store.discardSubsumed(`state-${i - 1}`));
        }
        const names = [...(await world.entries()).keys()].filter((key) => key.startsWith('state-')).sort();
        expect(names.length).toBeLessThanOrEqual(MOST_HIDDEN + 2);
        expect(names.at(-1)).toBe('state-119');
        expect(world.files()).toHaveLength(20);
        if (how === 'fails') return;
        // Those whose names went before them are discarded all the same, when their turn comes.
        for (let i = 100; i < 119; i += 1) await world.store.discardSubsumed(`state-${i}`);
        expect(world.files()).toHaveLength(1);
      },
    );

    test('the next leader ends what its predecessor has hidden, and discards it once', async () => {
      const world = await withTwo();
      await world.store.addAndSubsume('state-2', '2', ['state-1'], []);
      const next = world.client();
      await next.lead();
      expect(await next.store.finishRemovals()).toBe(1);
      expect([...(await world.entries()).keys()].sort()).toEqual(['layout', 'state-2']);
      expect(world.files()).toHaveLength(1);
      await expect(world.store.addAndSubsume('state-3', '3', ['state-2'], [])).rejects.toThrow(NotLeaderException);
      await next.expectNoDanglingPointer();
    });
  });
}

const ANY_VERSION = StringResourceVersion.valueOf('1.1');
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );

/** Changes entries as somebody else would, from the newest version. */
async function change(
  backend: HandleBackend,
  entries: Record<string, string | undefined>,
  raise?: { epoch?: number; attempt?: number; leader?: string },
) {
  const seen = await backend.read();
  return backend.patch({
    expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
    entries: new Map(Object.entries(entries)),
    ...(raise === undefined ? {} : { raise }),
    writer: 'somebody else',
  });
}

/** A process that ends after so many steps: writes of files, deletions, patches. What it would do then never happens. */
class Mortal {
  readonly death: Promise<'died'>;
  private readonly die: (what: 'died') => void;
  private steps = Number.POSITIVE_INFINITY;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<'died'>();
    this.death = promise;
    this.die = resolve;
  }

  diesAfter(steps: number): void {
    this.steps = steps;
  }

  backend(inner: FaultyBackend): FaultyBackend {
    return { ...inner, patch: (patch) => this.step(() => inner.patch(patch)) };
  }

  storage(inner: CountingStorage): CountingStorage {
    return {
      ...inner,
      write: (path, chunks, options) => this.step(() => inner.write(path, chunks, options)),
      delete: (path) => this.step(() => inner.delete(path)),
    };
  }

  private step<R>(action: () => Promise<R>): Promise<R> {
    if (this.steps > 0) {
      this.steps -= 1;
      return action();
    }
    this.die('died');
    return new Promise(() => {});
  }
}

let nextId = 0;

/** A process with its store, the object it shares with others, and the storage behind. */
class World {
  readonly backend: FaultyBackend;
  readonly other: HandleBackend;
  readonly storage: CountingStorage;
  readonly warnings: string[] = [];
  readonly lost: unknown[] = [];
  writer!: FencedWriter;
  store!: StateHandleStore<string>;
  /** The same entries, read by a process that does not lead. */
  reader!: StateHandleStore<string>;

  constructor(backend: FaultyBackend, other: HandleBackend, storage = countingStorage()) {
    this.backend = backend;
    this.other = other;
    this.storage = storage;
  }

  open(limitBytes = 16 * 1024): void {
    const newWriter = (backend: HandleBackend) =>
      new FencedWriter({ backend, limitBytes, clock: systemClock, random: () => 0.01, retries: 5 });
    this.writer = newWriter(this.backend);
    this.store = this.storeOver(this.writer);
    this.reader = this.storeOver(newWriter(this.other));
  }

  async lead(
    options: { limitBytes?: number; atLeast?: number; gate?: () => boolean } = {},
  ): Promise<number | undefined> {
    this.open(options.limitBytes);
    const taken = await this.writer.takeOver({
      identity: `process ${nextId++}`,
      atLeast: options.atLeast ?? 0,
      lost: (cause) => this.lost.push(cause),
      ...(options.gate === undefined ? {} : { gate: options.gate }),
    });
    return taken.taken ? taken.epoch : undefined;
  }

  /** Another process of the same job. */
  client(): World {
    const client = new World(this.backend, this.other, this.storage);
    client.open();
    return client;
  }

  /** Adds, hides, and discards what is hidden now. */
  async subsume(key: string, state: string, subsumed: readonly string[]): Promise<void> {
    await this.store.addAndSubsume(key, state, subsumed, []);
    for (const name of subsumed) await this.store.discardSubsumed(name);
  }

  async usurp(): Promise<void> {
    const seen = await this.other.read();
    await change(this.other, {}, { epoch: (seen?.epoch ?? 0) + 1, leader: 'usurper' });
  }

  /** An entry as a crash between marking and removing leaves it. */
  async addMarked(key: string, state: string): Promise<void> {
    const { pointer } = await this.store.addAndLock(key, state);
    await change(this.other, { [key]: encodeMarked(pointer) });
  }

  async all(): Promise<string[]> {
    const handles = await this.reader.getAllAndLock();
    const states = await Promise.all(
      handles.filter(([, key]) => key.startsWith('state-')).map(([handle]) => handle.retrieveState()),
    );
    return states.sort();
  }

  async entries(): Promise<Entries> {
    return (await this.other.read())?.entries ?? new Map();
  }

  async entry(key: string) {
    return decodeHandle((await this.entries()).get(key));
  }

  files(): string[] {
    return this.storage.written.filter((path) => !this.storage.deleted.includes(path));
  }

  /** Every live pointer leads to its bytes. */
  async expectNoDanglingPointer(): Promise<void> {
    for (const text of (await this.entries()).values()) {
      const stored = decodeHandle(text);
      if (stored.kind === 'live') await this.opened(stored.pointer).retrieveState();
    }
  }

  private opened(pointer: HandlePointer) {
    return this.files_().open(pointer);
  }

  private storeOver(writer: FencedWriter): StateHandleStore<string> {
    return stateHandleStore({
      writer,
      storage: this.files_(),
      keyFilter: (key) => key.startsWith('state-'),
      warn: (message) => this.warnings.push(message),
    });
  }

  private files_() {
    return stateStorage<string>({
      storage: this.storage,
      directory: 'ha',
      kind: 'state',
      epoch: () => this.writer?.epoch,
      newId: () => `id${nextId++}`,
    });
  }
}
