import { describe, expect, test } from 'vitest';
import { NotExistException, StringResourceVersion } from '../../../src/ha/index.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { ANY_VERSION, change, type Worlds } from './world.ts';

/** What comes of a replacement: the new file after it, or the old one. */
export function replacingConformance(name: string, { leading }: Worlds): void {
  describe(`state handle store: ${name}`, () => {
    test('replace discards the old file after the new pointer stands', async () => {
      const world = await leading();
      await world.store.addAndLock('state-1', 'old');
      await world.store.replace('state-1', await world.store.exists('state-1'), 'new');
      expect(world.storage.deleted).toEqual([world.storage.written[0]]);
      expect(await world.all()).toEqual(['new']);
    });

    test('replace of what does not exist is refused, and its own file goes', async () => {
      const world = await leading();
      const error = await failureOf(world.store.replace('state-1', StringResourceVersion.valueOf('1'), 'new'));
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
      const error = await failureOf(world.store.replace('state-1', ANY_VERSION, 'new'));
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
  });
}
