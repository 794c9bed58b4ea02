/**
 * What `flinkjob run` owes its output when it is itself killed, stopped, moved or saved: whatever happens between the
 * first start and the end, all runs of a job together commit what one undisturbed run commits.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type FlinkjobProcess, type Workplace } from '../builders/flinkjob-process.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { committedFiles, committedRecords, differenceOf, pendingFiles } from '../oracles/committed-output.ts';
import { type BundledPrograms, bundlePrograms } from '../soak/bundled-programs.ts';
import { undisturbedRecords, writeInputs } from '../soak/exactly-once-run.ts';

/** A graph with windows, timers and two sinks that commit from the first second on. */
const SEED = 11;
/** Slow enough that a busy machine does not end the job before it is stopped. */
const PACED = '250';
const AT_FULL_SPEED = '0';

let expected: string[] = [];
let inputs = '';
let programs: BundledPrograms;
beforeAll(async () => {
  programs = await bundlePrograms();
  const directory = mkdtempSync(join(tmpdir(), 'undisturbed-'));
  inputs = mkdtempSync(join(tmpdir(), 'inputs-'));
  writeInputs(inputs, SEED);
  expected = await undisturbedRecords({ seed: SEED, directory, programs }, 2, 0);
  rmSync(directory, { recursive: true });
  expect(expected.length).toBeGreaterThan(1_000);
});
afterAll(() => {
  programs.remove();
  rmSync(inputs, { recursive: true, force: true });
});

interface JobOptions {
  readonly speed: string;
  readonly parallelism?: number;
  readonly deletion?: 'Savepoint' | 'Cancel' | 'Orphan';
  readonly interval?: string;
}

/** Writes the resource of the job; again and again with other settings. */
function theJob(
  at: Workplace,
  { speed, parallelism = 2, deletion = 'Savepoint', interval = '50ms' }: JobOptions,
): string {
  return at.manifest('random', {
    typescript: { module: programs.randomJob },
    args: [String(SEED), inputs, join(at.directory, 'out'), speed],
    parallelism,
    maxParallelism: 24,
    checkpoints: { interval, retained: 2 },
    deletion: { mode: deletion },
  });
}

/** Where the command and the random job are one code. */
const aPlace = (): Workplace => aWorkplace(aTemporaryDirectory(), programs.command);
const out = (at: Workplace): string => join(at.directory, 'out');

/** Starts the job at its pace and waits until three more checkpoints have committed something. */
async function aRunThatCommits(at: Workplace, options: Omit<JobOptions, 'speed'> = {}): Promise<FlinkjobProcess> {
  const committed = (): number => new Set(committedFiles(out(at)).map(({ checkpoint }) => checkpoint)).size;
  const before = committed();
  const run = at.start('run', theJob(at, { ...options, speed: PACED }));
  await run.says('running on');
  await eventually(() => committed() >= before + 3, 60_000);
  return run;
}

async function finishes(at: Workplace, parallelism: number): Promise<void> {
  const last = await at.flinkjob('run', theJob(at, { speed: AT_FULL_SPEED, parallelism }));
  expect(last, last.stderr).toMatchObject({ code: 0 });
  expect(last.stderr).toContain('finished after 0 restarts');
}

function expectExactlyOnce(at: Workplace): void {
  expect(differenceOf(expected, committedRecords(out(at)))).toEqual([]);
  expect(pendingFiles(out(at))).toEqual([]);
}

test('a supervisor that is killed again and again and started at other parallelisms commits every record once', async () => {
  const at = aPlace();
  for (const parallelism of [2, 3, 1]) {
    const run = await aRunThatCommits(at, { parallelism });
    // The next one comes while the job process of this one is still on its way out.
    run.kill('SIGKILL');
  }
  await finishes(at, 2);
  expectExactlyOnce(at);
});

test.each([
  ['Savepoint', 'stopped with savepoint'],
  ['Orphan', 'stopped; the job goes on from its newest checkpoint'],
] as const)('a job that was stopped by SIGTERM with deletion mode %s goes on where it was', async (deletion, says) => {
  const at = aPlace();
  const run = await aRunThatCommits(at, { deletion });
  run.kill('SIGTERM');
  const end = await run.ended;
  expect(end, end.stderr).toMatchObject({ code: 0 });
  expect(end.stderr).toContain(says);
  // Stopped with a savepoint, everything up to it is committed; otherwise what is pending waits for the next run.
  if (deletion === 'Savepoint') expect(pendingFiles(out(at))).toEqual([]);
  await finishes(at, 3);
  expectExactlyOnce(at);
});

