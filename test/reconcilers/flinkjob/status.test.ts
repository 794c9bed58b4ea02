import { expect, test } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { statusSchema } from '../../../src/api/status.ts';
import { closeAttempt, giveUp, recordFailure } from '../../../src/ha/index.ts';
import type { Outcome } from '../../../src/reconcilers/flinkjob/conditions.ts';
import { newsOf } from '../../../src/reconcilers/flinkjob/news.ts';
import { isWorthWriting, statusChangesAt, statusOf, statusToWrite } from '../../../src/reconcilers/flinkjob/status.ts';
import { aCheckpoint, aJob, anEnd, aPod, JOB_ID, type JobStory, SETTINGS, T0 } from '../../builders/flinkjob-facts.ts';
import { checkStatus } from './world-checks.ts';

const NOTHING: Outcome = { because: undefined, error: undefined };
const statusAt = (story: JobStory, outcome: Outcome = NOTHING): FlinkJobStatus => statusOf(story.facts(), outcome);
/** The story goes on with the status that it came to. */
const told = (story: JobStory, outcome: Outcome = NOTHING): JobStory => story.status(statusAt(story, outcome));
const conditions = ({ conditions: all = [] }: FlinkJobStatus) =>
  Object.fromEntries(all.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const messageOf = ({ conditions: all = [] }: FlinkJobStatus, type: string) =>
  all.find((each) => each.type === type)?.message;

const running = aJob({ parallelism: 4 }).running().stable();
const closed = (story: JobStory, how: 'replaced' | 'failed' | 'finished') =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'the map threw' })).pods();
const failed = (story: JobStory) =>
  closed(story, 'failed').noted((ledger, time) =>
    recordFailure(ledger, {
      time,
      cause: 'the map threw',
      isNew: true,
      delayMs: 9_000,
      nextAt: time + 9_000,
      counters: 1,
    }),
  );
const gaveUp = (story: JobStory) => failed(story).noted((ledger, at) => giveUp(ledger, { at, reason: 'used up' }));
const suspended = closed(running, 'replaced').spec({ state: 'Suspended' });
const error = { code: 'X', message: 'the server said no', retryable: true, reason: 'Forbidden' } as const;

test('the status of a job that runs', () => {
  expect(statusAt(running)).toEqual({
    observedGeneration: 1,
    phase: 'Running',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Succeeded',
        message: expect.any(String) as string,
        observedGeneration: 1,
        lastTransitionTime: '2026-11-21T10:00:00Z',
      },
      expect.objectContaining({ type: 'CheckpointHealthy', status: 'True' }) as unknown,
    ],
    runtime: 'typescript',
    parallelism: 4,
    jobId: JOB_ID,
    startTime: '2026-11-21T10:00:00.000Z',
    desiredRevision: running.revision,
    revision: running.revision,
    configHash: running.revision.slice('flights-'.length),
    attempt: { number: 1, started: '2026-11-21T10:00:00Z', leader: 'flights-1-0', epoch: 2 },
    restarts: { count: 0 },
    jobState: 'RUNNING',
    tasks: { running: 4, total: 4 },
    selector: 'flinkjob.dev/job=flights',
    checkpoint: {
      latest: { id: 7, uri: aCheckpoint().uri, bytes: 1_024, tookMs: 80, completed: '2026-11-21T10:00:00Z' },
      failed: 0,
    },
  });
});

test.each([
  ['new', aJob(), { Ready: 'False Progressing', Reconciling: 'True Progressing' }],
  ['runs', running, { Ready: 'True Succeeded' }],
  ['suspended', suspended, { Ready: 'True Suspended' }],
  ['finished', closed(running, 'finished'), { Ready: 'True Finished' }],
  ['given up', gaveUp(running), { Ready: 'False RestartsExhausted', Stalled: 'True RestartsExhausted' }],
  [
    'waits for a restart',
    failed(running),
    { Ready: 'False ProgressingWithRetry', Reconciling: 'True ProgressingWithRetry' },
  ],
  ['runs, with an invalid spec', running.invalid(), { Ready: 'False InvalidSpec', Stalled: 'True InvalidSpec' }],
  [
    'waits, with an invalid spec',
    failed(running).invalid(),
    { Ready: 'False InvalidSpec', Reconciling: 'True InvalidSpec' },
  ],
  ['upgrades', running.spec({ args: ['new'] }), { Ready: 'False Progressing', Reconciling: 'True Progressing' }],
  ['deleted', running.deleted(), { Ready: 'False Deleting', Reconciling: 'True Deleting' }],
] as const)('what a job is for whoever waits for it: %s', (_what, story, expected) => {
  const status = statusAt(story);
  const { CheckpointHealthy: _, ...rest } = conditions(status);
  expect(rest).toEqual(expected);
  checkStatus(undefined, status, status.observedGeneration);
});

