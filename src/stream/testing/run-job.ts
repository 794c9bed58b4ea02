import type { Job } from '../datastream/environment.ts';
import { SeededRandom } from './seeded-random.ts';
import { TestJob } from './test-job.ts';
import type { TestJobOptions } from './test-job-options.ts';

export interface RunJobOptions extends TestJobOptions {
  /** How often the job is killed, at steps that the seed decides, or the steps at which it is. @default 0 */
  readonly crashes?: number | readonly number[];
  /** Parallelism after the first crash, the second, …; begins again at its end. @default as before */
  readonly rescaleTo?: readonly number[];
}

const CHECKPOINT_EVERY = 50;

/**
 * Runs a bounded job to its end, killing and restoring it on the way. Processing time jumps to the next timer when
 * nothing else is left to do. A job that finishes before a crash is not killed.
 * @throws TestJobError naming the seed with which the same happens again
 */
export async function runJob(job: Job, options: RunJobOptions = {}): Promise<TestJob> {
  const { crashes = 0, rescaleTo = [], checkpointEvery = CHECKPOINT_EVERY } = options;
  const run = await TestJob.start(job, { ...options, checkpointEvery });
  const planned = typeof crashes === 'number' ? drawCrashes(crashes, run.seed, checkpointEvery) : crashes;
  for (const [index, at] of planned.entries()) {
    await run.runUntil(() => run.steps >= at, { advanceTime: true });
    if (run.status !== 'running') break;
    const parallelism = rescaleTo[index % rescaleTo.length];
    await run.restore(parallelism === undefined ? {} : { parallelism });
  }
  await run.runUntilFinished({ advanceTime: true });
  return run;
}

/** Far enough apart that checkpoints complete in between, mostly. */
function drawCrashes(count: number, seed: number, checkpointEvery: number): number[] {
  const random = new SeededRandom(~seed);
  let at = 0;
  return Array.from({ length: count }, () => {
    at += random.between(1, 3 * checkpointEvery);
    return at;
  });
}
