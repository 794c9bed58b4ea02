import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelsOf, indexesHostedBy, LaneNumbers, workerOf, workersFor } from '../../../src/stream/job/placement.ts';

type How = 'forward' | 'hash' | 'rebalance' | 'broadcast';

function anEdge(id: number, from: number, to: number, how: How = 'hash') {
  return { id, from: { parallelism: from }, to: { parallelism: to }, partitioning: { how } };
}

const parallelism = fc.integer({ min: 1, max: 20 });
const edges = fc
  .array(
    fc.record({ from: parallelism, to: parallelism, how: fc.constantFrom<How>('hash', 'rebalance', 'broadcast') }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((all) => all.map(({ from, to, how }, id) => anEdge(id, from, to, how)));

test.each([
  [1, 1, 1],
  [2, 1, 2],
  [2, 2, 2],
  [4, 2, 4],
  [5, 2, 4],
  [15, 2, 4],
  [16, 2, 2],
  [300, 1, 2],
  [300, 2, 2],
  [16, 8, 16],
  [17, 8, 16],
  [300, 8, 8],
  [128, 64, 128],
])('%i indexes on %i cores get %i workers', (indexes, cores, workers) => {
  expect(workersFor(indexes, cores)).toBe(workers);
});

test('every index is hosted by one worker, and by the one that is asked for it', () => {
  fc.assert(
    fc.property(parallelism, parallelism, (indexes, workers) => {
      const hosted = Array.from({ length: workers }, (_, worker) => indexesHostedBy(worker, workers, indexes));
      expect(hosted.flat().sort((left, right) => left - right)).toEqual(Array.from({ length: indexes }, (_, i) => i));
      hosted.forEach((mine, worker) => {
        for (const index of mine) expect(workerOf(index, workers)).toBe(worker);
      });
    }),
    { seed: 1 },
  );
});

test('the channels from one worker to another are numbered from 0 on without a gap', () => {
  fc.assert(
    fc.property(edges, fc.integer({ min: 1, max: 6 }), (all, workers) => {
      const numbers = new LaneNumbers(all, workers);
      const seen = new Map<string, number[]>();
      for (const { id, from, to } of all) {
        for (let a = 0; a < from.parallelism; a++) {
          for (let b = 0; b < to.parallelism; b++) {
            const lane = `${workerOf(a, workers)}>${workerOf(b, workers)}`;
            seen.set(lane, [...(seen.get(lane) ?? []), numbers.numberOf(id, a, b)]);
          }
        }
      }
      for (const [lane, given] of seen) {
        const [from = 0, to = 0] = lane.split('>').map(Number);
        expect(given.sort((left, right) => left - right)).toEqual(Array.from(given, (_, number) => number));
        expect(numbers.count(from, to)).toBe(given.length);
      }
    }),
    { seed: 1 },
  );
});

test('an edge that stays with the index has a channel for each, any other one for each pair', () => {
  expect(channelsOf(anEdge(0, 300, 300, 'forward'))).toBe(300);
  for (const how of ['hash', 'rebalance', 'broadcast'] as const)
    expect(channelsOf(anEdge(0, 300, 200, how))).toBe(60_000);
});
