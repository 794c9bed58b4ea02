/**
 * Exactly once, seen from outside: random jobs, killed with SIGKILL at named points and at random instants, restarted at
 * other parallelisms, commit the records of a run that nobody disturbed. `make soak` does the same for as long as asked.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differenceOf } from '../oracles/committed-output.ts';
import { type BundledPrograms, bundlePrograms } from '../soak/bundled-programs.ts';
import { ALL_FAULT_POINTS, exactlyOnceRun, type RunReport, undisturbedRecords } from '../soak/exactly-once-run.ts';

const DEADLINE_MS = 300_000;
/** Kills at random, besides one at each named point. */
const RANDOM_KILLS_PER_RUN = 4;
const RUNS = 4;
const KILLS = 50;

let programs: BundledPrograms;
let directory = '';
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'exactly-once-'));
  programs = await bundlePrograms();
});
afterAll(() => {
  programs.remove();
  rmSync(directory, { recursive: true, force: true });
});

function place(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

const reports: RunReport[] = [];

// Two at a time: a machine with two cores is then busy, and not more.
describe.concurrent('a random job that is killed at named points and at random', () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = 101 + run;
    test(`commits what an undisturbed run commits, seed ${seed}`, { timeout: DEADLINE_MS }, async () => {
      const points = ALL_FAULT_POINTS.filter((_, index) => index % RUNS === run);
      const kills = points.length + RANDOM_KILLS_PER_RUN;
      const report = await exactlyOnceRun({ seed, kills, points, programs, directory: place(`seed-${seed}`) });
      reports.push(report);
      expect(report.records).toBeGreaterThan(0);
    });
  }
});

test(`the runs above were killed at least ${KILLS} times and restored`, () => {
  const kills = reports.reduce((sum, report) => sum + report.kills.length, 0);
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect(reports.reduce((sum, report) => sum + report.restores, 0)).toBeGreaterThan(KILLS / 3);
});

test('the result of a random job does not depend on its parallelism or speed', { timeout: DEADLINE_MS }, async () => {
  const run = (parallelism: number, speed: number): Promise<string[]> =>
    undisturbedRecords({ seed: 105, programs, directory: place(`plain-${parallelism}`) }, parallelism, speed);
  const expected = await run(1, 0);
  expect(expected.length).toBeGreaterThan(100);
  expect(differenceOf(expected, await run(3, 6_000))).toEqual([]);
});