test('equal facts give equal status, and nothing to write', () => {
  for (const story of [
    aJob(),
    running,
    failed(running),
    gaveUp(running),
    suspended,
    running.invalid(),
    running.deleted(),
  ]) {
    const once = told(story);
    const twice = statusAt(once.after(1_000));
    expect(isWorthWriting(once.facts().status, twice)).toBe(false);
  }
});

test('the order of fields is no difference', () => {
  expect(isWorthWriting({ observedGeneration: 1, phase: 'Running' }, { phase: 'Running', observedGeneration: 1 })).toBe(
    false,
  );
  expect(isWorthWriting(undefined, { observedGeneration: 1 })).toBe(true);
});

test('conditions of somebody else, and in another order, are nothing to write', () => {
  const status = statusAt(running.after(-1));
  const [first, ...others] = status.conditions ?? [];
  if (first === undefined) throw new TypeError('no condition');
  const conditions = [...others, { ...first, type: 'Audited' }, first];
  expect(isWorthWriting({ ...status, conditions }, status)).toBe(false);
  expect(isWorthWriting({ ...status, conditions: [{ ...first, type: 'Stalled' }, first, ...others] }, status)).toBe(
    true,
  );
});

test('the time of a condition moves with its status, and with nothing else', () => {
  const timeOf = (story: JobStory) =>
    statusAt(story).conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const since = told(running);
  expect(timeOf(since.after(5_000).spec({ restart: { none: {} } }))).toBe('2026-11-21T10:00:00Z');
  expect(timeOf(since.after(5_000).answers({ tasksRunning: 1 }))).toBe('2026-11-21T10:00:05Z');
});

test('a job that fails stays Ready for a while, if it was', () => {
  const first = told(failed(told(running)));
  expect(conditions(statusAt(first))).toMatchObject({
    Ready: 'True ProgressingWithRetry',
    Reconciling: 'True ProgressingWithRetry',
  });
  const late = first.after(SETTINGS.readyHysteresisMs);
  expect(conditions(statusAt(late))).toMatchObject({ Ready: 'False ProgressingWithRetry' });
  expect(conditions(statusAt(told(late)))).toMatchObject({ Ready: 'False ProgressingWithRetry' });
});

test('the status changes by itself when a job was not Ready for too long', () => {
  const story = told(failed(told(running)));
  const at = statusChangesAt(story.facts(), statusAt(story));
  expect(at).toBe(T0 + SETTINGS.readyHysteresisMs);
  expect(conditions(statusAt(story.after(at - T0)))).toMatchObject({ Ready: 'False ProgressingWithRetry' });
  expect(statusChangesAt(running.facts(), statusAt(running))).toBe(Number.POSITIVE_INFINITY);
});

test('checkpoints of a life that was dropped are not told of any more', () => {
  const dropped = told(running).noted((ledger) => ({
    ...ledger,
    life: { jobId: 'b'.repeat(32), since: '2026-11-21T09:00:00Z' },
  }));
  expect(statusAt(dropped.answers({ checkpoint: undefined })).checkpoint).toBeUndefined();
});

test('what keeps the operator from going on is told, and when it began', () => {
  const status = statusAt(running, { because: undefined, error });
  expect(conditions(status)).toMatchObject({ Ready: 'False Forbidden', Reconciling: 'True Forbidden' });
  expect(status.lastError).toEqual({
    code: 'X',
    message: 'the server said no',
    retryable: true,
    at: '2026-11-21T10:00:00Z',
  });
  const again = told(running, { because: undefined, error }).after(5_000);
  expect(statusAt(again, { because: undefined, error }).lastError).toEqual(status.lastError);
  const other = statusAt(again, { because: undefined, error: { ...error, message: 'no' } });
  expect(other.lastError?.at).toBe('2026-11-21T10:00:05Z');
  expect(statusAt(again).lastError).toBeUndefined();
});

