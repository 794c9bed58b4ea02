import { describe, expect, test } from 'vitest';
import { RemovalFailedException } from '../../../src/ha/index.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { change, type Worlds } from './world.ts';

/** What comes of removals: marked, discarded, gone, in this order; whoever repeats one ends it. */
export function removingConformance(name: string, { leading }: Worlds): void {
  describe(`state handle store: ${name}`, () => {
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
      const error = await failureOf(world.store.releaseAndTryRemoveAll());
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
  });
}
