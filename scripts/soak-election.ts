/**
 * Ends leaders in every way there is, against a real Kubernetes API server, until TAKEOVERS others have taken over, and
 * holds that the server has accepted no write of an old one. Between the rounds several processes use one store behind a
 * bad network, and what they saw is held to be linearizable.
 *
 *     TAKEOVERS=200 SEED=1 make soak-election
 *
 * TAKEOVERS  how many in all                    @default 200
 * SEED       of the first round; rounds count on  @default 1
 * JOBS       contested at the same time         @default 4
 *
 * What was done is noted in `.soak/takeovers-<SEED>.json` after every round, so that a run that was stopped goes on where
 * it was; remove the file to start over.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import { historyRun } from '../test/soak/histories.ts';
import { ENDINGS, type Takeover, takeoverRun } from '../test/soak/takeovers.ts';
import { numberFromEnvironment } from './number-from-environment.ts';

/** Of each job in a round: a round is short, so that little is lost when it is stopped. */
const TAKEOVERS_PER_JOB = 10;
/** A Lease holds whole seconds. */
const LEASE = { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 };

interface Progress {
  nextSeed: number;
  writes: number;
  /** Of the histories that were linearizable. */
  operations: number;
  /** Files that nobody pointed to after an unknown outcome; a sweep removes them. */
  orphans: number;
  takeovers: Takeover[];
}

const wanted = numberFromEnvironment('TAKEOVERS', 200);
const firstSeed = numberFromEnvironment('SEED', 1);
const jobs = numberFromEnvironment('JOBS', 4);

const folder = join(import.meta.dirname, '..', '.soak');
mkdirSync(folder, { recursive: true });
const note = join(folder, `takeovers-${firstSeed}.json`);
const progress: Progress = { nextSeed: firstSeed, writes: 0, operations: 0, orphans: 0, takeovers: [], ...stored() };
if (progress.takeovers.length > 0) {
  console.log(`going on after ${progress.takeovers.length} takeovers, with seed ${progress.nextSeed}`);
}

const cluster = await startCluster();
if ('unavailable' in cluster) {
  console.error(`error: ${cluster.unavailable}`);
  process.exit(1);
}
try {
  while (progress.takeovers.length < wanted) await round(new TestCluster(cluster.access));
} finally {
  await cluster.stop();
}
for (const ending of ENDINGS) {
  const took = progress.takeovers.filter((takeover) => takeover.ending === ending).map(({ tookMs }) => tookMs);
  took.sort((left, right) => left - right);
  const [median, last] = [took[Math.floor(took.length / 2)] ?? 0, took.at(-1) ?? 0];
  console.log(`${ending.padEnd(10)} ${took.length} takeovers, median ${ms(median)}, longest ${ms(last)}`);
}
console.log(
  `${progress.takeovers.length} takeovers, ${progress.writes} accepted writes, none of them by an old leader; ` +
    `${progress.operations} operations, linearizable; ${progress.orphans} files to be swept`,
);

async function round(of: TestCluster): Promise<void> {
  const seed = progress.nextSeed;
  const run = { cluster: of, seed, jobs, takeovers: TAKEOVERS_PER_JOB, endings: ENDINGS, lease: LEASE };
  const { takeovers, writes } = await takeoverRun(run);
  const history = await historyRun({ cluster: of, seed, processes: 3, runMs: 10_000 });
  progress.nextSeed += 1;
  progress.writes += writes;
  progress.operations += history.operations;
  progress.orphans += history.orphans;
  progress.takeovers.push(...takeovers);
  writeFileSync(`${note}.new`, JSON.stringify(progress));
  renameSync(`${note}.new`, note);
  console.log(
    `seed ${seed}: ${takeovers.length} takeovers, ${writes} accepted writes; a history of ${history.operations} operations`,
  );
}

function stored(): Progress | undefined {
  try {
    return JSON.parse(readFileSync(note, 'utf8')) as Progress;
  } catch {
    // None, or a broken one: the run starts over.
    return undefined;
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
