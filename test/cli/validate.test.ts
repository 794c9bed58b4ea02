import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { flinkjob } from './fake-io.ts';

const job = (name: string, spec = '') =>
  `apiVersion: flinkjob.dev/v1alpha1\nkind: FlinkJob\nmetadata: { name: ${name} }\nspec:\n  typescript: { module: a.js }\n  storage: { uri: file:///x }\n${spec}`;

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'flinkjob-validate-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const given = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
};
const validate = (...args: string[]) => flinkjob(['validate', ...args], { cwd });

test('a valid file exits with 0 and says so', async () => {
  given({ 'job.yaml': job('a') });
  expect(await validate('job.yaml')).toEqual({ code: 0, stdout: 'job.yaml: FlinkJob a is valid\n', stderr: '' });
});

test('an invalid file exits with 1 and reports everything with line numbers', async () => {
  given({ 'job.yaml': job('a', '  parallelism: 0\n  state: running\n') });
  expect(await validate('job.yaml')).toEqual({
    code: 1,
    stdout: '',
    stderr: [
      'job.yaml: spec.parallelism (line 7): 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2',
      'job.yaml: spec.state (line 8): "running" is not allowed: must be one of Running, Suspended. Write state: Running',
      '2 problems found',
      '',
    ].join('\n'),
  });
});

test('a warning leaves the exit code at 0', async () => {
  given({ 'job.yaml': job('a', '  highAvailability: { backend: Embedded }\n') });
  const { code, stdout, stderr } = await validate('job.yaml');
  expect(code).toBe(0);
  expect(stdout).toBe('job.yaml: FlinkJob a is valid\n');
  expect(stderr).toMatch(
    /^job\.yaml: warning: spec\.highAvailability\.backend \(line 7\): "Embedded" is not allowed: /,
  );
});

describe('what can be named', () => {
  test('a directory: every YAML file below it, in order, hidden folders left out', async () => {
    given({
      'd/b.yml': job('b'),
      'd/a.yaml': job('a'),
      'd/sub/c.yaml': job('c'),
      'd/.git/x.yaml': 'broken: [',
      'd/node_modules/x.yaml': 'broken: [',
      'd/readme.md': 'broken: [',
    });
    symlinkSync('.', join(cwd, 'd', 'loop'));
    const { code, stdout, stderr } = await validate('d');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'd/a.yaml: FlinkJob a is valid',
      'd/b.yml: FlinkJob b is valid',
      'd/sub/c.yaml: FlinkJob c is valid',
      '',
    ]);
  });

  test('standard input', async () => {
    const { code, stdout } = await flinkjob(['validate', '-'], { stdin: job('a') });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'standard input: FlinkJob a is valid\n' });
  });

  test('several files, one of which does not exist', async () => {
    given({ 'job.yaml': job('a') });
    const { code, stdout, stderr } = await validate('nowhere.yaml', 'job.yaml');
    expect(code).toBe(1);
    expect(stdout).toBe('job.yaml: FlinkJob a is valid\n');
    expect(stderr).toBe('nowhere.yaml: there is no such file or directory. Check the path.\n1 problem found\n');
  });

  test('nothing is wrong usage', async () => {
    expect(await validate()).toEqual({ code: 2, stdout: '', stderr: "error: missing required argument 'file'\n" });
  });

  test('a file above 1 MiB is not read', async () => {
    given({ 'big.yaml': `# ${'x'.repeat(1_100_000)}\n` });
    const { code, stderr } = await validate('big.yaml');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^big\.yaml: the input is larger than 1048576 bytes\. Split it/);
  });

  test('standard input above 1 MiB is not read to its end', async () => {
    const { code, stderr } = await flinkjob(['validate', '-'], { stdin: 'x'.repeat(5_000_000) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^standard input: the input is larger than 1048576 bytes\. Split it/);
  });
});

describe('documents', () => {
  test('of other kinds are noted and do no harm', async () => {
    given({ 'all.yaml': `apiVersion: v1\nkind: ConfigMap\n---\n${job('a')}` });
    expect(await validate('all.yaml')).toEqual({
      code: 0,
      stdout: 'all.yaml: line 1: skipped ConfigMap (v1)\nall.yaml: FlinkJob a is valid\n',
      stderr: '',
    });
  });

  test('without any FlinkJob among them are a mistake', async () => {
    given({ 'all.yaml': 'apiVersion: v1\nkind: ConfigMap\n' });
    const { code, stderr } = await validate('all.yaml');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'all.yaml: there is no FlinkJob; line 1: skipped ConfigMap (v1). A FlinkJob begins with apiVersion: flinkjob.dev/v1alpha1 and kind: FlinkJob\n1 problem found\n',
    );
  });

  test('an empty directory is a mistake too', async () => {
    mkdirSync(join(cwd, 'd'));
    expect((await validate('d')).code).toBe(1);
  });

  test('of one name and namespace are refused, also across files', async () => {
    given({ 'a.yaml': job('a'), 'b.yaml': `${job('b')}---\n${job('a')}` });
    const { code, stderr } = await validate('a.yaml', 'b.yaml');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'b.yaml: metadata.name (line 8): is the name of a FlinkJob in a.yaml (line 1) too. Rename one of them.\n1 problem found\n',
    );
  });

  test('that are no YAML give one line and no stack trace', async () => {
    given({ 'job.yaml': 'spec: [\n' });
    const { code, stderr } = await validate('job.yaml');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^job\.yaml: line \d: the YAML cannot be read: .*\n1 problem found\n$/);
  });
});

test('-o json gives every violation as data', async () => {
  given({ 'job.yaml': `kind: ConfigMap\n---\n${job('a', '  parallelism: 0\n')}` });
  const { code, stdout, stderr } = await validate('-o', 'json', 'job.yaml');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    valid: false,
    files: [
      {
        file: 'job.yaml',
        violations: [],
        notes: ['line 1: skipped ConfigMap'],
        jobs: [
          {
            name: 'a',
            line: 3,
            valid: false,
            violations: [
              {
                path: 'spec.parallelism',
                line: 9,
                column: 3,
                value: 0,
                rule: 'must be an integer from 1 to 32768',
                remedy: 'Write e.g. parallelism: 2',
                code: 'OUT_OF_RANGE',
                severity: 'error',
                message:
                  'spec.parallelism (line 9): 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2',
              },
            ],
          },
        ],
      },
    ],
  });
});

test('-o with another word is wrong usage', async () => {
  const { code, stderr } = await validate('-o', 'yml', 'job.yaml');
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are text, json');
});
