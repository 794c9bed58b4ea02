import { expect, test } from 'vitest';
import { closeAttempt, recordFailure } from '../../../src/ha/index.ts';
import type { Outcome } from '../../../src/reconcilers/flinkjob/conditions.ts';
import { newsOf } from '../../../src/reconcilers/flinkjob/news.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { savepointRequest } from '../../../src/reconcilers/flinkjob/savepoint-step.ts';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { aCheckpoint, aJob, anEnd, aPod, type JobStory, SETTINGS } from '../../builders/flinkjob-facts.ts';

const NOTHING: Outcome = { because: undefined, error: undefined };
/** What is said when the story has come to this. */
function news(story: JobStory, outcome: Outcome = NOTHING) {
  const facts = story.facts();
  return newsOf(facts, statusOf(facts, outcome));
}
/** The story goes on with the status that it came to. */
const told = (story: JobStory): JobStory => story.status(statusOf(story.facts(), NOTHING));
const reasons = (story: JobStory) => news(story).map(({ reason }) => reason);

const running = told(aJob({ parallelism: 2 }).running().stable());
const closed = (story: JobStory, how: 'replaced' | 'failed' = 'replaced') =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'it ended' })).pods();
const failed = (story: JobStory) =>
  closed(story, 'failed').noted((ledger, time) =>
    recordFailure(ledger, { time, cause: 'it ended', isNew: true, delayMs: 5, nextAt: time + 5, counters: 1 }),
  );

test('what status says already is not said again', () => {
  for (const story of [aJob(), running, running.spec({ args: ['new'] }), failed(running), running.invalid()]) {
    expect(news(told(story).after(1_000))).toEqual([]);
  }
});

test('a changed spec is told of with its class, its fields, and what becomes of the state', () => {
  expect(news(running.spec({ args: ['new'] }))).toEqual([
    {
      type: 'Normal',
      reason: 'SpecChanged',
      note: 'Restart: spec.args changed. The job restarts from its newest checkpoint. If it is not stable in time, the revision before takes its place again.',
    },
  ]);
  expect(news(running.spec({ parallelism: 8 }))[0]?.note).toBe(
    'Rescale: spec.parallelism changed. The job restarts from its newest checkpoint with parallelism 8.',
  );
  expect(news(running.spec({ upgrade: { mode: 'Savepoint' }, args: ['new'] }))[0]?.note).toContain(
    'The job is stopped with a savepoint and restarts from that.',
  );
});

test('a change that restarts nothing is no event: what it asks for is told of', () => {
  expect(news(running.spec({ restart: { none: {} }, triggers: { savepoint: 1 } }))).toEqual([]);
});

test('a storage that cannot be reached, or that pods do not share, is told of once', () => {
  const apart = told(aJob({ storage: { uri: 'file:///state' } }).running()).pods(
    aPod({ node: 'one' }),
    aPod({ index: 1, node: 'two' }),
  );
  const said = news(apart).filter(({ reason }) => reason === 'StorageNotShared');
  expect(said).toMatchObject([{ type: 'Warning', note: expect.stringMatching(/run on 2 nodes.*ReadWriteMany/) }]);
  expect(news(told(apart))).toEqual([]);
});

test('a job that runs is told of once it does: at first, after a failure, and when it is resumed', () => {
  const started = told(aJob().opened()).running({ restored: { uri: 's3://bucket/chk-6', at: 0 } });
  expect(news(started)).toEqual([
    {
      type: 'Normal',
      reason: 'JobStatusChanged',
      note: 'Attempt 1 runs with all of its 4 tasks, led by flights-1-0; it began from s3://bucket/chk-6.',
    },
  ]);
  expect(reasons(told(failed(running)).opened().running())).toEqual(['JobStatusChanged']);
  expect(reasons(told(closed(running)).opened().running())).toEqual(['JobStatusChanged']);
});

test('of an upgrade the attempt is told of, and of another parallelism what it is now', () => {
  const upgraded = closed(running.spec({ args: ['new'] })).opened();
  expect(reasons(told(upgraded.sees({ rest: { is: 'notAsked' } })).running())).toEqual([]);
  const rescaled = closed(running.spec({ parallelism: 8 })).opened();
  expect(news(told(rescaled.sees({ rest: { is: 'notAsked' } })).running())).toEqual([
    { type: 'Normal', reason: 'Scaling', note: 'The job runs with parallelism 8.' },
  ]);
});

