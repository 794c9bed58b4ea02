import { describe, expect, test } from 'vitest';
import {
  AlreadyExistException,
  HaStoreException,
  NotLeaderException,
  PossibleInconsistentStateException,
  StateTooLargeException,
} from '../../../src/ha/index.ts';
import { putOperation } from '../../../src/ha/state-handle-operations.ts';
import { failureOf } from '../../builders/failure-of.ts';
import type { PatchFault } from '../../faults/faulty-backend.ts';
import { Mortal } from './mortal.ts';
import { ANY_VERSION, change, World, type Worlds } from './world.ts';

/** Each operation is done, is not done, or is unknown, whatever becomes of its requests and of its process. */
export function outcomesConformance(name: string, { setUp, leading }: Worlds): void {
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
          expect(await failureOf(operations[operation].run(world))).toBeInstanceOf(PossibleInconsistentStateException);
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
        const error = await failureOf(operations[operation].run(world));
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
          const error = await failureOf(operations[operation].run(world));
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
          const error = await failureOf(operations[operation].run(world));
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
      const error = await failureOf(world.store.addAndLock('state-1', 'new'));
      expect(error).toBeInstanceOf(AlreadyExistException);
      expect((error as AlreadyExistException).suppressed).toEqual([
        expect.objectContaining({ message: expect.stringContaining('cannot delete') }),
      ]);
    });
  });
}
