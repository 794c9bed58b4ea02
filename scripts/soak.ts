/**
 * Kills random jobs until KILLS processes have died, and holds that each job commits exactly what it commits undisturbed.
 *
 *     KILLS=10000 SEED=1 make soak
 *
 * KILLS   how many processes to kill in all                 @default 200
 * SEED    of the first job; the jobs after it count on      @default 1
 * RUNS    stop after this many jobs                         @default no limit
 * JOBS    jobs at the same time                             @default 2
 * POINTS  named points to kill the first processes of a job at, separated by commas
 * KEEP    1: leave the files of every job that failed
 *
 * What was done is noted in `.soak/progress-<SEED>.json` after every job, so that a run that was stopped goes on where it
 * was; remove the file to start over. Ends with one line that counts.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms } from '../test/soak/bundled-programs.ts';
import { exactlyOnceRun } from '../test/soak/exactly-once-run.ts';
import { numberFromEnvironment } from './number-from-environment.ts';

/** Kills per job: enough for several rescales, few enough that the graph changes often. */
const KILLS_PER_JOB = 10;

interface Progress {
  nextSeed: number;
  kills: number;
  jobs: number;
  restores: number;
  elapsedMs: number;
  readonly points: Record<string, number>;
  readonly failedSeeds: number[];
}

const wanted = numberFromEnvironment('KILLS', 200);
const firstSeed = numberFromEnvironment('SEED', 1);
const jobLimit = numberFromEnvironment('RUNS', Number.POSITIVE_INFINITY);
const atOnce = numberFromEnvironment('JOBS', 2);
const points = (process.env.POINTS ?? '').split(',').filter((point) => point !== '');
const keep = process.env.KEEP === '1';

const folder = join(import.meta.dirname, '..', '.soak');
mkdirSync(folder, { recursive: true });
const note = join(folder, `progress-${firstSeed}.json`);
// A single job that is looked at again starts anew.
const progress: Progress = (jobLimit === Number.POSITIVE_INFINITY ? stored() : undefined) ?? {
  nextSeed: firstSeed,
  kills: 0,
  jobs: 0,
  restores: 0,
  elapsedMs: 0,
  points: {},
  failedSeeds: [],
};
if (progress.jobs > 0) {
  console.log(`going on after ${progress.jobs} jobs and ${progress.kills} kills, with seed ${progress.nextSeed}`);
}

const programs = await bundlePrograms();
const startedAt = performance.now();
const before = progress.elapsedMs;
let started = 0;
let nextSeed = progress.nextSeed;
const done = new Set<number>();
await Promise.all(Array.from({ length: atOnce }, () => work()));
programs.remove();

const { kills, jobs, restores, failedSeeds } = progress;
const seconds = progress.elapsedMs / 1_000;
console.log(
  `soak: ${kills} kills at ${Object.keys(progress.points).length} named points and at random, ${jobs} jobs, ${restores} restores, ${failedSeeds.length} failed${failedSeeds.length === 0 ? '' : ` (seeds ${failedSeeds.join(', ')})`}, ${seconds.toFixed(0)} s, ${(seconds / Math.max(1, kills)).toFixed(2)} s per kill`,
);
process.exit(failedSeeds.length === 0 ? 0 : 1);

async function work(): Promise<void> {
  while (progress.kills < wanted && started < jobLimit) {
    started++;
    await runJob(nextSeed++);
  }
}

async function runJob(seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `flinkjob-soak-${seed}-`));
  const jobKills = jobLimit === 1 ? wanted : Math.max(1, Math.min(KILLS_PER_JOB, wanted - progress.kills));
  let failed = false;
  try {
    const report = await exactlyOnceRun({ seed, kills: jobKills, points, directory, programs });
    progress.kills += report.kills.length;
    progress.restores += report.restores;
    for (const kill of report.kills) {
      if (/^[a-z-]+$/.test(kill)) progress.points[kill] = (progress.points[kill] ?? 0) + 1;
    }
    console.log(
      `seed ${seed}: ${report.kills.length} kills, ${report.attempts} attempts, ${report.restores} restores, ${report.records} records equal, ${(report.elapsedMs / 1_000).toFixed(1)} s`,
    );
  } catch (error) {
    failed = true;
    progress.failedSeeds.push(seed);
    console.error(error instanceof Error ? error.message : error);
    if (keep) console.error(`files of seed ${seed}: ${directory}`);
  }
  if (!failed || !keep) rmSync(directory, { recursive: true, force: true });
  noteDone(seed);
}

function noteDone(seed: number): void {
  progress.jobs++;
  done.add(seed);
  while (done.delete(progress.nextSeed)) progress.nextSeed++;
  progress.elapsedMs = before + performance.now() - startedAt;
  if (jobLimit !== Number.POSITIVE_INFINITY) return;
  writeFileSync(`${note}.new`, JSON.stringify(progress));
  renameSync(`${note}.new`, note);
}

function stored(): Progress | undefined {
  try {
    return JSON.parse(readFileSync(note, 'utf8')) as Progress;
  } catch {
    // None, or a broken one: the run starts over.
    return undefined;
  }
}
