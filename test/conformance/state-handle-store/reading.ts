import { describe, expect, test } from 'vitest';
import { HaObjectMissingException, StringResourceVersion } from '../../../src/ha/index.ts';
import { IOException } from '../../../src/lib/java-errors.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { change, type Worlds } from './world.ts';

/** What readers see, of what is whole and of what is not, and that they change nothing. */
export function readingConformance(name: string, { leading }: Worlds): void {
  describe(`state handle store: ${name}`, () => {
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
      const corrupt = await failureOf(world.store.getAndLock('corrupt'));
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
        await failureOf(world.store.getAndLock(key));
      }
      expect(await world.store.getCorruptHandles()).toEqual(['state-2']);
      expect(await world.entries()).toEqual(before);
      expect(world.backend.patches).toBe(patches);
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

    test('an object that is gone: adds fail and leave no file, lists are empty, other reads say so', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', '1');
      await world.other.remove((await world.other.read())?.uid ?? '');
      const error = await failureOf(world.store.addAndLock('state-2', '2'));
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
}