test('a job that was cancelled by SIGTERM has ended for good: what it committed stays, and nothing is added', async () => {
  const at = aPlace();
  const run = await aRunThatCommits(at, { deletion: 'Cancel' });
  run.kill('SIGTERM');
  const end = await run.ended;
  expect(end, end.stderr).toMatchObject({ code: 0 });
  const committed = committedRecords(out(at));
  expect(differenceOf(expected, committed).filter((line) => line.startsWith('+'))).toEqual([]);
  const again = await at.flinkjob('run', theJob(at, { speed: AT_FULL_SPEED }));
  expect(again.stderr).toContain('flinkjob run --fresh random.yaml runs it again from nothing');
  expect(differenceOf(committed, committedRecords(out(at)))).toEqual([]);
});

test('a job suspended with a savepoint goes on elsewhere, at another parallelism, without gap or repeat', async () => {
  const from = aPlace();
  const run = await aRunThatCommits(from, { parallelism: 3 });
  const suspended = await from.flinkjob('suspend', 'random');
  expect(suspended, suspended.stderr).toMatchObject({ code: 0 });
  await run.ended;
  const to = aPlace();
  const rest = await to.flinkjob(
    'run',
    '--restore-from',
    suspended.stdout.trim(),
    theJob(to, { speed: AT_FULL_SPEED }),
  );
  expect(rest, rest.stderr).toMatchObject({ code: 0 });
  expect(differenceOf(expected, [...committedRecords(out(from)), ...committedRecords(out(to))].sort())).toEqual([]);
});

/** Its source is far ahead; what it has read is worked off slowly, until there is a gate. A savepoint waits for that. */
const BACKLOG = `import { existsSync } from 'node:fs';
import { FileSink, KeyedProcessFunction, Types, ValueStateDescriptor } from 'flinkjob';
class Slow extends KeyedProcessFunction {
  open(context) { this.count = context.getState(new ValueStateDescriptor('count', Types.INT, 0)); }
  processElement(value, _context, out) {
    for (const until = performance.now() + 1; performance.now() < until && !existsSync('gate'); );
    this.count.update(this.count.value() + 1);
    out.collect({ value, key: value % 10, nth: this.count.value() });
  }
}
export const job = (env) => {
  env
    .fromSequence(1, 5_000).uid('numbers')
    .keyBy((value) => value % 10, Types.INT)
    .process(new Slow()).uid('slow')
    .addSink(new FileSink({ path: 'out/numbers' })).uid('out');
};
`;

test.each([1, 2])(
  'a job suspended while it works off what its source has read goes on there, at parallelism %i',
  async (parallelism) => {
    const at = aWorkplace();
    at.write('job.ts', BACKLOG);
    const file = at.manifest('job', {
      typescript: { module: 'job.ts' },
      parallelism,
      maxParallelism: 24,
      checkpoints: { interval: '50ms' },
    });
    const run = at.start('run', file);
    await eventually(() => committedFiles(out(at)).length > 0, 60_000);
    const suspended = await at.flinkjob('suspend', 'job');
    expect(suspended, suspended.stderr).toMatchObject({ code: 0 });
    expect((await run.ended).stderr).toContain('stopped with savepoint');
    expect(pendingFiles(out(at))).toEqual([]);
    at.write('gate', '');
    const rest = await at.flinkjob('resume', 'job');
    expect(rest, rest.stderr).toMatchObject({ code: 0 });
    // Which record of a key is the nth one is up to chance; that there is one of each is not.
    const records = committedRecords(out(at)).map((line) => JSON.parse(line.slice('numbers '.length)));
    const numbers = Array.from({ length: 5_000 }, (_, index) => index + 1);
    expect(records.map(({ value }) => value).sort((a, b) => a - b)).toEqual(numbers);
    expect(records.map(({ key, nth }) => (nth - 1) * 10 + key + 1).sort((a, b) => a - b)).toEqual(numbers);
  },
);

