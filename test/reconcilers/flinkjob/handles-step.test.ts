import { expect, test } from 'vitest';
import { EMPTY_LEDGER } from '../../../src/ha/index.ts';
import { handlesStep } from '../../../src/reconcilers/flinkjob/handles-step.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { aJob, aPod, JOB_ID, type JobStory, T0 } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory) => handlesStep(story.facts());
const fresh = aJob().recorded();
/** The job ran as attempt 4 under epoch 9, and its pointers are gone. */
const robbed = (upgrade: Readonly<Record<string, unknown>> = {}): JobStory =>
  aJob({ upgrade })
    .recorded()
    .status({ jobId: JOB_ID, attempt: { number: 4, epoch: 9 }, handledTriggers: { savepoint: 2, restart: 1 } });
const FALLBACK = [{ type: 'Warning', reason: 'RestoreFallback', note: expect.any(String) as string }];

test('a new job gets its pointers with its first attempt open in them', () => {
  expect(step(fresh)).toMatchObject({
    do: 'createHandles',
    epoch: 1,
    ledger: { attempts: [{ number: 1, epoch: 1, revision: fresh.revision }], life: {} },
    say: [{ reason: 'Submit' }],
  });
});

test('a new job that is not to run gets them empty', () => {
  const suspended = aJob({ state: 'Suspended' }).recorded();
  expect(step(suspended)).toEqual({ do: 'createHandles', epoch: 0, ledger: EMPTY_LEDGER, say: [] });
});

test('attempts count on also from pods that nobody has reported on, and none is opened before they are asked to go', () => {
  expect(step(fresh.pods(aPod({ attempt: 2 }), aPod()))).toMatchObject({
    do: 'createHandles',
    epoch: 0,
    ledger: { attempts: [{ number: 2, end: { how: 'replaced' } }] },
  });
});

test('pointers that are there are left alone', () => {
  expect(step(fresh.opened())).toBeUndefined();
  expect(step(fresh.withHandles())).toBeUndefined();
});

test('pointers made anew fence every process of before, and count on', () => {
  expect(step(robbed())).toMatchObject({
    do: 'createHandles',
    epoch: 11,
    ledger: {
      attempts: [
        { number: 4, end: { how: 'replaced', at: T0 } },
        { number: 5, epoch: 11 },
      ],
      handled: { savepoint: 2, restart: 1 },
    },
    say: [...FALLBACK, { reason: 'Submit' }],
  });
});

test('a status that knows no epoch still knows the attempt', () => {
  const story = robbed().status({ attempt: { number: 4 }, handledTriggers: undefined });
  expect(step(story)).toMatchObject({ epoch: 2, ledger: { attempts: [{ number: 4 }, { number: 5 }] } });
});

test('pointers that were made anew and left empty count on all the same', () => {
  expect(step(robbed().withHandles())).toMatchObject({
    do: 'writeLedger',
    why: 'attempts count on from 4',
    ledger: { attempts: [{ number: 4 }], handled: { savepoint: 2 } },
  });
  expect(nextStep(robbed().withHandles().facts())).toMatchObject({ why: 'attempts count on from 4' });
});

test.each([
  ['Ask', 'RestoreDecisionNeeded'],
  ['Never', 'HandlesMissing'],
] as const)('with restorePolicy %s nothing is made until somebody says from what', (restorePolicy, reason) => {
  const story = robbed({ restorePolicy });
  expect(step(story)).toEqual({ do: 'rest', because: { reason } });
  const restoreFrom = 's3://bucket/jobs/savepoint-1';
  expect(step(story.spec({ restoreFrom }))).toEqual({ do: 'rest', because: { reason } });
  const told = story.spec({ restoreFrom, triggers: { restore: 1 } });
  expect(step(told)).toMatchObject({ do: 'createHandles' });
  expect(step(told.status({ handledTriggers: { restore: 1 } }))).toEqual({ do: 'rest', because: { reason } });
});

test('by an invalid spec nothing is made', () => {
  expect(step(robbed().invalid())).toBeUndefined();
});

/** The job ran as attempt 1 under epoch 2 or so; then somebody put an older copy of its pointers back. */
const putBack = (upgrade: Readonly<Record<string, unknown>> = {}): JobStory =>
  aJob({ upgrade })
    .recorded()
    .opened()
    .status({
      jobId: JOB_ID,
      attempt: { number: 4, epoch: 9 },
      handledTriggers: { savepoint: 2, restart: 1 },
      restarts: { count: 3 },
    });

