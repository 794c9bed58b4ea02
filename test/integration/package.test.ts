/** The command as the package installs it: one bundle, started by whatever Node.js the machine has. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { NEEDED_NODE } from '../../src/lib/node-version.ts';

/** Beside package.json, as in the package, and below the packages that it needs. */
const place = mkdtempSync(resolve('node_modules/.package-'));
const { bin, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  bin: { flinkjob: string };
  version: string;
};
const main = join(place, bin.flinkjob);

beforeAll(async () => {
  execFileSync('cp', ['package.json', place]);
  await bundle(join(place, 'dist'));
});
afterAll(() => rmSync(place, { recursive: true }));

const run = (node: string, ...args: string[]) => spawnSync(node, [main, ...args], { encoding: 'utf8' });

test('installed as kubectl-flinkjob, which npm makes a link, the command is a plugin of kubectl', () => {
  const plugin = join(place, 'kubectl-flinkjob');
  symlinkSync(main, plugin);
  const { status, stdout } = spawnSync(process.execPath, [plugin, 'status', '--help'], { encoding: 'utf8' });
  expect({ status, usage: stdout.split('\n')[0] }).toEqual({
    status: 0,
    usage: 'Usage: kubectl flinkjob status [options] <name>',
  });
});

test('the installed command runs', () => {
  expect(run(process.execPath, '--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

const old = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  return typeof stdout === 'string' && stdout !== '' && Number.parseInt(stdout, 10) < NEEDED_NODE;
});

test.skipIf(old === undefined)('with a Node.js that is too old the installed command says so in one line', () => {
  const { status, stdout, stderr } = run(old ?? '', 'run', 'job.yaml');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^error: flinkjob needs Node\.js 24 or newer; \S+ is \d+\.\d+\.\d+\. [^\n]*\n$/);
});
