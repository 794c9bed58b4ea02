/**
 * What people get wrong, one row each, through the real command: one clear message, a code that is not 0, no stack trace,
 * and nothing half-written.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../builders/eventually.ts';
import { aWorkplace, type Ended, FlinkjobProcess, type Workplace } from '../builders/flinkjob-process.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';

const GATED = resolve('test/fixtures/jobs/gated-counts.ts');

/** Refused with this code and these words, once, and with nothing of our insides. */
function expectRefusal(
  { code, stdout, stderr }: Ended,
  expected: { code: number; says: readonly (string | RegExp)[] },
) {
  for (const words of expected.says) {
    if (typeof words === 'string') expect(stderr).toContain(words);
    else expect(stderr).toMatch(words);
  }
  expect(code).toBe(expected.code);
  expect(stdout).toBe('');
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at .*[:(]/m);
  expect(stderr).not.toMatch(/\bsrc\/(cli|stream|ha|storage)\//);
}

/** Every file below a directory; none when it is not there, or changes while it is listed. */
function filesBelow(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function expectNothingHalfWritten(directory: string): void {
  expect(
    filesBelow(directory).filter((file) => /\.tmp-|\.job\.json\.|\.last-run\.json\.|\.supervisor\./.test(file)),
  ).toEqual([]);
}

const HEAD = 'apiVersion: flinkjob.dev/v1alpha1\nkind: FlinkJob\nmetadata: { name: job }\n';

test.each([
  ['malformed YAML', `${HEAD}spec: { typescript: { module: a.ts }\n`, [/job\.yaml/, /line 5/]],
  ['no FlinkJob at all', 'kind: Deployment\napiVersion: apps/v1\n', ['there is no FlinkJob']],
  [
    'unknown, missing, wrong-typed and out-of-range fields, all at once',
    `${HEAD}spec:\n  typescript: { modul: a.ts }\n  parallelism: two\n  maxParallelism: 0\n`,
    ['spec.typescript.modul', 'module', 'spec.parallelism (line 6)', 'spec.maxParallelism (line 7)', 'spec.storage'],
  ],
  [
    'maxParallelism below parallelism',
    `${HEAD}spec:\n  typescript: { module: a.ts }\n  storage: { uri: file:///tmp/x }\n  parallelism: 4\n  maxParallelism: 2\n`,
    ['maxParallelism'],
  ],
])('a manifest with %s is refused, and nothing is made', async (_what, text, says) => {
  const at = aWorkplace();
  at.write('job.yaml', text);
  expectRefusal(await at.flinkjob('run', 'job.yaml'), { code: 13, says });
  expect(filesBelow(at.directory)).toEqual([join(at.directory, 'job.yaml')]);
});

test.each([
  ['run', 13, 'nowhere.yaml', 'nowhere.yaml cannot be read: there is no such file'],
  ['plan', 1, '.', 'is a directory'],
])('%s of a file that cannot be read is refused', async (command, code, file, says) => {
  expectRefusal(await aWorkplace().flinkjob(command, file), { code, says: [says] });
});

const IMPORTS = "import { FileSink, PrintSink, Types } from 'flinkjob';\n";

test.each([
  ['does not exist', undefined, [/the job module .*job\.ts does not exist/, 'Check spec.typescript.module']],
  ['exports no job', 'export const jobs = 1;\n', ['exports no job (it exports jobs)', 'export const job']],
  [
    'throws at import',
    "export const x = 1;\nthrow new Error('no licence');\n",
    [/could not be loaded: no licence \(at .*job\.ts:2:\d+\)/],
  ],
  [
    'uses an enum',
    'export const x = 1;\nenum Colour { Red }\nexport const job = () => Colour.Red;\n',
    ['TypeScript that stripping types cannot handle', /job\.ts:2\b/, 'write a union type'],
  ],
  [
    'throws while it describes the job',
    "export const job = () => { throw new Error('which file?'); };\n",
    ['which file?'],
  ],
  [
    'gives two operators one uid',
    `${IMPORTS}export const job = (env) => { env.fromSequence(1, 9).uid('a').map((x) => x).uid('a').sinkTo?.(1); };\n`,
    ['have the same uid "a"', '.uid("…")'],
  ],
  [
    'sets a maximum parallelism below its parallelism',
    `${IMPORTS}export const job = (env) => { env.fromSequence(1, 9).map((x) => x).setMaxParallelism(1).setParallelism(2); };\n`,
    ['parallelism 2 above its maximum parallelism 1'],
  ],
])('a module that %s is refused, by run and by plan', async (_what, source, says) => {
  const at = aWorkplace();
  if (source !== undefined) at.write('job.ts', source);
  const file = at.manifest('job', { typescript: { module: 'job.ts' } });
  const [run, plan] = await Promise.all([at.flinkjob('run', file), at.flinkjob('plan', file)]);
  expectRefusal(run, { code: 13, says });
  expectRefusal(plan, { code: 1, says });
  expectNothingHalfWritten(at.directory);
});

/** A job with two retained checkpoints whose processes were killed: what is left is what a crash leaves. Tests take copies. */
const killed = aWorkplace(mkdtempSync(join(tmpdir(), 'flinkjob-')));

beforeAll(async () => {
  const file = killed.manifest('job', {
    typescript: { module: GATED },
    args: [join(killed.directory, 'gate')],
    maxParallelism: 64,
    checkpoints: { interval: '50ms', retained: 2 },
  });
  const run = new FlinkjobProcess(['run', file], killed.directory);
  await eventually(() => retained(killed).length >= 2, 60_000);
  run.kill('SIGKILL');
  await run.ended;
  // The job ends by itself when nobody supervises it.
  await eventually(async () => {
    const { stdout } = await new FlinkjobProcess(['status', '-o', 'json', 'job'], killed.directory).ended;
    return JSON.parse(stdout).phase === 'Stopped';
  }, 30_000);
  writeFileSync(join(killed.directory, 'gate'), '');
});
afterAll(() => rmSync(killed.directory, { recursive: true, force: true }));

const HOME = '.flinkjob/default/job';

/** Directories of the complete checkpoints, oldest first. */
function retained(at: Workplace): string[] {
  return filesBelow(join(at.directory, HOME, 'storage'))
    .filter((file) => /\/chk-\d+-[^/]+\/_metadata$/.test(file))
    .map((file) => file.replace(/\/_metadata$/, ''))
    .sort((a, b) => idOf(a) - idOf(b));
}

const idOf = (directory: string): number => Number(/chk-(\d+)-/.exec(directory)?.[1]);

/** The state file of a checkpoint. */
function stateFile(directory: string): string {
  return join(directory, readdirSync(directory).find((name) => name.endsWith('.state')) ?? 'none');
}

/** That job once more, in a directory of its own; its gate is open, so that it ends once it runs. */
function aKilledJob(): Workplace {
  const directory = aTemporaryDirectory();
  cpSync(killed.directory, directory, { recursive: true });
  return aWorkplace(directory);
}

const DAMAGES: readonly [string, (directory: string) => void][] = [
  ['a truncated state file', (directory) => truncateSync(stateFile(directory), 20)],
  [
    'a state file with one bit flipped',
    (directory) => {
      const bytes = readFileSync(stateFile(directory));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(stateFile(directory), bytes);
    },
  ],
  ['a missing state file', (directory) => rmSync(stateFile(directory))],
  ['truncated metadata', (directory) => truncateSync(join(directory, '_metadata'), 20)],
];

test('a damaged checkpoint is never used: it is said to be damaged, and the one before it stands in', async () => {
  for (const [what, damage] of DAMAGES) {
    const at = aKilledJob();
    const [older = '', newest = ''] = retained(at).slice(-2);
    damage(newest);
    const listed = await at.flinkjob('checkpoints', '--verify', 'job');
    expect(listed, what).toMatchObject({ code: 1, stderr: expect.stringContaining(`checkpoint ${idOf(newest)}`) });
    const { code, stderr } = await at.flinkjob('run', 'job.yaml');
    expect(stderr, what).toContain('is damaged; trying the one before it');
    expect(stderr, what).toContain(`restoring checkpoint ${idOf(older)}`);
    expect(code, what).toBe(0);
  }
});

test.each([
  ['a truncated and a flipped state file', DAMAGES.slice(0, 2)],
  ['a missing state file and truncated metadata', DAMAGES.slice(2)],
])('with %s nothing is left, and the job is refused', async (_what, damages) => {
  const at = aKilledJob();
  const before = retained(at);
  for (const [index, directory] of before.entries()) damages[index % damages.length]?.[1](directory);
  const refused = await at.flinkjob('run', 'job.yaml');
  expectRefusal(refused, {
    code: 11,
    says: ["none of the job's checkpoints can be read", 'does not start empty', `chk-${idOf(before.at(-1) ?? '')}-`],
  });
  expect(retained(at)).toEqual(before);
});

test('state that is not of this job, or of another maximum parallelism, is refused and stays', async () => {
  const at = aKilledJob();
  const before = retained(at);
  at.manifest('job', { typescript: { module: GATED }, args: ['gate'], maxParallelism: 128 });
  const changed = await at.flinkjob('run', 'job.yaml');
  expectRefusal(changed, { code: 11, says: ['The maximum parallelism (64)', 'Set maxParallelism to 64'] });
  const plan = await at.flinkjob('plan', 'job.yaml');
  expect(plan).toMatchObject({ code: 1, stdout: expect.stringContaining('would be refused') });

  at.write(
    'other.ts',
    `${IMPORTS}export const job = (env) => { env.fromSequence(1, 9).uid('mine').addSink(new PrintSink()); };\n`,
  );
  at.manifest('other', { typescript: { module: 'other.ts' } });
  const stranger = await at.flinkjob('run', '--restore-from', before.at(-1) ?? '', 'other.yaml');
  expectRefusal(stranger, { code: 11, says: ['It was taken of job "job"; this is job "other"', 'uid counts'] });
  expect(retained(at)).toEqual(before);
});

test('a port that is taken is refused at once, however often the job may be restarted', async () => {
  const at = aWorkplace();
  at.write('gate', '');
  const file = at.manifest('job', {
    typescript: { module: GATED },
    args: ['gate'],
    restart: { fixedDelay: { attempts: 100, delay: '10ms' } },
  });
  const { port } = await aTakenPort();
  for (const args of [[], ['--fresh']]) {
    const refused = await at.flinkjob('run', ...args, '--rest-port', String(port), file);
    expectRefusal(refused, { code: 13, says: [`--rest-port ${port}`, 'another process listens there'] });
    expect(refused.stderr).not.toContain('attempt');
  }
  expect(await at.flinkjob('run', file)).toMatchObject({ code: 0 });
});

async function aTakenPort(): Promise<AddressInfo> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address() as AddressInfo;
}

test('a directory that cannot be written to is refused: a file stands where it should be', async () => {
  const at = aWorkplace();
  at.write('file', 'x');
  const file = at.manifest('job', { typescript: { module: GATED }, args: ['gate'], checkpoints: { interval: '50ms' } });
  const [home, storage] = await Promise.all([
    at.flinkjob('run', '--home', 'file', file),
    at.flinkjob('run', '--storage', `file://${join(at.directory, 'file')}`, file),
  ]);
  expectRefusal(home, {
    code: 13,
    says: ['cannot be written: a part of the path is a file', 'choose another with --home'],
  });
  expectRefusal(storage, { code: 10, says: ['is a file, not a directory (ENOTDIR)', 'use another storage'] });
  expect(readFileSync(join(at.directory, 'file'), 'utf8')).toBe('x');
});

test('a full disk is said to be full, and what was stored before stays readable', async ({ skip }) => {
  const at = aWorkplace();
  const disk = join(at.directory, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    skip(`no small disk can be mounted here: ${mounted.error?.message ?? mounted.stderr}`);
  }
  onTestFinished(() => void spawnSync('umount', ['-l', disk]));
  const file = at.manifest('job', { typescript: { module: GATED }, args: ['gate'], checkpoints: { interval: '50ms' } });
  const run = at.start('run', '--storage', `file://${disk}`, file);
  // When the second one is written, the first has been published.
  await eventually(() => filesBelow(disk).some((name) => /chk-(?!1-).*\/_metadata$/.test(name)), 60_000);
  // Again and again: the checkpoint that is subsumed makes room for one more.
  const filling = setInterval(() => fill(disk), 10);
  onTestFinished(() => clearInterval(filling));
  expectRefusal(await run.ended, { code: 10, says: ['the disk is full (ENOSPC)', 'free space'] });
  const home = await at.flinkjob('run', '--home', join(disk, 'home'), file);
  expectRefusal(home, { code: 13, says: ['the disk is full (ENOSPC)', 'Free space'] });
  const kept = await at.flinkjob('checkpoints', '--verify', 'job');
  expect(kept).toMatchObject({ code: 0, stderr: '' });
  expect(kept.stdout.split('\n').length).toBeGreaterThan(2);
});

/** Leaves no byte free. */
function fill(disk: string): void {
  for (let size = 64 * 1024, count = 0; size >= 1; ) {
    try {
      writeFileSync(join(disk, `filler-${count++}`), Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 4);
    }
  }
}

test('a line that is not JSON fails the job, is left out and counted, or goes its own way, as the source is told', async () => {
  const at = aWorkplace();
  at.write('in.ndjson', '{"a":1}\nnot json\n{"a":2}\n');
  at.write(
    'job.ts',
    `import { FileSink, FileSource, INVALID_RECORDS, NdjsonFormat, OutputTag } from 'flinkjob';
    export const job = (env) => {
      const [onInvalid, out] = env.args;
      const read = env.fromSource(new FileSource({ path: 'in.ndjson', format: new NdjsonFormat({ onInvalid }) }));
      read.addSink(new FileSink({ path: out }));
      read.getSideOutput(new OutputTag(INVALID_RECORDS)).addSink(new FileSink({ path: out, prefix: 'invalid' }));
    };\n`,
  );
  const run = (policy: string) =>
    at.flinkjob('run', at.manifest(policy, { typescript: { module: 'job.ts' }, args: [policy, `out-${policy}`] }));
  const written = (policy: string) =>
    filesBelow(join(at.directory, `out-${policy}`)).map((file) => readFileSync(file, 'utf8'));
  const [fail, skip, aside] = await Promise.all([run('fail'), run('skip'), run('side-output')]);
  expectRefusal(fail, { code: 10, says: ['in.ndjson', 'line 2', 'it is not JSON'] });
  expect(written('fail')).toEqual([]);
  expect([skip.code, written('skip')]).toEqual([0, ['{"a":1}\n{"a":2}\n']]);
  expect(aside.code).toBe(0);
  expect(written('side-output').sort()).toEqual([
    '{"a":1}\n{"a":2}\n',
    expect.stringMatching(/^\{"file":".*in\.ndjson","line":2,"text":"not json"\}\n$/),
  ]);
});

test.each([
  [
    'an input file that changes while it is read',
    "read.map((line) => { appendFileSync('in.ndjson', '{}'); return line; }).addSink(new FileSink({ path: 'out' }))",
    ['in.ndjson has', 'when this job began to read it', 'Put the old file back'],
  ],
  [
    'an encode function that returns nothing',
    "read.addSink(new FileSink({ path: 'out', encode: () => undefined }))",
    ['the encode function of the file sink returned undefined', 'Return a string on every path'],
  ],
])('%s ends the job at once, however often it may be restarted', async (_what, graph, says) => {
  const at = aWorkplace();
  at.write('in.ndjson', '{"a":1}\n');
  at.write(
    'job.ts',
    `import { appendFileSync } from 'node:fs';
    import { FileSink, FileSource, NdjsonFormat } from 'flinkjob';
    export const job = (env) => {
      const read = env.fromSource(new FileSource({ path: 'in.ndjson', format: new NdjsonFormat() }));
      ${graph};
    };\n`,
  );
  const restart = { fixedDelay: { attempts: 2, delay: '1ms' } };
  const ended = await at.flinkjob('run', at.manifest('job', { typescript: { module: 'job.ts' }, restart }));
  expectRefusal(ended, { code: 11, says });
  expect(ended.stderr).not.toContain('restarting');
  expect(filesBelow(join(at.directory, 'out'))).toEqual([]);
});
