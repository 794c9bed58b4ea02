import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createLane, createRing, WAKE_UP_BYTES } from '../../src/stream/exchange/index.ts';
import type { PeerResult, PeerSetup } from './exchange-peer.ts';

interface Scenario {
  readonly name: string;
  readonly kind: PeerSetup['kind'];
  readonly recordsEach: number;
  readonly ringBytes: number;
  /** Of a lane; without one it is a ring. */
  readonly window?: number;
  readonly take: number;
}

test.each<Scenario>([
  { name: 'tuples, rings always full', kind: 'tuple', recordsEach: 1_000_000, ringBytes: 4096, take: 50 },
  { name: 'tuples, large rings', kind: 'tuple', recordsEach: 1_000_000, ringBytes: 512 * 1024, take: 512 },
  { name: 'objects, rings always full', kind: 'any', recordsEach: 200_000, ringBytes: 4096, take: 50 },
  { name: 'objects, large rings', kind: 'any', recordsEach: 200_000, ringBytes: 512 * 1024, take: 512 },
  {
    name: 'tuples, a lane always full',
    kind: 'tuple',
    recordsEach: 500_000,
    ringBytes: 4096,
    window: 65_536,
    take: 50,
  },
  {
    name: 'tuples, windows always full',
    kind: 'tuple',
    recordsEach: 300_000,
    ringBytes: 65_536,
    window: 256,
    take: 50,
  },
  { name: 'objects, windows always full', kind: 'any', recordsEach: 100_000, ringBytes: 65_536, window: 256, take: 50 },
])('two threads send each other $name: all arrive once and in order, and nobody waits for ever', async (scenario) => {
  const [first, second] = await bothWays(scenario);
  for (const result of [first, second]) {
    expect(result.records).toBe(scenario.recordsEach);
    expect(result.barriers).toBe(scenario.recordsEach / 10_000);
    expect(result.longestSleepMs).toBeLessThan(10_000);
  }
  if (scenario.ringBytes === 4096 || scenario.window === 256)
    expect(first.blockedTurns + second.blockedTurns).toBeGreaterThan(0);
});

test('a thread that only reads and one that only writes take turns over a ring of the smallest size', async () => {
  const scenario = { kind: 'tuple', recordsEach: 300_000, ringBytes: 4096, take: 7 } as const;
  const [first, second] = await bothWays({ ...scenario, secondSends: 0 });
  expect(first.records).toBe(0);
  expect(second.records).toBe(300_000);
  expect(first.blockedTurns).toBeGreaterThan(0);
  expect(Math.max(first.longestSleepMs, second.longestSleepMs)).toBeLessThan(10_000);
});

interface Exchange extends Omit<Scenario, 'name'> {
  readonly secondSends?: number;
}

async function bothWays({
  kind,
  recordsEach,
  ringBytes,
  window,
  take,
  secondSends,
}: Exchange): Promise<[PeerResult, PeerResult]> {
  const memory = () => (window === undefined ? createRing(ringBytes) : createLane(3, ringBytes, window));
  const [there, back] = [memory(), memory()];
  const [one, two] = [new SharedArrayBuffer(WAKE_UP_BYTES), new SharedArrayBuffer(WAKE_UP_BYTES)];
  const setups: PeerSetup[] = [
    { records: recordsEach, kind, take, output: there, input: back, self: one, other: two },
    { records: secondSends ?? recordsEach, kind, take, output: back, input: there, self: two, other: one },
  ];
  const workers = setups.map(
    (setup) => new Worker(new URL('./exchange-peer.ts', import.meta.url), { workerData: setup }),
  );
  const resultOf = async (worker: Worker): Promise<PeerResult> => ((await once(worker, 'message')) as [PeerResult])[0];
  try {
    return await Promise.all([resultOf(workers[0]!), resultOf(workers[1]!)]);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
