/** The commands that the documentation shows, run as it shows them, in a copy of the checkout's examples. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CodeBlock, codeBlocks, commandsOf, pages } from '../docs/markdown.ts';

const root = resolve(import.meta.dirname, '../..');
/** Three million flights take seconds on a free machine and a minute on a busy one. */
const PATIENCE_MS = 240_000;

interface Ran {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs a line of shell on the Node.js of this test. */
function shell(line: string, cwd: string): Promise<Ran> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NO_COLOR: '1' };
  return new Promise((done) => {
    execFile('sh', ['-c', line], { cwd, env, timeout: PATIENCE_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ exitCode, output: `${stdout}${stderr}` });
    });
  });
}

const shown: readonly CodeBlock[] = pages.flatMap(codeBlocks).filter(({ language }) => language === 'sh');
const commands = shown.flatMap((block) => commandsOf(block).map((command) => ({ page: block.file, command })));
const isMake = (command: string) => /^make( |$)/.test(command);
const isFlinkjob = (command: string) => /^(bin\/)?flinkjob /.test(command);
/** Looked at, and run, in test/integration/deployment/pages.test.ts. */
const isOfDeployment = ({ page, command }: { page: string; command: string }) =>
  ['docs/install.md', 'docs/gitops.md'].includes(page) && /^(kubectl|helm|docker) /.test(command);

let checkout = '';

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'flinkjob-readme-'));
  mkdirSync(join(checkout, 'bin'));
  symlinkSync(join(root, 'bin/flinkjob'), join(checkout, 'bin/flinkjob'));
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  cpSync(join(root, 'examples'), join(checkout, 'examples'), { recursive: true });
  cpSync(join(root, 'package.json'), join(checkout, 'package.json'));
});

afterAll(() => rmSync(checkout, { recursive: true, force: true }));

test('the documentation shows no command that is not looked at here', () => {
  expect(commands.length).toBeGreaterThan(4);
  const others = commands.filter(({ command }) => !isMake(command) && !isFlinkjob(command));
  expect(others.filter((each) => !isOfDeployment(each))).toEqual([]);
});

test('every target of make that the documentation shows exists', async () => {
  const make = commands.filter(({ command }) => isMake(command)).map(({ command }) => command);
  expect(make).toContain('make demo');
  for (const command of make) {
    expect({ command, ...(await shell(command.replace('make', 'make -n'), root)) }).toMatchObject({ exitCode: 0 });
  }
});

test('every flinkjob command that the documentation shows does what it says', { timeout: PATIENCE_MS }, async () => {
  const flinkjob = commands.filter(({ command }) => isFlinkjob(command));
  expect(flinkjob.map(({ command }) => command)).toContain('bin/flinkjob run examples/flight-delays.yaml');
  for (const { page, command } of flinkjob) {
    const ran = await shell(command.replace(/^flinkjob/, 'bin/flinkjob'), checkout);
    expect({ page, command, ...ran }).toMatchObject({ exitCode: 0 });
  }
  const results = join(checkout, '.demo/out');
  const airports = readdirSync(results)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(results, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as { readonly flights: number });
  expect(airports.reduce((sum, { flights }) => sum + flights, 0)).toBe(3_000_000);
  expect(existsSync(join(checkout, '.flinkjob/default/flight-delays/job.json'))).toBe(true);
});

test('make demo says what the README shows: two kills, two restarts, equal', { timeout: PATIENCE_MS }, async () => {
  const { exitCode, output } = await shell('make demo', root);
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(output.match(/^demo: kill -9 \d+/gm)).toHaveLength(2);
  expect(output.match(/crashed: killed by SIGKILL/g)).toHaveLength(2);
  expect(output).toMatch(/^EQUAL: all 229 airports, 3,000,000 flights/m);
  const transcript = codeBlocks('README.md').find(({ lines }) => lines.some((line) => line.startsWith('EQUAL')));
  const missing = transcript?.lines.filter((line) => line !== '…' && !likeShown(line).test(output));
  expect(missing).toEqual([]);
});

/** A line of output as the README shows it: numbers and random names may be others, an ellipsis stands for anything. */
function likeShown(line: string): RegExp {
  const loose = line
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/[0-9a-f]{16}/g, '<name>')
    .replaceAll(/\d[\d,]*/g, '[\\d,]+')
    .replaceAll('<name>', '[0-9a-f]{16}')
    .replaceAll('…', '.*');
  return new RegExp(`^${loose}`, 'm');
}
