/**
 * What the container image runs, run as its last stage has it: those files alone, in a folder that nobody may write to, with
 * the flags of its entry point.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const [, ...entry] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '[]') as string[];
const made: string[] = [];
afterAll(() => {
  for (const each of made) rmSync(each, { recursive: true, force: true });
});

/** Longer-lived than a test. */
function aFolder(): string {
  made.push(mkdtempSync(join(tmpdir(), 'flinkjob-image-')));
  return made.at(-1) ?? '';
}

const folder = aFolder();
let imported: readonly string[] = [];
let image: Record<string, number> = {};

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As `docker run`, with the image's folder elsewhere. */
function run(args: readonly string[], cwd: string, variables: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { PATH = '' } = process.env;
  const command = entry.map((part) => part.replace('/opt/flinkjob', folder));
  const options = { cwd, timeout: 120_000, env: { PATH, ...variables } };
  return new Promise((done) => {
    execFile(process.execPath, [...command, ...args], options, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Path to size. */
function filesIn(directory: string): Record<string, number> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    paths
      .filter((path) => statSync(join(directory, path)).isFile())
      .map((path) => [path, statSync(join(directory, path)).size]),
  );
}

/** The build stage: what the Dockerfile copies, and nothing else of the checkout, makes the files. */
async function build(): Promise<string[]> {
  const context = aFolder();
  const copied = [...readFileSync('Dockerfile', 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm)];
  for (const path of copied.flatMap(([, paths = '']) => paths.split(' ')))
    cpSync(path, join(context, path), { recursive: true });
  symlinkSync(resolve('node_modules'), join(context, 'node_modules'));
  const code = `import { writeImageFiles } from '${context}/scripts/image-files.ts';
    console.log(JSON.stringify(await writeImageFiles('${folder}')));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: context,
  });
  return JSON.parse(stdout);
}

beforeAll(async () => {
  imported = await build();
  image = filesIn(folder);
  for (const path of ['', 'dist', ...Object.keys(image)])
    chmodSync(join(folder, path), path.includes('.') ? 0o444 : 0o555);
});

test('it is at most 3 MB, with the licences of what is in it', () => {
  expect(Object.values(image).reduce((sum, size) => sum + size, 0)).toBeLessThan(3_000_000);
  expect(Object.keys(image)).toEqual(
    expect.arrayContaining(['LICENSE', 'THIRD-PARTY-LICENSES', 'package.json', 'dist/main.js', 'dist/worker-entry.js']),
  );
  const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8');
  for (const name of ['undici', 'zod', 'yaml', 'pino']) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  expect(licences).not.toContain('@kubernetes/client-node');
});

test('nothing has to be installed for it', () => {
  expect(imported).toContain('node:http');
  expect(imported.filter((name) => !isBuiltin(name))).toEqual([]);
});

test('the command runs', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await run(['--version'], aTemporaryDirectory())).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('the process of a job begins, and says what it was not told', async () => {
  const log = join(aTemporaryDirectory(), 'termination-log');
  const { code, stderr } = await run(['run-job'], aTemporaryDirectory(), { FLINKJOB_TERMINATION_LOG: log });
  expect({ code, stderr }).toMatchObject({ code: 13, stderr: expect.stringContaining('FLINKJOB_RESOURCE is not set') });
});

test('the operator knows its settings, and says what the image leaves out', async () => {
  const place = aTemporaryDirectory();
  const { code, stdout } = await run(['operator', '--help'], place);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('--watch-all-namespaces') });
  writeFileSync(join(place, 'kubeconfig'), 'apiVersion: v1');
  const ran = await run(['operator', '--kubeconfig', join(place, 'kubeconfig')], place);
  expect(ran.code).toBe(1);
  expect(ran.stdout + ran.stderr).toContain('the container image reads no kubeconfig; use the npm package');
});

test('a job runs with the engine of the image, its threads included, and nothing is written into the image', async () => {
  const place = aTemporaryDirectory();
  mkdirSync(join(place, 'job'));
  cpSync('examples', join(place, 'job'), { recursive: true });
  const { code, stderr } = await run(['run', 'word-count.yaml'], join(place, 'job'), { HOME: place });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const results = join(place, '.demo', 'words');
  const counts = readdirSync(results)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(results, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line));
  expect(counts).toContainEqual(expect.objectContaining({ from: 0, word: 'the', count: 3 }));
  expect(filesIn(folder)).toEqual(image);
});
