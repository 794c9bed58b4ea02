import { describe, expect, test } from 'vitest';
import {
  AlreadyExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
} from '../../../src/ha/index.ts';
import { putOperation } from '../../../src/ha/state-handle-operations.ts';
import { MOST_HIDDEN } from '../../../src/ha/subsumed-states.ts';
import { failureOf } from '../../builders/failure-of.ts';
import type { PatchFault } from '../../faults/faulty-backend.ts';
import { change, type World, type Worlds } from './world.ts';

/** What comes of an add that hides older states in the same request. */
export function subsumingConformance(name: string, { leading }: Worlds): void {
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
        const error = await failureOf(world.store.addAndSubsume(name, '2', ['state-1'], also('x')));
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
        const error = await failureOf(world.store.addAndSubsume('state-2', '2', ['state-1'], also('x')));
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
          if (how === 'fails') await failureOf(world.store.discardSubsumed(`state-${i - 1}`));
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