test('a job that is suspended says where its state lies, and how it goes on', () => {
  const suspended = told(running.spec({ state: 'Suspended' }));
  expect(news(closed(suspended))).toEqual([
    {
      type: 'Normal',
      reason: 'Suspended',
      note: expect.stringMatching(
        /^The job is suspended, as spec\.state asks; its state is kept in s3:\S+\. kubectl flinkjob resume flights -n default starts it again from there\.$/,
      ),
    },
  ]);
});

const asking = told(running.spec({ triggers: { savepoint: 1 } }));
const ID = savepointRequest(asking.facts())?.triggerId ?? '';

test('a savepoint that was asked for is told of when nothing more comes of it', () => {
  expect(news(asking.operation(ID, { is: 'inProgress' }))).toEqual([]);
  expect(news(asking.operation(ID, { is: 'failed', cause: 'disk full' }))).toEqual([]);
  expect(news(asking.operation(ID, { is: 'completed', location: 's3://a' }))).toEqual([
    { type: 'Normal', reason: 'SavepointCompleted', note: 'Savepoint 1 is complete: s3://a.' },
  ]);
  const note = (cause: string) =>
    `The savepoint could not be taken; the job goes on. The failure: ${cause}. Mend the cause, then kubectl flinkjob savepoint flights -n default asks for another.`;
  expect(news(asking.operation(ID, { is: 'failed', cause: 'disk full' }, { tries: 5 }))).toEqual([
    { type: 'Warning', reason: 'SavepointFailed', note: note('disk full') },
  ]);
  expect(news(asking.after(SETTINGS.savepointDeadlineMs))).toMatchObject([
    { reason: 'SavepointFailed', note: note('the job did not answer within 5m') },
  ]);
});

test('a spec that cannot be carried out is told of with everything that is wrong with it', () => {
  const story = running.invalid();
  expect(news(story)).toEqual([
    {
      type: 'Warning',
      reason: 'ValidationError',
      note: 'The spec cannot be carried out; a job that runs goes on with its last valid revision. What is wrong: spec.parallelism: must be 1 or more. Correct it with kubectl edit flinkjob flights -n default, or in the file that is applied; flinkjob validate FILE lists everything that is wrong.',
    },
  ]);
});

test('what waits for somebody is told of under its own name, with what to do', () => {
  const lost = running.spec({ upgrade: { restorePolicy: 'Ask' } }).withoutHandles();
  const step = nextStep(lost.facts());
  const because = step.do === 'rest' ? step.because : undefined;
  expect(news(lost, { because, error: undefined })).toMatchObject([
    { type: 'Warning', reason: 'RestoreDecisionNeeded', note: expect.stringContaining('spec.triggers.restore') },
  ]);
  const forbidden = { code: 'X', message: 'no right to pods', retryable: true, reason: 'Forbidden' } as const;
  expect(news(running, { because: undefined, error: forbidden })).toMatchObject([{ reason: 'Forbidden' }]);
});

test('pods in trouble are told of in the words of the kubelet, once', () => {
  const pod = (reason: string, message = '') => aPod({ isReady: false, trouble: { reason, message } });
  const pulling = told(aJob().opened()).pods(pod('ImagePullBackOff', 'not found'));
  expect(news(pulling)).toMatchObject([
    { type: 'Warning', reason: 'ImagePullBackOff', note: expect.stringContaining('Correct spec.image') },
  ]);
  expect(news(told(pulling))).toEqual([]);
  expect(reasons(told(pulling).pods(pod('Unschedulable', '0/3 nodes')))).toEqual(['Unschedulable']);
  expect(reasons(told(pulling).pods(pod('PodUnderSpell')))).toEqual(['PodUnhealthy']);
  const killed = aPod({ end: anEnd({ signal: 'OOMKilled', exitCode: 137 }) });
  expect(reasons(running.pods(killed, aPod({ index: 1 })))).toEqual(['OOMKilled']);
});

test('checkpoints that begin to fail are told of with the cause', () => {
  const failing = {
    completed: 3,
    failed: 1,
    checkpoint: aCheckpoint({ id: 7 }),
    lastFailure: { id: 8, cause: 'disk full' },
  };
  const story = running.answers(failing);
  expect(news(story)).toMatchObject([{ type: 'Warning', reason: 'CheckpointsFailing' }]);
  expect(news(story)[0]?.note).toContain('The last failure: disk full. kubectl flinkjob checkpoints flights');
  expect(news(told(story).answers({ ...failing, lastFailure: { id: 9, cause: 'again' } }))).toEqual([]);
});

test('of a job that is deleted nothing is said but its farewell', () => {
  expect(news(running.deleted().pods(aPod({ trouble: { reason: 'Unschedulable', message: '' } })))).toEqual([]);
});
