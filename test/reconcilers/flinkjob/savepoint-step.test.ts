import { expect, test } from 'vitest';
import { openAttemptOf } from '../../../src/ha/index.ts';
import { isSettled, savepointRequest, savepointStep } from '../../../src/reconcilers/flinkjob/savepoint-step.ts';
import { aJob, type JobStory, SETTINGS, T0 } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory) => {
  const open = openAttemptOf(story.ledger);
  return open === undefined ? undefined : savepointStep(story.facts(), open);
};
const asked = aJob({ triggers: { savepoint: 3 } }).running();
const idOf = (story: JobStory) => savepointRequest(story.facts())?.triggerId;
const ID = idOf(asked) ?? '';

test('a savepoint is asked for by a number greater than the one that was handled', () => {
  expect(step(aJob().running())).toBeUndefined();
  expect(step(asked)).toEqual({ do: 'takeSavepoint', triggerId: ID });
  expect(step(asked.status({ handledTriggers: { savepoint: 2 } }))).toEqual({ do: 'takeSavepoint', triggerId: ID });
  expect(step(asked.status({ handledTriggers: { savepoint: 3 } }))).toBeUndefined();
  expect(step(asked.status({ handledTriggers: { savepoint: 4 } }))).toBeUndefined();
  expect(step(asked.invalid())).toBeUndefined();
});

test('the same number is the same savepoint, whoever asks; another number is another one', () => {
  expect(ID).toMatch(/^[0-9a-f]{32}$/);
  expect(idOf(asked.after(60_000))).toBe(ID);
  expect(idOf(asked.spec({ triggers: { savepoint: 4 } }))).not.toBe(ID);
  expect(idOf(asked.object({ uid: 'another' }))).not.toBe(ID);
});

test('it waits for a job that runs', () => {
  expect(step(asked.answers({ tasksRunning: 3 }))).toBeUndefined();
  expect(step(asked.pods())).toBeUndefined();
});

test.each([
  ['it is looked at again soon', { is: 'inProgress' }, {}, { do: 'rest', untilMs: T0 + 250 }],
  ['unknown: asked for again', { is: 'unknown' }, {}, { do: 'takeSavepoint', triggerId: ID }],
  ['unknown, and not yet time', { is: 'unknown' }, { notBefore: T0 + 9 }, { do: 'rest', untilMs: T0 + 9 }],
  ['failed, and not yet time', { is: 'failed', cause: 'a' }, { notBefore: T0 + 9 }, { do: 'rest', untilMs: T0 + 9 }],
  ['failed: asked for again', { is: 'failed', cause: 'a' }, { tries: 4 }, { do: 'takeSavepoint', triggerId: ID }],
  ['failed for good', { is: 'failed', cause: 'a' }, { tries: 5 }, undefined],
  ['complete', { is: 'completed', location: 's3://a' }, {}, undefined],
] as const)('a savepoint under way: %s', (_what, state, more, then) => {
  expect(step(asked.operation(ID, state, more))).toEqual(then);
});

test('what became of another operation is nothing to it', () => {
  const other = asked.operation('0'.repeat(32), { is: 'completed', location: 's3://a' });
  expect(step(other)).toEqual({ do: 'takeSavepoint', triggerId: ID });
});

test('an operation is settled when it is complete, or failed often enough', () => {
  const operation = { triggerId: ID, notBefore: 0 };
  expect(isSettled({ ...operation, tries: 1, state: { is: 'completed', location: 's3://a' } })).toBe(true);
  expect(isSettled({ ...operation, tries: 5, state: { is: 'failed', cause: 'a' } })).toBe(true);
  expect(isSettled({ ...operation, tries: 4, state: { is: 'failed', cause: 'a' } })).toBe(false);
  expect(isSettled({ ...operation, tries: 9, state: { is: 'unknown' } })).toBe(false);
});

const since = (story: JobStory) =>
  story.status({ savepoints: [{ trigger: 3, requested: '2026-11-21T10:00:00Z', state: 'Requested' }] });

test('a savepoint is asked for until its time is up, counted from when it was first seen', () => {
  const late = since(asked).after(SETTINGS.savepointDeadlineMs - 1);
  expect(step(late)).toEqual({ do: 'takeSavepoint', triggerId: ID });
  expect(step(late.after(1))).toBeUndefined();
  expect(step(late.after(1).operation(ID, { is: 'inProgress' }))).toBeUndefined();
  // Nobody has written down when it was asked for: it is now.
  expect(step(asked.after(SETTINGS.savepointDeadlineMs))).toEqual({ do: 'takeSavepoint', triggerId: ID });
});