test('a job started from a savepoint of a running one repeats exactly what came after the savepoint', async () => {
  const from = aPlace();
  const run = await aRunThatCommits(from);
  const saved = await from.flinkjob('savepoint', 'random');
  expect(saved, saved.stderr).toMatchObject({ code: 0 });
  run.kill('SIGKILL');
  await run.ended;
  const to = aPlace();
  const restored = await to.flinkjob(
    'run',
    '--restore-from',
    saved.stdout.trim(),
    theJob(to, { speed: AT_FULL_SPEED, parallelism: 1 }),
  );
  expect(restored, restored.stderr).toMatchObject({ code: 0 });
  const savepoint = Number(/restoring checkpoint (\d+) from/.exec(restored.stderr)?.[1]);
  const before = committedFiles(out(from))
    .filter(({ checkpoint }) => checkpoint <= savepoint)
    .flatMap(({ sink, lines }) => lines.map((line) => `${sink} ${line}`));
  expect(differenceOf(expected, [...before, ...committedRecords(out(to))])).toEqual([]);
  // The first job does not know of the other one; it goes on as well.
  await finishes(from, 2);
  expect(differenceOf(expected, committedRecords(out(from)))).toEqual([]);
  // Killed before its next checkpoint it went on from before the savepoint; what that one promises is hidden, not lost.
  const promised = new RegExp(`-${savepoint}\\.ndjson\\.\\d+\\.withdrawn$`);
  expect(pendingFiles(out(from)).filter((name) => !promised.test(name))).toEqual([]);
});

test('a savepoint is whole also when its job was killed before the next checkpoint, and went on without it', async () => {
  const from = aPlace();
  const run = await aRunThatCommits(from, { interval: '1500ms' });
  const saved = await from.flinkjob('savepoint', 'random');
  run.kill('SIGKILL');
  expect(saved, saved.stderr).toMatchObject({ code: 0 });
  await run.ended;
  await finishes(from, 2);
  expect(differenceOf(expected, committedRecords(out(from)))).toEqual([]);
  const to = aPlace();
  const again = theJob(to, { speed: AT_FULL_SPEED });
  const restored = await to.flinkjob('run', '--fresh', '--restore-from', saved.stdout.trim(), again);
  expect(restored, restored.stderr).toMatchObject({ code: 0 });
  // What the savepoint held back is where its job would have committed it.
  expect(pendingFiles(out(from)).filter((name) => name.endsWith('.kept'))).toEqual([]);
}, 90_000);

test('a job that falls back to an older checkpoint says so and commits every record once', async () => {
  const at = aPlace();
  const run = await aRunThatCommits(at);
  run.kill('SIGKILL');
  await run.ended;
  await eventually(async () => (await at.flinkjob('status', 'random')).stdout.includes('Stopped'), 30_000);
  const listed = JSON.parse((await at.flinkjob('checkpoints', '-o', 'json', 'random')).stdout) as {
    location: string;
    retained: boolean;
  }[];
  const newest = listed.filter(({ retained }) => retained).map(({ location }) => location);
  expect(newest).toHaveLength(2);
  const [first = ''] = newest;
  rmSync(join(first.replace('file://', ''), '_metadata'));
  // Killed between its completion and its commit the newest has committed nothing that could be withdrawn.
  const [, id = ''] = /chk-(\d+)-/.exec(first) ?? [];
  const hasCommitted = readdirSync(out(at)).some((name) => name.startsWith('part-') && name.includes(`-${id}.`));
  const rest = await at.flinkjob('run', theJob(at, { speed: AT_FULL_SPEED, parallelism: 1 }));
  expect(rest, rest.stderr).toMatchObject({ code: 0 });
  expect(rest.stderr).toContain('is damaged; trying the one before it');
  if (hasCommitted)
    expect(rest.stderr).toMatch(/warning: .*: withdrew \d+ committed files? in .*\.\d+\.withdrawn: part-/);
  expect(differenceOf(expected, committedRecords(out(at)))).toEqual([]);
  // Hidden, not lost: the damaged checkpoint may be mended, and then knows or still promises them.
  expect(pendingFiles(out(at)).filter((name) => !/\.(withdrawn|kept)$/.test(name))).toEqual([]);
});
