import { describe, expect, test } from 'vitest';
import {
  formatViolation,
  InvalidFlinkJobError,
  parseFlinkJob,
  type TextReport,
  validateYaml,
} from '../../src/api/index.ts';

const HEAD = 'apiVersion: flinkjob.dev/v1alpha1\nkind: FlinkJob\nmetadata: { name: a }\n';
const VALID = `${HEAD}spec:\n  typescript: { module: a.js }\n  storage: { uri: file:///x }\n`;

const messages = (report: TextReport) =>
  [...report.violations, ...report.jobs.flatMap((job) => job.violations)].map(formatViolation);
const codes = (report: TextReport) =>
  [...report.violations, ...report.jobs.flatMap((job) => job.violations)].map(({ code }) => code);

describe('line numbers', () => {
  test('name the line and column of the field', () => {
    const report = validateYaml(`# a job\n${VALID}  parallelism: 0\n`);
    expect(messages(report)).toEqual([
      'spec.parallelism (line 8): 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2',
    ]);
    expect(report.jobs[0]!.violations[0]).toEqual({
      path: 'spec.parallelism',
      line: 8,
      column: 3,
      value: 0,
      rule: 'must be an integer from 1 to 32768',
      remedy: 'Write e.g. parallelism: 2',
      code: 'OUT_OF_RANGE',
      severity: 'error',
    });
  });

  test('a missing field has the line of what it is missing from', () => {
    expect(messages(validateYaml(`${HEAD}spec:\n  typescript: { module: a.js }\n`))).toEqual([
      'spec.storage (line 4): is missing: must be an object with the fields uri, secretRef, s3. Write e.g. storage: { uri: s3://bucket/jobs }',
    ]);
  });

  test('items of a list have their own line', () => {
    expect(messages(validateYaml(`${VALID}  args:\n    - a\n    - 2\n`))[0]).toMatch(/^spec\.args\[1] \(line 9\): 2 /);
  });

  test('values behind an alias are found at the anchor', () => {
    const text = `${HEAD}spec:\n  typescript: &t\n    module: 5\n  storage: { uri: file:///x }\n  flink: *t\n`;
    expect(messages(validateYaml(text)).filter((line) => line.startsWith('spec.typescript.module'))).toEqual([
      'spec.typescript.module (line 6): 5 is not allowed: must be a string of 1 to 1024 characters. Write e.g. module: dist/flight-delays.js',
    ]);
  });

  test('problems come in the order of the text', () => {
    const report = validateYaml(
      `${HEAD}spec:\n  state: x\n  parallelism: 0\n  typescript: {}\n  storage: { uri: x }\n`,
    );
    const lines = report.jobs[0]!.violations.map(({ line }) => line);
    expect(lines).toEqual([5, 6, 7, 8]);
  });
});

describe('documents', () => {
  test('of other kinds are skipped with a note', () => {
    const report = validateYaml(`kind: ConfigMap\napiVersion: v1\ndata: {}\n---\n${VALID}---\n`);
    expect(report.notes).toEqual(['line 1: skipped ConfigMap (v1)']);
    expect(report.jobs.map(({ name, line, job }) => [name, line, job?.spec.parallelism])).toEqual([['a', 5, 1]]);
  });

  test('of our group but another kind are refused, and so is a slip of the pen', () => {
    expect(messages(validateYaml(VALID.replace('kind: FlinkJob', 'kind: Job')))).toEqual([
      'kind (line 2): "Job" is not allowed: must be FlinkJob. Write kind: FlinkJob',
    ]);
    expect(messages(validateYaml('kind: Flinkjob\napiVersion: flinkjob.dev/v1alpha1\n')).slice(0, 2)).toEqual([
      'kind (line 1): "Flinkjob" is not allowed: must be FlinkJob. Write kind: FlinkJob',
      'metadata (line 1): is missing: must be an object. Write e.g. metadata: { name: flight-delays }',
    ]);
  });

  test('may be JSON', () => {
    const job = {
      apiVersion: 'flinkjob.dev/v1alpha1',
      kind: 'FlinkJob',
      metadata: { name: 'a' },
      spec: { typescript: { module: 'a' }, storage: { uri: 's3://bucket' } },
    };
    expect(codes(validateYaml(JSON.stringify(job)))).toEqual([]);
  });

  test('keep what the operator wrote into status', () => {
    const { jobs } = validateYaml(`${VALID}status: { observedGeneration: 4, phase: Running, future: 1 }\n`);
    expect(jobs[0]!.job?.status).toEqual({ observedGeneration: 4, phase: 'Running', future: 1 });
  });
});

