import { test as anyTest, expect } from 'vitest';
import { clusterForTests } from '../../cluster/index.ts';
import { historyRun } from '../../soak/histories.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

test('three processes on one store, behind a bad network, leading in turn: what they saw can be put into one order', async () => {
  const report = await historyRun({ cluster: cluster!, seed: 3, processes: 3, runMs: 9_000 });
  expect(report.done).toBeGreaterThan(20);
  expect(report.terms).toBeGreaterThan(3);
});