test('with an invalid spec the status says what held before', () => {
  const before = told(running);
  expect(statusAt(before.invalid())).toMatchObject({
    parallelism: 4,
    runtime: 'typescript',
    desiredRevision: running.revision,
  });
  expect(statusAt(aJob().invalid())).toMatchObject({ phase: 'Pending' });
});

test('without its pointers status is all that is known of a job, and is kept', () => {
  const lost = told(running).withoutHandles();
  const { jobId, attempt, revision, startTime, restarts } = statusAt(running);
  expect(statusAt(lost)).toMatchObject({ jobId, attempt, revision, startTime, restarts });
});

test('pointers made anew have no life yet: the one that status remembers is kept until it is taken up', () => {
  const story = told(running).noted(({ life: _, ...ledger }) => ledger);
  expect(statusAt(story)).toMatchObject({ jobId: JOB_ID, startTime: '2026-11-21T10:00:00.000Z' });
  const restored = running.noted((ledger) => ({
    ...ledger,
    life: { jobId: JOB_ID, since: '2026-11-21T09:00:00Z', restoreFrom: 's3://a' },
  }));
  expect(statusAt(told(restored).noted(({ life: _, ...ledger }) => ledger)).restoredFrom).toBe('s3://a');
});

test('the newest checkpoint is written with the first of them, then now and then, and when the job goes down', () => {
  const newer = (story: JobStory) => story.answers({ checkpoint: aCheckpoint({ id: 8, at: story.facts().now }) });
  const idOf = (story: JobStory) => statusAt(story).checkpoint?.latest?.id;
  const before = told(running);
  expect(idOf(newer(before.after(SETTINGS.checkpointStatusMs - 1)))).toBe(7);
  expect(idOf(newer(before.after(SETTINGS.checkpointStatusMs)))).toBe(8);
  expect(idOf(newer(before.after(1_000)).stopping('suspend'))).toBe(8);
  expect(idOf(before.answers({ checkpoint: undefined }))).toBe(7);
  expect(idOf(newer(before.status({ checkpoint: { latest: { id: 7, uri: 'a' } } })))).toBe(8);
});

test('restarts, their last cause, and the next attempt', () => {
  expect(statusAt(failed(running))).toMatchObject({
    restarts: { count: 1, lastCause: 'the map threw', nextAt: '2026-11-21T10:00:09Z' },
    rootException: 'the map threw',
    attempt: { number: 1 },
  });
  expect(statusAt(gaveUp(running)).restarts).toEqual({ count: 1, lastCause: 'the map threw' });
  expect(messageOf(statusAt(failed(running)), 'Ready')).toContain('at 2026-11-21T10:00:09Z');
});

test('a leader is named as long as it lives', () => {
  expect(statusAt(running.pods()).attempt).not.toHaveProperty('leader');
  expect(statusAt(failed(running)).attempt).not.toHaveProperty('leader');
  expect(statusAt(aJob().opened().pods(aPod())).attempt).not.toHaveProperty('leader');
});

test('pods in trouble are a condition, also beside a job that runs', () => {
  const trouble = { reason: 'Unschedulable', message: '0/3 nodes' };
  const standby = aPod({ index: 1, isReady: false, trouble });
  const status = statusAt(running.pods(aPod(), standby));
  expect(conditions(status)).toMatchObject({ Ready: 'True Succeeded', PodsHealthy: 'False Unschedulable' });
  expect(messageOf(status, 'PodsHealthy')).toContain('0/3 nodes');
});

