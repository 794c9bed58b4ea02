import { expect, test } from 'vitest';
import { CollectionSource } from '../../../src/stream/connectors/collection-source.ts';
import { GeneratorSource } from '../../../src/stream/connectors/generator-source.ts';
import { NumberSequenceSource } from '../../../src/stream/connectors/number-sequence-source.ts';
import type { Source } from '../../../src/stream/connectors/source.ts';
import { ManualClock, runWithRestarts, SourceRun } from '../../builders/source-run.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const ascending = (numbers: number[]) => numbers.toSorted((left, right) => left - right);

const sources: Record<string, () => Source<number>> = {
  'a number sequence': () => new NumberSequenceSource(0, 499),
  'a collection': () => new CollectionSource(range(0, 499)),
  'a generator': () => new GeneratorSource({ count: 500, generate: (index) => index }),
};

for (const [name, source] of Object.entries(sources)) {
  test(`${name} gives every record once at any parallelism`, async () => {
    for (const parallelism of [1, 2, 3, 7]) {
      const run = await SourceRun.start(source(), { parallelism });
      expect(ascending(await run.toEnd())).toEqual(range(0, 499));
    }
  });

  test(`${name} spreads its records over the subtasks`, async () => {
    const run = await SourceRun.start(source(), { parallelism: 4 });
    await run.toEnd();
    for (const { records } of run.subtasks) expect(records.length).toBe(125);
  });

  test(`${name} goes on without gap or repeat after restores at the same, a lower and a higher parallelism`, async () => {
    for (const legs of [
      [1, 1, 1],
      [2, 2, 2],
      [4, 1, 3],
      [1, 4, 2],
      [3, 5, 1],
    ]) {
      const records = await runWithRestarts(
        source,
        legs.map((parallelism, index) => ({ parallelism, takeEach: 11 + 6 * index })),
      );
      expect(ascending(records)).toEqual(range(0, 499));
    }
  });

  test(`${name} keeps its order at parallelism 1, also over a restore`, async () => {
    const first = await SourceRun.start(source());
    await first.takeEach(37);
    const second = await SourceRun.start(source(), { restoreFrom: await first.capture() });
    expect([...first.records, ...(await second.toEnd())]).toEqual(range(0, 499));
  });

  test(`${name} that has ended ends again after a restore, also at a higher parallelism`, async () => {
    const first = await SourceRun.start(source(), { parallelism: 2 });
    await first.toEnd();
    const restoreFrom = await first.capture();
    for (const parallelism of [1, 2, 5]) {
      expect(await (await SourceRun.start(source(), { parallelism, restoreFrom })).toEnd()).toEqual([]);
    }
  });

  test(`${name} that is new in a job with state starts from the beginning`, async () => {
    const restoreFrom = { checkpointId: 8, subtasks: [{ split: new Map(), union: new Map() }] };
    const run = await SourceRun.start(source(), { parallelism: 2, restoreFrom });
    expect((await run.toEnd()).length).toBe(500);
  });

  test(`${name} leaves work for subtasks that a rescale adds`, async () => {
    const first = await SourceRun.start(source());
    await first.takeEach(20);
    const second = await SourceRun.start(source(), { parallelism: 4, restoreFrom: await first.capture() });
    await second.toEnd();
    for (const { records } of second.subtasks) expect(records.length).toBeGreaterThan(50);
  });
}

test('a number sequence includes both ends, may hold one number or none', async () => {
  expect(await (await SourceRun.start(new NumberSequenceSource(-2, 2))).toEnd()).toEqual([-2, -1, 0, 1, 2]);
  expect(await (await SourceRun.start(new NumberSequenceSource(5, 5), { parallelism: 3 })).toEnd()).toEqual([5]);
  expect(await (await SourceRun.start(new NumberSequenceSource(5, 4), { parallelism: 3 })).toEnd()).toEqual([]);
});

test('a sequence that runs backwards or into unsafe numbers is refused', () => {
  expect(() => new NumberSequenceSource(5, 3)).toThrow('A sequence runs from an integer to an integer');
  expect(() => new NumberSequenceSource(0, Number.MAX_SAFE_INTEGER)).toThrow('A sequence runs from an integer');
});

test('record i of a generator depends on the seed and i only', async () => {
  const source = (seed: number) =>
    new GeneratorSource({ count: 60, seed, generate: (index, random) => `${index}:${random()}:${random()}` });
  const alone = await (await SourceRun.start(source(7))).toEnd();
  const apart = await (await SourceRun.start(source(7), { parallelism: 3 })).toEnd();
  const other = await (await SourceRun.start(source(8))).toEnd();
  expect(apart.toSorted()).toEqual(alone.toSorted());
  expect(other.filter((record) => alone.includes(record))).toEqual([]);
});

test('the random numbers of a generator are spread over 0 to 1 without regularity between records', async () => {
  const source = new GeneratorSource({ count: 20_000, seed: 1, generate: (_index, random) => random() });
  const numbers = await (await SourceRun.start(source)).toEnd();
  const buckets = new Array(10).fill(0);
  for (const number of numbers) buckets[Math.floor(number * 10)]++;
  for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(200);
  const risen = numbers.filter((number, index) => index > 0 && number > numbers[index - 1]!).length;
  expect(Math.abs(risen - 10_000)).toBeLessThan(300);
});

test('a generator without a count never ends', async () => {
  const source = new GeneratorSource({ generate: (index) => index });
  const run = await SourceRun.start(source, { parallelism: 2 });
  await run.takeEach(1000);
  expect(source.boundedness).toBe('unbounded');
  expect(run.subtasks.map(({ ended }) => ended)).toEqual([false, false]);
});

test('a generator with a rate emits that many records per second over all subtasks', async () => {
  const clock = new ManualClock();
  const source = new GeneratorSource({ generate: (index) => index, recordsPerSecond: 200 });
  const run = await SourceRun.start(source, { parallelism: 2, clock });
  for (let ms = 0; ms < 3000; ms += 10) {
    for (const subtask of run.subtasks) subtask.poll();
    clock.advance(10);
  }
  expect(run.records.length).toBeGreaterThanOrEqual(595);
  expect(run.records.length).toBeLessThanOrEqual(600);
});

test('a generator with a rate sleeps until its next record is due', async () => {
  const clock = new ManualClock();
  const source = new GeneratorSource({ generate: (index) => index, recordsPerSecond: 10 });
  const run = await SourceRun.start(source, { clock });
  const [subtask] = run.subtasks;
  expect(subtask!.poll()).toBe('idle');
  const woken = subtask!.reader.whenAvailable();
  expect(clock.waiting).toBe(1);
  clock.advance(100);
  await woken;
  subtask!.poll();
  expect(run.records).toEqual([0]);
  await run.close();
});

test('a generator refuses counts, seeds and rates that make no sense', () => {
  const generate = (index: number) => index;
  expect(() => new GeneratorSource({ generate, count: -1 })).toThrow('count of a generator');
  expect(() => new GeneratorSource({ generate, seed: 0.5 })).toThrow('seed of a generator');
  expect(() => new GeneratorSource({ generate, recordsPerSecond: 0 })).toThrow('recordsPerSecond of a generator');
});
