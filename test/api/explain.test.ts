import { expect, test } from 'vitest';
import { type ExplainFacts, explain, isReason, needsSomebody, REASONS } from '../../src/api/index.ts';

const everything: Required<ExplainFacts> = {
  job: 'flights',
  namespace: 'team-a',
  detail: 'exit code 137',
  pod: 'flights-3-0',
  node: 'node-1',
  image: 'example.org/flights:2',
  memory: '512Mi',
  nextAt: 'at 10:00:03Z',
  checkpoint: 's3://bucket/jobs/9f0c/chk-812-5-a1b2',
  revision: 'flights-6c7f',
  period: '2m',
};

const texts = (facts: ExplainFacts) => REASONS.flatMap((reason) => Object.values(explain(reason, facts)));

test('every reason has whole sentences, also where nothing is known', () => {
  const broken = [...texts({}), ...texts(everything), ...texts({ detail: 'a message of the server.' })].filter(
    (text) => !/^([A-Z]|kubectl ).*\.$/.test(text),
  );
  expect(broken).toEqual([]);
});

test('what is not known leaves no gap in the sentence', () => {
  const gaps = [...texts({}), ...texts(everything)].filter((text) => /undefined| {2}| [.,;:]|\.\.|^\s|\s$/.test(text));
  expect(gaps).toEqual([]);
});

test('each fact appears in the words of some reason', () => {
  const all = texts(everything).join('\n');
  expect(Object.values(everything).filter((fact) => !all.includes(fact ?? '?'))).toEqual([]);
});

test('the remedy of a job that was given up names the commands that mend it', () => {
  expect(
    explain('RestartsExhausted', {
      job: 'flights',
      namespace: 'team-a',
      detail: 'bad record',
      checkpoint: 'checkpoint 7',
    }),
  ).toEqual({
    cause:
      'The job failed more often than its restart strategy allows; its state is kept in checkpoint 7. The last failure: bad record.',
    remedy:
      'Mend what failed (kubectl flinkjob logs --previous flights -n team-a), then kubectl flinkjob restart flights -n team-a; or change spec, and it starts from its newest state.',
  });
});

test('a command can be copied as it stands when no name is known', () => {
  expect(explain('Suspended').remedy).toBe('kubectl flinkjob resume JOB starts it again from there.');
});

test('a message that ends in a full stop ends in no second one', () => {
  expect(explain('Progressing', { detail: 'waiting for the pods. ' }).cause).toBe(
    'The operator is carrying out what the resource asks for: waiting for the pods.',
  );
});

test('a message of several lines becomes one', () => {
  expect(explain('InvalidJob', { detail: 'line 3:\n  enum Colour\n' }).cause).toContain('line 3: enum Colour.');
});

test('only words of the table are reasons', () => {
  expect(isReason('OOMKilled')).toBe(true);
  expect(['toString', '__proto__', 'oomkilled', ''].filter(isReason)).toEqual([]);
});

test('what goes on as it was asked to needs nobody, and everything else does', () => {
  expect(REASONS.filter((reason) => !needsSomebody(reason))).toEqual([
    'Progressing',
    'ProgressingWithRetry',
    'Succeeded',
    'Suspended',
    'Finished',
    'Deleting',
    'Evicted',
    'NodeLost',
  ]);
});
