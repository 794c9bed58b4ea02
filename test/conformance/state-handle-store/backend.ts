import { describe, expect, test } from 'vitest';
import type { HandleBackend } from '../../../src/ha/index.ts';
import { change, type Worlds } from './world.ts';

/** What a backend owes the store: an object with a version, changed whole or not at all, and watched. */
export function backendConformance(name: string, { setUp }: Worlds): void {
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
}
