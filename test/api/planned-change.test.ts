import { expect, test } from 'vitest';
import {
  type FlinkJobManifest,
  type FlinkJobStatus,
  plannedChange,
  takesUpState,
  validateFlinkJob,
} from '../../src/api/index.ts';

const BASE = { typescript: { module: 'dist/job.js' }, storage: { uri: 's3://bucket/jobs' } };

function aJob(spec: object = {}) {
  const manifest = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', metadata: { name: 'flights' } };
  const { job, violations } = validateFlinkJob({ ...manifest, spec: { ...BASE, ...spec } } as FlinkJobManifest);
  if (job === undefined) throw new Error(JSON.stringify(violations));
  return job;
}

const running: FlinkJobStatus = {
  observedGeneration: 1,
  phase: 'Running',
  checkpoint: { latest: { id: 812, uri: 's3://bucket/jobs/x/chk-812' } },
};

const from = (now: object, next: object, status: FlinkJobStatus = running) =>
  plannedChange({ wanted: aJob(next), live: aJob(now), status, refusals: [] });

test.each<[string, object, object, string, string]>([
  ['nothing', {}, { parallelism: 1 }, 'nothing', 'Nothing changes.'],
  ['a hot field', {}, { restart: { none: {} } }, 'inPlace', 'What runs is not restarted for it.'],
  ['parallelism', {}, { parallelism: 4 }, 'rescale', 'newest checkpoint (number 812 or later) with parallelism 4'],
  ['a spec', {}, { args: ['x'] }, 'restart', 'restarts from its newest checkpoint (number 812 or later).'],
  [
    'a spec with a savepoint',
    {},
    { args: ['x'], upgrade: { mode: 'Savepoint' } },
    'restart',
    'stopped with a savepoint',
  ],
  ['a spec without state', {}, { args: ['x'], upgrade: { mode: 'Stateless' } }, 'restart', 'drops its state'],
  ['suspension', {}, { state: 'Suspended' }, 'inPlace', 'The job is stopped; its state is kept.'],
  ['a spec of a suspended job', {}, { state: 'Suspended', args: ['x'] }, 'restart', 'when the job runs again'],
  ['resumption', { state: 'Suspended' }, {}, 'inPlace', 'The job runs again.'],
  ['standbys', {}, { highAvailability: { standbys: 3 } }, 'inPlace', 'Standbys: 2 more.'],
  ['a trigger', {}, { triggers: { savepoint: 1 } }, 'inPlace', 'A savepoint is taken.'],
])('%s', (_, now, next, effect, words) => {
  const plan = from(now, next);
  expect(plan.effect).toBe(effect);
  expect(plan.words.join(' ')).toContain(words);
});

test('a trigger that was handled asks for nothing', () => {
  const plan = from(
    { triggers: { savepoint: 2 } },
    { triggers: { savepoint: 1 } },
    {
      ...running,
      handledTriggers: { savepoint: 2 },
    },
  );
  expect(plan.words).toEqual(['What runs is not restarted for it.']);
});

test('without a job there that runs no savepoint can be taken', () => {
  const failed: FlinkJobStatus = { observedGeneration: 1, phase: 'Failed' };
  expect(from({}, { args: ['x'], upgrade: { mode: 'Savepoint' } }, failed).words[0]).toContain(
    'no savepoint can be taken',
  );
  const waits = { args: ['x'], upgrade: { mode: 'Savepoint', fallback: false } };
  expect(from({}, waits, failed).words[0]).toContain('nothing happens until it runs');
});

test('a new job begins with nothing, or from where it is told', () => {
  const create = (spec: object) => plannedChange({ wanted: aJob(spec), refusals: [] });
  expect(create({})).toMatchObject({ effect: 'create', fields: [] });
  expect(create({ restoreFrom: 's3://bucket/a' }).words[0]).toContain('from s3://bucket/a');
});

test('fields say what they are now, and what they would be', () => {
  expect(from({ args: ['a'] }, { args: ['b'], parallelism: 2 }).fields).toEqual([
    { path: 'spec.args', change: 'Restart', now: ['a'], next: ['b'] },
    { path: 'spec.parallelism', change: 'Rescale', now: 1, next: 2 },
  ]);
});