describe('YAML that cannot be read', () => {
  test.each([
    ['broken syntax', `${HEAD}spec: [\n`, /^line \d+: the YAML cannot be read: /],
    ['a tab as indentation', 'a:\n\tb: 1\n', /^line 2: the YAML cannot be read: /],
    ['a custom tag', `${HEAD}spec: !!js/function 'x'\n`, /^line 4: the YAML cannot be read: Unresolved tag/],
    ['another custom tag', `${HEAD}spec: !include other.yaml\n`, /^line 4: the YAML cannot be read: Unresolved tag/],
    [
      'a key written twice',
      `${VALID}  storage: { uri: file:///y }\n`,
      /^spec\.storage \(line 7\): is written twice\. Remove one of them\.$/,
    ],
    [
      'the key __proto__',
      `${HEAD}spec: { __proto__: { parallelism: 2 } }\n`,
      /^spec\.__proto__ \(line 4\): is not allowed as a key/,
    ],
    [
      'the key constructor',
      `${HEAD}spec: { constructor: 1 }\n`,
      /^spec\.constructor \(line 4\): is not allowed as a key/,
    ],
    ['the key prototype', `${HEAD}spec: { prototype: 1 }\n`, /^spec\.prototype \(line 4\): is not allowed as a key/],
    ['a key that is an object', `${HEAD}spec: { {a: 1}: 2 }\n`, /a key must be a word or a number/],
    ['an alias without anchor', `${HEAD}spec: *nowhere\n`, /(alias|anchor)/],
    ['an alias inside its own anchor', `${HEAD}spec: &a { x: *a }\n`, /aliases repeat too much/],
  ])('%s', (_what, text, message) => {
    const report = validateYaml(text);
    expect(messages(report)[0]).toMatch(message);
    expect(report.jobs.filter(({ job }) => job !== undefined)).toEqual([]);
  });

  test('one broken document does not hide the others', () => {
    const report = validateYaml(`a: 1\na: 2\n---\n${VALID}`);
    expect(codes(report)).toEqual(['DUPLICATE_KEY']);
    expect(report.jobs).toHaveLength(1);
  });
});

describe('words that kubectl reads in another way', () => {
  test('give a warning', () => {
    const report = validateYaml(`${VALID}  args: [on, "on", No, 010, 10]\n`);
    expect(messages(report).sort()).toEqual([
      'spec.args[0] (line 7): is read as true by kubectl. Write it in quotes.',
      'spec.args[2] (line 7): is read as false by kubectl. Write it in quotes.',
      'spec.args[3] (line 7): 10 is not allowed: must be a string of at most 4096 characters. Write - "10"',
      'spec.args[3] (line 7): is read as 8 by kubectl. Write it in quotes.',
      'spec.args[4] (line 7): 10 is not allowed: must be a string of at most 4096 characters. Write - "10"',
    ]);
  });
});

describe('parseFlinkJob', () => {
  test('gives the one job of a text, complete', () => {
    const { metadata, spec } = parseFlinkJob(`kind: Secret\n---\n${VALID}`, 'job.yaml');
    expect(metadata.name).toBe('a');
    expect(spec).toMatchObject({
      parallelism: 1,
      state: 'Running',
      checkpoints: { timeout: '10m', retained: 1 },
      deletion: { mode: 'Savepoint' },
    });
  });

  test('lists everything that is wrong', () => {
    const parse = () => parseFlinkJob(`${VALID}  parallelism: 0\n  state: x\n`, 'job.yaml');
    expect(parse).toThrow(InvalidFlinkJobError);
    expect(parse).toThrow(
      /^job\.yaml is not a valid FlinkJob:\n {2}spec\.parallelism \(line 7\): .*\n {2}spec\.state \(line 8\): /,
    );
  });

  test('refuses none and several', () => {
    expect(() => parseFlinkJob('kind: Secret\n', 'x')).toThrow(
      /there is no FlinkJob; line 1: skipped Secret\. A FlinkJob begins with/,
    );
    expect(() => parseFlinkJob('', 'x')).toThrow(/there is no FlinkJob\. A FlinkJob begins with/);
    expect(() => parseFlinkJob(`${VALID}---\n${VALID}`, 'x')).toThrow(/line 8: there is more than one FlinkJob/);
  });
});