test('pointers put back from an older copy are begun anew in one write, above every epoch that was', () => {
  expect(step(putBack())).toMatchObject({
    do: 'writeLedger',
    above: 9,
    ledger: {
      attempts: [{ number: 4, end: { how: 'replaced', at: T0 } }],
      handled: { savepoint: 2, restart: 1 },
      restarts: 3,
    },
    say: [{ type: 'Warning', reason: 'RestoreFallback', note: expect.stringContaining('put back from an older copy') }],
  });
  expect(nextStep(putBack().facts())).toMatchObject({ do: 'writeLedger', above: 9 });
});

test.each([
  ['an epoch', { attempt: { number: 1, epoch: 9 } }, {}],
  ['an attempt', { attempt: { number: 2, epoch: 1 } }, {}],
  ['an epoch, seen before,', undefined, { epoch: 9 }],
  ['an attempt, seen before,', undefined, { attempt: 2 }],
  ['a version, seen before,', undefined, { seq: 2 }],
  ['another object of the same epoch, seen before,', undefined, { uid: 'another' }],
] as const)('pointers are older when %s is known that they do not have', (_, status, version) => {
  const story = fresh.opened();
  const known =
    status === undefined ? story.status(undefined).seen(version) : story.status({ jobId: JOB_ID, ...status });
  expect(step(known)).toMatchObject({ do: 'writeLedger', why: expect.stringMatching(/^attempts count on from [12]$/) });
});

test('pods tell of an attempt that no pointer and no status knows', () => {
  const story = fresh.opened().pods(aPod({ attempt: 3 }));
  expect(step(story)).toMatchObject({ do: 'writeLedger', ledger: { attempts: [{ number: 3 }] } });
});

test('pointers that are as far as they were, or further, stay', () => {
  const story = fresh.opened();
  expect(step(story.seen())).toBeUndefined();
  expect(step(story.seen({ epoch: 0, uid: 'another', seq: 99 }))).toBeUndefined();
});

test('triggers that either an older copy or status has answered are not answered again', () => {
  const story = putBack().status({ handledTriggers: { restart: 5 } });
  expect(step(story)).toMatchObject({ ledger: { handled: { restart: 5 } } });
});

test.each([
  ['Ask', 'RestoreDecisionNeeded'],
  ['Never', 'HandlesMissing'],
] as const)(
  'with restorePolicy %s pointers that were put back are left alone until somebody says',
  (policy, reason) => {
    const story = putBack({ restorePolicy: policy });
    expect(step(story)).toEqual({ do: 'rest', because: { reason } });
    const told = story.spec({ restoreFrom: 's3://bucket/jobs/savepoint-1', triggers: { restore: 1 } });
    expect(step(told)).toMatchObject({ do: 'writeLedger', above: 9 });
  },
);

test('while the spec is invalid, and the pointers are older than they were, nothing is done', () => {
  expect(nextStep(putBack().invalid().facts())).toMatchObject({ do: 'rest', because: { reason: 'InvalidSpec' } });
});

test('status remembers what it knew, whatever older pointers say', () => {
  const status = statusOf(putBack({ restorePolicy: 'Ask' }).facts(), {
    because: { reason: 'RestoreDecisionNeeded' },
    error: undefined,
  });
  expect(status).toMatchObject({ attempt: { number: 4, epoch: 9 }, restarts: { count: 3 }, jobId: JOB_ID });
});

test('a deleted job removes older pointers too; an orphaned one leaves them begun anew', () => {
  const cancelled = putBack().spec({ deletion: { mode: 'Cancel' } });
  expect(nextStep(cancelled.deleted().facts())).toMatchObject({ do: 'deleteHandles', uid: 'uid-of-the-handles' });
  const orphaned = putBack().spec({ deletion: { mode: 'Orphan' } });
  expect(nextStep(orphaned.deleted().facts())).toMatchObject({ do: 'writeLedger', above: 9 });
});

test.each([
  ['attempt', { number: Number.MAX_SAFE_INTEGER, epoch: 1 }],
  ['epoch', { number: 1, epoch: Number.MAX_SAFE_INTEGER }],
])('a status that names an %s to which no job comes is not believed', (_, attempt) => {
  const story = aJob().running();
  expect(story.facts().past).toMatchObject({ attempt: 1 });
  const told = story.status({ attempt }).facts();
  expect(told.past).toEqual(story.facts().past);
  expect(told.handles.is).toBe('there');
});