test('a pod that used too much memory is a condition for a while, with its limit and what to do', () => {
  const resources = { limits: { memory: '512Mi' } };
  const killed = aPod({ index: 0, end: anEnd({ signal: 'OOMKilled', exitCode: 137 }) });
  const takenOver = running.spec({ jobManager: { resources } }).pods(killed, aPod({ index: 1 }));
  const status = statusAt(takenOver);
  expect(conditions(status)['PodsHealthy']).toBe('False OOMKilled');
  expect(messageOf(status, 'PodsHealthy')).toBe(
    'Pod flights-1-0 used more memory than its limit of 512Mi and was killed: exit code 137. Raise spec.jobManager.resources.limits.memory with kubectl edit flinkjob flights -n default, or give the job less state per process.',
  );
  expect(statusChangesAt(takenOver.facts(), status)).toBe(T0 + 600_000);
  expect(conditions(statusAt(takenOver.after(600_000)))).not.toHaveProperty('PodsHealthy');
});

const chk = aCheckpoint({ id: 7 });
test.each([
  ['none yet', { completed: 0, failed: 0 }, undefined],
  ['some complete', { completed: 3, failed: 1 }, 'True Succeeded'],
  ['all fail', { completed: 0, failed: 2 }, 'False CheckpointsFailing'],
  [
    'the newest failed',
    { completed: 3, failed: 1, checkpoint: chk, lastFailure: { id: 8, cause: 'disk full' } },
    'False CheckpointsFailing',
  ],
  [
    'one before the newest failed',
    { completed: 3, failed: 1, checkpoint: chk, lastFailure: { id: 6, cause: 'a' } },
    'True Succeeded',
  ],
] as const)('whether checkpoints complete: %s', (_what, counts, expected) => {
  expect(conditions(statusAt(running.answers(counts)))['CheckpointHealthy']).toBe(expected);
});

test('checkpoints that fail say why, and since which one', () => {
  const failing = running.answers({
    completed: 3,
    failed: 1,
    checkpoint: chk,
    lastFailure: { id: 8, cause: 'disk full' },
  });
  expect(messageOf(statusAt(failing), 'CheckpointHealthy')).toContain(
    'after a restart the job repeats its work since checkpoint 7. The last failure: disk full.',
  );
});

test('what an attempt began from is known until the next one begins', () => {
  const restored = { uri: 's3://bucket/jobs/chk-6', at: T0 };
  const from = { restoredFrom: 's3://bucket/jobs/chk-6', restoredAt: '2026-11-21T10:00:00Z' };
  const story = told(running.answers({ restored }));
  expect(statusAt(story).attempt).toMatchObject(from);
  expect(statusAt(story.silent(60_000)).attempt).toMatchObject(from);
  expect(statusAt(closed(story, 'failed')).attempt).toMatchObject(from);
  const next = closed(story, 'failed')
    .opened()
    .sees({ rest: { is: 'notAsked' } });
  expect(statusAt(next).attempt).not.toHaveProperty('restoredFrom');
});

test('the parallelism is that of the revision that runs, not of the one that is asked for', () => {
  const rescaling = running.spec({ parallelism: 8 });
  expect(statusAt(rescaling).parallelism).toBe(4);
  expect(statusAt(closed(rescaling, 'replaced').opened()).parallelism).toBe(8);
  expect(statusAt(aJob({ parallelism: 3 })).parallelism).toBe(3);
  expect(statusAt(running.spec({ parallelism: undefined })).parallelism).toBe(4);
});

test('what asks for a look at once is echoed', () => {
  const asked = running.object({ reconcileRequest: '2026-11-21T10:00:00.123456789Z' });
  expect(statusAt(asked).lastHandledReconcileAt).toBe('2026-11-21T10:00:00.123456789Z');
  expect(statusAt(running)).not.toHaveProperty('lastHandledReconcileAt');
});

test('the newest checkpoint goes along with another change, and is by itself a reason to write only now and then', () => {
  const newer = told(running)
    .after(1_000)
    .answers({ checkpoint: aCheckpoint({ id: 9 }) });
  expect(statusToWrite(newer.facts(), NOTHING)).toBeUndefined();
  const changed = newer.spec({ state: 'Suspended' });
  expect(statusToWrite(changed.facts(), NOTHING)?.checkpoint?.latest?.id).toBe(9);
  expect(statusToWrite(newer.after(SETTINGS.checkpointStatusMs).facts(), NOTHING)?.checkpoint?.latest?.id).toBe(9);
});

test('a job that does not answer is not known, after a while', () => {
  expect(conditions(statusAt(running.silent(1_000)))).not.toHaveProperty('Observed');
  expect(conditions(statusAt(running.silent(60_000)))).toMatchObject({ Observed: 'Unknown ProgressingWithRetry' });
});

