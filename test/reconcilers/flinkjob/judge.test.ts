import { expect, test } from 'vitest';
import { type ExecutionEnd, judge } from '../../../src/reconcilers/index.ts';

const anEnd = (end: Partial<ExecutionEnd>): ExecutionEnd => ({
  attempt: 2,
  takenFromOutside: false,
  reported: undefined,
  termination: undefined,
  exitCode: undefined,
  signal: undefined,
  ...end,
});
const aRecord = (
  outcome: 'finished' | 'failed' | 'invalid' | 'stopped' | 'lostLeadership' | 'stoppedWithSavepoint',
  exitCode: number,
  attempt = 2,
) => ({
  exitCode,
  attempt,
  epoch: 3,
  outcome,
  cause: 'said so',
  ...(outcome === 'stoppedWithSavepoint' ? { savepoint: 'file:///s/savepoint-1' } : {}),
});

test.each([
  [
    'removed from outside counts for nothing, whatever else was left',
    anEnd({ takenFromOutside: true, exitCode: 10 }),
    'lost',
  ],
  [
    'what the leader wrote to the ledger comes before the record',
    anEnd({ reported: { cause: 'a', suppressRestarts: false }, termination: aRecord('finished', 0) }),
    'failed',
  ],
  ['the record comes before the exit code', anEnd({ termination: aRecord('stopped', 14), exitCode: 10 }), 'lost'],
  [
    'a record of another attempt says nothing',
    anEnd({ termination: aRecord('finished', 0, 1), signal: 'SIGKILL' }),
    'crashed',
  ],
  ['a record that says finished', anEnd({ termination: aRecord('finished', 0), exitCode: 0 }), 'finished'],
  ['a stop with savepoint', anEnd({ termination: aRecord('stoppedWithSavepoint', 0), exitCode: 0 }), 'finished'],
  ['code 0 without a record: somebody else ended the process', anEnd({ exitCode: 0 }), 'crashed'],
  ['code 10', anEnd({ exitCode: 10 }), 'failed'],
  ['code 11', anEnd({ exitCode: 11 }), 'failed'],
  ['code 12', anEnd({ exitCode: 12 }), 'lost'],
  ['code 13', anEnd({ exitCode: 13 }), 'failed'],
  ['code 14', anEnd({ exitCode: 14 }), 'lost'],
  ['a signal', anEnd({ signal: 'SIGKILL' }), 'crashed'],
  ['an unknown code', anEnd({ exitCode: 137 }), 'crashed'],
] as const)('%s', (_what, end, verdict) => {
  expect(judge(end).verdict).toBe(verdict);
});

test('11 and 13 rule out a restart, 10 does not', () => {
  const isUnrecoverable = (exitCode: number) => judge(anEnd({ exitCode }));
  expect([10, 11, 13].map(isUnrecoverable)).toMatchObject([
    { unrecoverable: false },
    { unrecoverable: true },
    { unrecoverable: true },
  ]);
});