test('a variable of a pod is named, and its value is not: a plan is read by many', () => {
  const env = (value: string) => [
    { name: 'PASSWORD', value },
    { name: 'HOME', valueFrom: { fieldRef: 'x' } },
  ];
  const pod = (value: string) => ({
    jobManager: { podTemplate: { spec: { containers: [{ name: 'flinkjob', env: env(value) }] } } },
  });
  const plan = from(pod('hunter2'), pod('hunter3'));
  expect(plan).toMatchObject({ effect: 'restart', fields: [{ path: 'spec.jobManager.podTemplate.spec' }] });
  expect(JSON.stringify(plan)).not.toContain('hunter');
  expect(JSON.stringify(plan)).toContain('{"name":"PASSWORD","value":"(hidden)"},{"name":"HOME","valueFrom"');
});

test('what the server refuses is said with its remedy', () => {
  const live = aJob({ maxParallelism: 128 });
  const wanted = aJob({ maxParallelism: 256 });
  const status: FlinkJobStatus = { ...running, jobId: 'a'.repeat(32), maxParallelism: 128 };
  const { violations } = validateFlinkJob(wanted, { old: { ...live, status } });
  const plan = plannedChange({ wanted, live, status, refusals: violations });
  expect(plan.effect).toBe('refused');
  expect(plan.words[0]).toContain('spec.maxParallelism');
});

const AT_STAKE: FlinkJobStatus = { ...running, jobId: 'a'.repeat(32) };
const facts = (next: object, status: FlinkJobStatus = AT_STAKE) => ({
  wanted: aJob(next),
  live: aJob(),
  status,
  refusals: [],
});

test.each<[string, object, FlinkJobStatus, boolean]>([
  ['a changed program', { args: ['x'] }, AT_STAKE, true],
  ['another parallelism', { parallelism: 4 }, AT_STAKE, true],
  ['nothing', {}, AT_STAKE, false],
  ['a hot field', { restart: { none: {} } }, AT_STAKE, false],
  ['state that is dropped', { args: ['x'], upgrade: { mode: 'Stateless' } }, AT_STAKE, false],
  ['a job that never ran', { args: ['x'] }, running, false],
  ['a job that has finished', { args: ['x'] }, { ...AT_STAKE, phase: 'Succeeded' }, false],
])('whether state is at stake: %s', (_, next, status, expected) => {
  expect(takesUpState(facts(next, status))).toBe(expected);
});

const CHECKED = {
  is: 'checked',
  against: 'checkpoint 812 in s3://bucket/jobs/x/chk-812',
  program: 'The inline source',
  problems: [],
  unchecked: [],
  added: [],
  dropped: [],
} as const;

test('a program that takes up the state says against what it was held', () => {
  const state = { ...CHECKED, added: ['sums'], dropped: ['old'], unchecked: ['the states of the sink'] };
  const plan = plannedChange({ ...facts({ args: ['x'] }), state });
  expect(plan).toMatchObject({ effect: 'restart', state });
  expect(plan.words.slice(-4)).toEqual([
    "The inline source takes up the job's state, checkpoint 812 in s3://bucket/jobs/x/chk-812: uids, maximum parallelism and kinds of state fit.",
    'The state of operator old is dropped: no operator has that uid.',
    'Operator sums begins empty.',
    'Not checked: the states of the sink.',
  ]);
});

test('a program that would refuse the state makes of the change one that is refused, with every reason', () => {
  const state = {
    ...CHECKED,
    problems: ['There is no operator for the state', 'kind: value and list'],
    dropped: ['old'],
  };
  const plan = plannedChange({ ...facts({ parallelism: 4 }), state });
  expect(plan.effect).toBe('refused');
  expect(plan.words.slice(-3)).toEqual([
    "The inline source would not run with the job's state, checkpoint 812 in s3://bucket/jobs/x/chk-812:",
    'Refused: There is no operator for the state',
    'Refused: kind: value and list',
  ]);
});

test('what could not be checked is said, and refuses nothing', () => {
  const state = { is: 'notChecked', why: 'nobody leads the job (Suspended)' } as const;
  const plan = plannedChange({ ...facts({ args: ['x'] }), state });
  expect(plan).toMatchObject({ effect: 'restart', state });
  expect(plan.words.at(-1)).toBe('Not checked against its state: nobody leads the job (Suspended).');
});
