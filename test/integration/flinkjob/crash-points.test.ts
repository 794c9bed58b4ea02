/**
 * The operator is killed at a request of a whole life of a job, and another one goes on: at every stage the world is what it
 * is when nobody is killed. Every fifth request here; `make soak-operator` takes all of them.
 */
import { test as anyTest, expect } from 'vitest';
import { definedFlinkJobs } from '../../builders/flinkjob-operator.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { type Kill, liveOnce } from '../../soak/operator-life.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

const EVERY = 5;
const AT_ONCE = 3;

test('an operator that is killed at any request leaves what the next one brings to the same end', async () => {
  await definedFlinkJobs(cluster!);
  const undisturbed = await liveOnce(cluster!, undefined);
  const kills: Kill[] = [];
  for (let request = 1; request <= undisturbed.requests; request += EVERY) {
    kills.push({ request, is: kills.length % 2 === 0 ? 'before' : 'after' });
  }
  const work = async (): Promise<void> => {
    for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) {
      const { stages } = await liveOnce(cluster!, kill);
      expect.soft(stages, JSON.stringify(kill)).toEqual(undisturbed.stages);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}, 600_000);

test('two operators at once do not disturb each other: the world is what one of them makes', async () => {
  await definedFlinkJobs(cluster!);
  const alone = await liveOnce(cluster!, undefined);
  const together = await liveOnce(cluster!, undefined, 2);
  expect(together.stages).toEqual(alone.stages);
}, 120_000);
