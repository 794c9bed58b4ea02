import { expect, test } from 'vitest';
import { openAttemptOf, type StopReason } from '../../../src/ha/index.ts';
import type { Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { stopStep, withdrawnStop } from '../../../src/reconcilers/flinkjob/stop-step.ts';
import { aCheckpoint, aJob, aPod, EVICTED, type JobStory, SETTINGS, T0 } from '../../builders/flinkjob-facts.ts';

const ID = 'f'.repeat(32);
const { savepointDeadlineMs } = SETTINGS;

const stop = (story: JobStory, why: StopReason): Step => {
  const open = openAttemptOf(story.ledger);
  if (open === undefined) throw new TypeError('no attempt is open');
  return stopStep(story.facts(), story.ledger, open, why);
};
const withdrawn = (story: JobStory) => {
  const open = openAttemptOf(story.ledger);
  return open === undefined ? undefined : withdrawnStop(story.facts(), story.ledger, open);
};

const savepoints = { upgrade: { mode: 'Savepoint' } };
const saving = aJob(savepoints).running();
const upgrading = saving.spec({ args: ['new'] });
const patient = aJob({ upgrade: { mode: 'Savepoint', fallback: false } })
  .running()
  .spec({ args: ['new'] });

const closed = (how: string) => ({ do: 'writeLedger', why: `close the attempt: ${how}` });
const noted = (why: StopReason) => ({ do: 'writeLedger', why: `stop with savepoint: ${why}` });
const fallback = (cause: string) => [
  { type: 'Warning', reason: 'RestoreFallback', note: expect.stringContaining(cause) as string },
];

test.each([
  ['suspend, mode LastState', aJob().running(), 'suspend', closed('the job was suspended')],
  ['suspend, mode Savepoint', saving, 'suspend', noted('suspend')],
  [
    'upgrade, mode LastState',
    aJob()
      .running()
      .spec({ args: ['new'] }),
    'upgrade',
    closed('the spec has changed'),
  ],
  [
    'upgrade, mode LastState, no checkpoint known',
    aJob()
      .running({ checkpoint: undefined })
      .spec({ args: ['new'] }),
    'upgrade',
    closed('the spec has changed'),
  ],
  ['upgrade, mode Savepoint', upgrading, 'upgrade', noted('upgrade')],
  [
    'upgrade, mode Stateless',
    aJob({ upgrade: { mode: 'Stateless' } })
      .running()
      .spec({ args: ['new'] }),
    'upgrade',
    closed('the spec has changed'),
  ],
  ['rescale, mode Savepoint', saving.spec({ parallelism: 3 }), 'upgrade', closed('the spec has changed')],
  ['rollback, mode Savepoint', saving, 'rollback', closed('the revision is rolled back')],
  ['restart, mode Savepoint', saving, 'restart', closed('triggers.restart asked for it')],
  ['restore, mode Savepoint', saving, 'restore', closed('triggers.restore asked for it')],
  ['delete, deletion.mode Savepoint', aJob().running(), 'delete', noted('delete')],
  [
    'delete, deletion.mode Cancel',
    aJob({ deletion: { mode: 'Cancel' } }).running(),
    'delete',
    closed('the FlinkJob is deleted'),
  ],
  ['an invalid spec', saving.invalid(), 'suspend', closed('the job was suspended')],
] as const)('whether a savepoint comes first: %s', (_what, story, why, step) => {
  expect(stop(story, why)).toMatchObject(step);
});

test.each([
  ['none is known', { checkpoint: undefined }, noted('upgrade')],
  ['it is old', { checkpoint: aCheckpoint({ at: T0 - 60_001 }) }, noted('upgrade')],
  ['it is not', { checkpoint: aCheckpoint({ at: T0 - 60_000 }) }, closed('the spec has changed')],
] as const)('mode LastState takes a savepoint where the newest checkpoint is too old: %s', (_what, rest, step) => {
  const story = aJob({ upgrade: { mode: 'LastState', maxCheckpointAge: '1m' } }).running(rest);
  expect(stop(story.spec({ args: ['new'] }), 'upgrade')).toMatchObject(step);
});

test('mode Stateless takes no savepoint, however old the newest checkpoint is', () => {
  const story = aJob({ upgrade: { mode: 'Stateless', maxCheckpointAge: '1m' } }).running({ checkpoint: undefined });
  expect(stop(story.spec({ args: ['new'] }), 'upgrade')).toMatchObject(closed('the spec has changed'));
});

test('the stop stands in the ledger before the job is asked, under an id that whoever comes next finds there', () => {
  const step = stop(upgrading, 'upgrade');
  const next = upgrading.did(step);
  const { stopping } = openAttemptOf(next.ledger) ?? {};
  expect(stopping).toEqual({ why: 'upgrade', since: T0, triggerId: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
  expect(stop(next, 'upgrade')).toEqual({ do: 'stopWithSavepoint', triggerId: stopping?.triggerId });
});

test('without a job that runs an upgrade goes on from the newest checkpoint, and says so; a suspension need not', () => {
  const down = upgrading.answers({ tasksRunning: 1 });
  expect(stop(down, 'upgrade')).toMatchObject({ ...closed('the spec has changed'), say: fallback('does not run') });
  expect(stop(down, 'suspend')).toMatchObject({ ...closed('the job was suspended'), say: [] });
});

test('a job that only does not answer is given half a minute to', () => {
  const silent = upgrading.silent(10_000);
  expect(stop(silent, 'upgrade')).toEqual({ do: 'rest', untilMs: T0 + 20_000 });
  expect(stop(upgrading.silent(), 'upgrade')).toEqual({ do: 'rest', untilMs: T0 + 30_000 });
  expect(stop(silent.after(20_000), 'upgrade')).toMatchObject({ say: fallback('does not run') });
});

test('where no fallback is allowed an upgrade waits for a job that runs, and lets it have its pods', () => {
  const step = stop(patient.answers({ tasksRunning: 1 }), 'upgrade');
  expect(step).toMatchObject({ do: 'rest', because: { reason: 'Progressing' } });
});

test.each([
  [
    'complete, and its pods end',
    { is: 'completed', location: 's3://a' },
    { do: 'rest', untilMs: T0 + savepointDeadlineMs + 30_000 },
  ],
  ['in progress', { is: 'inProgress' }, { do: 'rest', untilMs: T0 + savepointDeadlineMs }],
  ['unknown', { is: 'unknown' }, { do: 'stopWithSavepoint', triggerId: ID }],
  ['failed', { is: 'failed', cause: 'disk full' }, { ...closed('the spec has changed'), say: fallback('disk full') }],
] as const)('a stop under way: %s', (_what, state, step) => {
  expect(stop(upgrading.stopping('upgrade').operation(ID, state), 'upgrade')).toMatchObject(step);
});

test.each([
  ['complete, and its pods do not end', { is: 'completed', location: 's3://a' }, savepointDeadlineMs + 30_000, []],
  ['in progress', { is: 'inProgress' }, savepointDeadlineMs, fallback('not done in time')],
  ['unknown', { is: 'unknown' }, savepointDeadlineMs, fallback('not done in time')],
] as const)('a stop past its deadline is closed without: %s', (_what, state, ms, say) => {
  const late = upgrading.stopping('upgrade').operation(ID, state).after(ms);
  expect(stop(late, 'upgrade')).toMatchObject({ ...closed('the spec has changed'), say });
});

test('a stop of another id is not the one that is waited for', () => {
  const other = upgrading.stopping('upgrade').operation('0'.repeat(32), { is: 'completed', location: 's3://a' });
  expect(stop(other, 'upgrade')).toEqual({ do: 'stopWithSavepoint', triggerId: ID });
});

test('a stop is not asked for again before its time, nor of a job that does not run', () => {
  const story = upgrading.stopping('upgrade').operation(ID, { is: 'unknown' }, { notBefore: T0 + 2_000 });
  expect(stop(story, 'upgrade')).toEqual({ do: 'rest', untilMs: T0 + 2_000 });
  expect(stop(story.after(2_000), 'upgrade')).toEqual({ do: 'stopWithSavepoint', triggerId: ID });
  expect(stop(story.answers({ tasksRunning: 0 }), 'upgrade')).toEqual({
    do: 'rest',
    untilMs: T0 + savepointDeadlineMs,
  });
});

test.each([
  ['nothing is known of it', { is: 'unknown' }, fallback('its pods are gone')],
  ['in progress', { is: 'inProgress' }, fallback('its pods are gone')],
  ['complete', { is: 'completed', location: 's3://a' }, []],
] as const)('a stop whose pods were lost is not waited for: %s', (_what, state, say) => {
  const lost = upgrading
    .stopping('upgrade')
    .pods(aPod({ end: EVICTED }))
    .operation(ID, state);
  expect(stop(lost, 'upgrade')).toMatchObject({ ...closed('the spec has changed'), say });
});

test('where no fallback is allowed a stop that failed is asked for again, in its time and by another id', () => {
  const failed = patient.stopping('upgrade').operation(ID, { is: 'failed', cause: 'no' }, { notBefore: T0 + 10_000 });
  expect(stop(failed, 'upgrade')).toMatchObject({ do: 'rest', untilMs: T0 + 10_000 });
  const again = failed.after(10_000);
  const next = again.did(stop(again, 'upgrade'));
  expect(openAttemptOf(next.ledger)?.stopping).toMatchObject({ since: T0 + 10_000 });
  expect(openAttemptOf(next.ledger)?.stopping?.triggerId).not.toBe(ID);
  expect(stop(again.answers({ tasksRunning: 0 }), 'upgrade')).toMatchObject({ because: { reason: 'Progressing' } });
  expect(stop(again.answers({ tasksRunning: 0 }), 'upgrade')).not.toHaveProperty('untilMs');
});

test('a deletion waits for its savepoint as long as the spec says', () => {
  const story = aJob({ deletion: { timeout: '1m' } })
    .running()
    .stopping('delete')
    .operation(ID, { is: 'inProgress' });
  expect(stop(story, 'delete')).toEqual({ do: 'rest', untilMs: T0 + 60_000 });
  expect(stop(story.invalid(), 'delete')).toEqual({ do: 'rest', untilMs: T0 + savepointDeadlineMs });
});

test('a stop that nobody wants any more may still happen, and is forgotten when it cannot', () => {
  const story = saving.stopping('upgrade');
  expect(withdrawn(saving)).toBeUndefined();
  expect(withdrawn(story)).toEqual({ do: 'rest', untilMs: T0 + savepointDeadlineMs });
  const failed = withdrawn(story.operation(ID, { is: 'failed', cause: 'no' }));
  expect(failed).toMatchObject({ why: 'the attempt is not to be brought down any more' });
  const late = story.after(savepointDeadlineMs);
  const step = withdrawn(late);
  if (step === undefined) throw new TypeError('nothing is done');
  expect(openAttemptOf(late.did(step).ledger)).not.toHaveProperty('stopping');
});

test('a stop that an operator noted whose clock was ahead has the time of any other, from now on', () => {
  const before = saving.stopping('upgrade');
  const ahead = before.after(-3_600_000);
  const why = 'stop with savepoint: upgrade';
  expect(stop(ahead, 'upgrade')).toMatchObject({ why });
  expect(withdrawn(ahead)).toMatchObject({ why });
  const anew = ahead.did(stop(ahead, 'upgrade')).operation(ID, { is: 'inProgress' });
  expect(openAttemptOf(anew.ledger)?.stopping).toMatchObject({ why: 'upgrade', since: T0 - 3_600_000, triggerId: ID });
  expect(stop(anew, 'upgrade')).toEqual({ do: 'rest', untilMs: T0 - 3_600_000 + savepointDeadlineMs });
});
