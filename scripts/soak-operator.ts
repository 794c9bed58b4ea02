/**
 * Kills the operator at every request that it makes during a life of a job, before the server sees it and after, and holds
 * that the next operator brings the world to the same stages.
 *
 *     make soak-operator
 *
 * EVERY    take every n-th request only            @default 1
 * FROM     the first request                       @default 1
 * AT_ONCE  lives at the same time                  @default 3
 *
 * Ends with one line that counts.
 */
import { isDeepStrictEqual } from 'node:util';
import { definedFlinkJobs } from '../test/builders/flinkjob-operator.ts';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import { type Kill, liveOnce } from '../test/soak/operator-life.ts';
import { numberFromEnvironment } from './number-from-environment.ts';

const every = numberFromEnvironment('EVERY', 1);
const from = numberFromEnvironment('FROM', 1);
const atOnce = numberFromEnvironment('AT_ONCE', 3);

const started = await startCluster();
if ('unavailable' in started) {
  console.error(`error: ${started.unavailable}`);
  process.exit(1);
}
const failures: string[] = [];
let lives = 0;
let kills = 0;
try {
  const cluster = new TestCluster(started.access);
  await definedFlinkJobs(cluster);
  const undisturbed = await liveOnce(cluster, undefined);
  console.log(`a life takes ${undisturbed.requests} requests`);
  const plans: Kill[] = [];
  for (let request = from; request <= undisturbed.requests; request += every) {
    plans.push({ request, is: 'before' }, { request, is: 'after' });
  }
  const work = async (): Promise<void> => {
    for (let plan = plans.shift(); plan !== undefined; plan = plans.shift()) {
      const name = `request ${plan.request}, ${plan.is} the server has seen it`;
      const life = await liveOnce(cluster, plan).catch((error: Error) => error);
      lives++;
      if (life instanceof Error) failures.push(`${name}: ${life.message}`);
      else {
        if (life.wasKilled) kills++;
        for (const [stage, world] of Object.entries(undisturbed.stages)) {
          if (!isDeepStrictEqual(world, life.stages[stage])) failures.push(`${name}: another world at stage ${stage}`);
        }
      }
      console.log(`${name}: ${failures.length} failures so far`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
} finally {
  await started.stop();
}
for (const failure of failures) console.log(failure);
console.log(`soak-operator: ${lives} lives, ${kills} operators killed, ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
