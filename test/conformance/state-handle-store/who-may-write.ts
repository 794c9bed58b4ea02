import { describe, expect, test } from 'vitest';
import { NotLeaderException } from '../../../src/ha/index.ts';
import { ANY_VERSION, change, type Worlds } from './world.ts';

/** Who may write: the leader of the newest epoch, and nobody else. */
export function writersConformance(name: string, { setUp, leading }: Worlds): void {
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
}
