import { expect, test } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { closeAttempt } from '../../../src/ha/index.ts';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { aCheckpoint, aJob, JOB_ID, type JobStory } from '../../builders/flinkjob-facts.ts';

const statusAt = (story: JobStory): FlinkJobStatus => statusOf(story.facts(), { because: undefined, error: undefined });
const running = aJob().running().stable();
/** Status names checkpoint 7. */
const told = running.status(statusAt(running));
const checkpoint = aCheckpoint({ id: 9, uri: 'file:///nine' });
const heard = (story: JobStory, jobId = JOB_ID) =>
  story.sees({ rest: { is: 'notAsked' }, lastTold: { jobId, checkpoint, failed: 2 } });
const closed = told.noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'suspended' }));
const idAt = (story: JobStory) => statusAt(story).checkpoint?.latest?.id;

test('a job that is down, or comes up, went down with the newest checkpoint that it told of', () => {
  expect(statusAt(heard(closed)).checkpoint).toMatchObject({ latest: { id: 9, uri: 'file:///nine' }, failed: 2 });
  const suspended = statusAt(heard(closed.spec({ state: 'Suspended' }).pods()));
  expect(suspended.conditions?.[0]?.message).toContain('its state is kept in file:///nine.');
});

test('of another life of the state, or older than what status names, it is not', () => {
  expect(idAt(heard(closed, 'b'.repeat(32)))).toBe(7);
  expect(idAt(heard(closed.status({ checkpoint: { latest: { id: 12, uri: 'a' } } })))).toBe(12);
});

test('a job that does not answer may be further by now', () => {
  expect(idAt(heard(told).silent())).toBe(7);
});
