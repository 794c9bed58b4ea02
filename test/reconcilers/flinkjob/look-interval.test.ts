import { expect, test } from 'vitest';
import { untilNextLook } from '../../../src/reconcilers/flinkjob/look-interval.ts';
import { aCheckpoint, aJob, type JobStory, SETTINGS } from '../../builders/flinkjob-facts.ts';

const soon = (story: JobStory) => untilNextLook({ ...story.facts(), random: () => 0.5 }, 1);
const running = aJob().running();

test('a job that comes up is asked ever less often, and once a second at least', () => {
  const starting = aJob().opened();
  expect(soon(starting)).toBe(100);
  expect(soon(starting.after(5_000))).toBe(500);
  expect(soon(starting.after(60_000))).toBe(1_000);
});

test('one that runs is asked every second until it has completed a checkpoint, then as the settings say', () => {
  expect(soon(running.answers({ completed: 0, checkpoint: undefined }))).toBe(1_000);
  expect(soon(running.answers({ completed: 1, checkpoint: aCheckpoint() }))).toBe(SETTINGS.restPollMs);
});

test('one whose revision has proved itself is asked a third as often, unless its checkpoints fail', () => {
  const settled = running.stable().answers({ completed: 1, checkpoint: aCheckpoint() });
  expect(soon(settled)).toBe(SETTINGS.restPollMs * 3);
  const lastFailure = { id: 9, cause: 'full' };
  expect(soon(settled.answers({ lastFailure }))).toBe(SETTINGS.restPollMs);
  expect(soon(settled.answers({ lastFailure, checkpoint: aCheckpoint({ id: 10 }) }))).toBe(SETTINGS.restPollMs * 3);
});
