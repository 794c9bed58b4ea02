import { expect, test } from 'vitest';
import { handlesStep } from '../../../src/reconcilers/flinkjob/handles-step.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { aJob, aPod, JOB_ID, type JobStory, T0 } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory) => handlesStep(story.facts());
const fresh = aJob().recorded();
/** The job ran as attempt 4 under epoch 9, and its pointers are gone. */
const robbed = (upgrade: Readonly<Record<string, unknown>> = {}): JobStory =>
  aJob({ upgrade })
    .recorded()
    .status({ jobId: JOB_ID, attempt: { number: 4, epoch: 9 }, handledTriggers: { savepoint: 2, restart: 1 } });
const FALLBACK = [{ type: 'Warning', reason: 'RestoreFallback', note: expect.any(String) as string }];

test('a new job gets its pointers as they come', () => {
  expect(step(fresh)).toMatchObject({ do: 'createHandles', lowestEpoch: 0, ledger: { attempts: [] }, say: [] });
});

test('attempts count on also from pods that nobody has reported on', () => {
  expect(step(fresh.pods(aPod({ attempt: 2 }), aPod()))).toMatchObject({
    do: 'createHandles',
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
    lowestEpoch: 10,
    ledger: {
      attempts: [{ number: 4, end: { how: 'replaced', at: T0 } }],
      handled: { savepoint: 2, restart: 1 },
    },
    say: FALLBACK,
  });
});

test('a status that knows no epoch still knows the attempt', () => {
  const story = robbed().status({ attempt: { number: 4 }, handledTriggers: undefined });
  expect(step(story)).toMatchObject({ lowestEpoch: 1, ledger: { attempts: [{ number: 4 }] } });
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
