import { expect, test } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { closeAttempt } from '../../../src/ha/index.ts';
import { jobFigures } from '../../../src/reconcilers/flinkjob/job-figures.ts';
import { savepointRequest } from '../../../src/reconcilers/flinkjob/savepoint-step.ts';
import { statusChangesAt, statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { aJob, type JobStory, SETTINGS, T0 } from '../../builders/flinkjob-facts.ts';

const statusAt = (story: JobStory): FlinkJobStatus => statusOf(story.facts(), { because: undefined, error: undefined });
/** The story goes on with the status that it came to. */
const told = (story: JobStory): JobStory => story.status(statusAt(story));
const newest = (story: JobStory) => statusAt(story).savepoints?.[0];

const running = aJob().running().stable();
const asking = running.spec({ triggers: { savepoint: 2 } }).status({
  savepoints: [{ trigger: 1, state: 'Completed', uri: 's3://old' }],
  handledTriggers: { savepoint: 1, restart: 5 },
});
const ID = savepointRequest(asking.facts())?.triggerId ?? '';
const requested = '2026-11-21T10:00:00Z';
const LATE = SETTINGS.savepointDeadlineMs;

test.each([
  ['under way', { is: 'inProgress' }, 1, { state: 'Triggered' }, 1],
  ['not known', { is: 'unknown' }, 1, { state: 'Triggered' }, 1],
  [
    'complete',
    { is: 'completed', location: 's3://a' },
    1,
    { state: 'Completed', uri: 's3://a', completed: requested },
    2,
  ],
  ['failed, to be tried again', { is: 'failed', cause: 'no' }, 1, { state: 'Failed', cause: 'no' }, 1],
  ['failed for good', { is: 'failed', cause: 'no' }, 5, { state: 'Failed', cause: 'no' }, 2],
] as const)('a savepoint that was asked for: %s', (_what, state, tries, entry, handled) => {
  const status = statusAt(asking.operation(ID, state, { tries }));
  expect(status.savepoints).toEqual([
    { trigger: 2, requested, ...entry },
    { trigger: 1, state: 'Completed', uri: 's3://old' },
  ]);
  expect(status.handledTriggers).toEqual({ savepoint: handled, restart: 5 });
});

const down = told(asking)
  .noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'the job was suspended' }))
  .pods()
  .spec({ state: 'Suspended' });

test('a request waits for a job that runs, and remembers since when', () => {
  expect(newest(asking)).toEqual({ trigger: 2, requested, state: 'Requested' });
  const later = down.after(LATE - 1_000);
  expect(newest(later)).toEqual({ trigger: 2, requested, state: 'Requested' });
  expect(statusAt(later).handledTriggers?.savepoint).toBe(1);
});

test('a request that is not answered in time expires, says why, and is answered by that', () => {
  const late = told(down.after(LATE));
  expect(newest(late)).toEqual({ trigger: 2, requested, state: 'Expired', cause: 'the job did not run within 5m' });
  expect(statusAt(late).handledTriggers?.savepoint).toBe(2);
  // Resumed later it takes none.
  expect(savepointRequest(late.spec({ state: 'Running' }).facts())).toBeUndefined();
});

test.each([
  ['it is not complete', { is: 'inProgress' }, 'it was not complete within 5m'],
  ['it failed last', { is: 'failed', cause: 'disk full' }, 'it was not complete within 5m, and failed last: disk full'],
  ['nobody answered', { is: 'unknown' }, 'the job did not answer within 5m'],
] as const)('a request expires also where it was begun: %s', (_what, state, cause) => {
  expect(newest(told(asking).after(LATE).operation(ID, state))).toMatchObject({ state: 'Expired', cause });
});

test('one that is complete when its time is up is complete', () => {
  const done = told(asking).after(LATE).operation(ID, { is: 'completed', location: 's3://a' });
  expect(newest(done)).toMatchObject({ state: 'Completed', uri: 's3://a' });
});

test('the status changes by itself when the time of a request is up, and not before', () => {
  expect(statusChangesAt(down.facts(), statusAt(down))).toBe(T0 + LATE);
  const late = told(down.after(LATE));
  expect(statusChangesAt(late.facts(), statusAt(late))).toBe(Number.POSITIVE_INFINITY);
});

test('a request that another one supersedes, or that is taken back, is not told of any more', () => {
  const more = told(asking).spec({ triggers: { savepoint: 3 } });
  expect(statusAt(more).savepoints).toMatchObject([{ trigger: 3, state: 'Requested' }, { trigger: 1 }]);
  expect(statusAt(told(asking).spec({ triggers: { savepoint: 1 } })).savepoints).toMatchObject([{ trigger: 1 }]);
});

test('what was asked of a job that goes, or by a spec that is not valid, is left as it is', () => {
  expect(statusAt(asking.deleted()).savepoints).toHaveLength(1);
  expect(statusAt(asking.invalid()).savepoints).toHaveLength(1);
});

test('a savepoint is on record once, and the newest come first', () => {
  const done = asking.operation(ID, { is: 'completed', location: 's3://a' });
  const again = told(asking.operation(ID, { is: 'inProgress' })).operation(ID, { is: 'completed', location: 's3://a' });
  expect(statusAt(again).savepoints).toHaveLength(2);
  const many = Array.from({ length: 32 }, () => ({ trigger: 1 }));
  expect(statusAt(done.status({ savepoints: many })).savepoints).toHaveLength(32);
});

test('one that expired counts as failed', () => {
  const late = told(down.after(LATE));
  expect(jobFigures(late.facts(), statusAt(late)).savepoints).toContainEqual({ id: '2', outcome: 'failed' });
});
