import { describe, expect, test } from 'vitest';
import { AlreadyExistException, HaStoreException, StateTooLargeException } from '../../../src/ha/index.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { change, type Worlds } from './world.ts';

/** What comes of an add: one file and one pointer, or neither. */
export function addingConformance(name: string, { setUp, leading }: Worlds): void {
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
      const error = await failureOf(world.store.addAndLock('state-1', 'new'));
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

    test('an object that would become too large refuses the add before it is sent, and removals still work', async () => {
      const world = await setUp();
      await world.lead({ limitBytes: 1_000 });
      let added = 0;
      const error = await failureOf(
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
  });
}
