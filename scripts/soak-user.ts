/**
 * Does at random what people and clusters do to a job: edits, triggers, deletions, hand-made repairs, lost pods, dead operators,
 * failing requests; and holds that the job comes to what is asked for in the end, and can be deleted.
 *
 *     make soak-user
 *
 * SEED     the first seed                  @default 1
 * SEEDS    how many                        @default 50
 * ACTIONS  of each                         @default 25
 * AT_ONCE  worlds at the same time         @default 3
 *
 * Ends with one line that counts. SEED=7 SEEDS=1 does again what seed 7 did.
 */
import { definedFlinkJobs } from '../test/builders/flinkjob-operator.ts';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import { randomTrial } from '../test/soak/random-user.ts';
import { numberFromEnvironment } from './number-from-environment.ts';

const first = numberFromEnvironment('SEED', 1);
const seeds = numberFromEnvironment('SEEDS', 50);
const actions = numberFromEnvironment('ACTIONS', 25);
const atOnce = numberFromEnvironment('AT_ONCE', 3);

const started = await startCluster();
if ('unavailable' in started) {
  console.error(`error: ${started.unavailable}`);
  process.exit(1);
}
let failed = 0;
let next = first;
try {
  const cluster = new TestCluster(started.access);
  await definedFlinkJobs(cluster);
  const work = async (): Promise<void> => {
    while (next < first + seeds) {
      const seed = next++;
      const { did, failures } = await randomTrial(cluster, seed, actions);
      if (failures.length > 0) {
        failed++;
        console.log(
          [`seed ${seed}:`, ...did.map((each) => `  ${each}`), ...failures.map((each) => `  ✗ ${each}`)].join('\n'),
        );
      } else console.log(`seed ${seed}: holds, ${failed} failed so far`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
} finally {
  await started.stop();
}
console.log(`soak-user: ${seeds} seeds, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