test('a job that was suspended with a savepoint says where that lies, whatever checkpoint it told of last', () => {
  const savepoint = 's3://bucket/jobs/savepoint-1a2b3c-4d';
  const saved = told(running)
    .noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'stopped', savepoint }))
    .spec({ state: 'Suspended' })
    .pods();
  expect(messageOf(statusAt(saved), 'Ready')).toContain(savepoint);
  expect(newsOf(saved.facts(), statusAt(saved))).toMatchObject([
    { reason: 'Suspended', note: expect.stringContaining(savepoint) as string },
  ]);
});

test('a revision that was rolled back is told of while the spec asks for it', () => {
  const changed = running.spec({ args: ['new'] });
  const back = changed.rolledBack(changed.revision);
  // The job of this generation does not run, and nobody tries it again by himself.
  expect(conditions(statusAt(back))).toMatchObject({
    RolledBack: 'True RolledBack',
    Ready: 'False RolledBack',
    Stalled: 'True RolledBack',
  });
  expect(statusAt(back).phase).toBe('Running');
  expect(messageOf(statusAt(back), 'Ready')).toBe(messageOf(statusAt(back), 'RolledBack'));
  expect(messageOf(statusAt(back), 'RolledBack')).toContain(running.revision);
  expect(conditions(statusAt(back.spec({ args: ['newer'] })))).not.toHaveProperty('RolledBack');
  expect(conditions(statusAt(back.invalid()))).not.toHaveProperty('RolledBack');
});

const upgrading = running.spec({ args: ['new'] });
const next = closed(upgrading, 'replaced').opened();
test.each([
  ['nothing is upgraded', running, undefined],
  ['nothing was good before', aJob().running(), undefined],
  ['the old one is to go', upgrading, 'Stopping'],
  ['its savepoint is taken', upgrading.stopping('upgrade'), 'SavingState'],
  ['nothing runs', closed(upgrading, 'replaced'), 'Stopping'],
  ['the new one comes up', next.sees({ rest: { is: 'notAsked' } }), 'Starting'],
  ['the new one runs', next.running(), 'Stabilizing'],
  ['another parallelism', running.spec({ parallelism: 8 }), 'Rescaling'],
  ['it was not good', next.rolledBack(upgrading.revision), 'RollingBack'],
  ['suspended in between', closed(next, 'replaced').spec({ state: 'Suspended' }), undefined],
] as const)('how far an upgrade is: %s', (_what, story, step) => {
  expect(statusAt(story).upgrade?.step).toBe(step);
});

test('when an upgrade began is kept until it has proved itself', () => {
  const later = told(upgrading).after(5_000);
  expect(statusAt(later).upgrade?.started).toBe('2026-11-21T10:00:00Z');
});

test('what a change that waits will do', () => {
  expect(statusAt(upgrading).pendingChange).toBe('Restart');
  expect(statusAt(running.spec({ parallelism: 8 })).pendingChange).toBe('Rescale');
  expect(statusAt(running).pendingChange).toBeUndefined();
  expect(statusAt(aJob().withHandles()).pendingChange).toBeUndefined();
});

test('what was handled is what the ledger says, with the savepoints beside it', () => {
  const handled = running
    .noted((ledger) => ({ ...ledger, handled: { restart: 7 } }))
    .status({ handledTriggers: { savepoint: 3 } });
  expect(statusAt(handled).handledTriggers).toEqual({ savepoint: 3, restart: 7 });
  expect(statusAt(running).handledTriggers).toBeUndefined();
});

test('words are cut to what the schema takes', () => {
  const long = 'x'.repeat(40_000);
  const status = statusAt(running, { because: undefined, error: { ...error, message: long } });
  expect(statusSchema.safeParse(status).success).toBe(true);
});

test('what a decision stopped at is told', () => {
  const held = statusAt(aJob().recorded(), { because: { reason: 'RestoreDecisionNeeded' }, error: undefined });
  expect(conditions(held)).toEqual({ Ready: 'False RestoreDecisionNeeded', Stalled: 'True RestoreDecisionNeeded' });
});
