import { expect, test } from 'vitest';
import { closeAttempt, giveUp, type Ledger, noteHandled, recordFailure } from '../../../src/ha/index.ts';
import { betweenAttempts } from '../../../src/reconcilers/flinkjob/between-attempts.ts';
import type { Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { specVersion } from '../../../src/reconcilers/flinkjob/target.ts';
import { aJob, aPod, FAILED, JOB_ID, type JobStory, T0 } from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory): Step => {
  const facts = story.facts();
  if (facts.handles.is !== 'there') throw new TypeError('no handles');
  return betweenAttempts(facts, facts.handles.view);
};
const ledgerOf = (story: JobStory): Ledger => story.did(step(story)).ledger;

const ended = (how: 'replaced' | 'finished' | 'failed' | 'crashed') => (story: JobStory) =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'it ended' })).pods();
const replaced = ended('replaced');
const DELAY_MS = 10_000;
const failed = (story: JobStory, how: 'failed' | 'crashed' = 'failed'): JobStory =>
  ended(how)(story).noted((ledger, time) =>
    recordFailure(ledger, {
      time,
      cause: 'it ended',
      isNew: true,
      delayMs: DELAY_MS,
      nextAt: time + DELAY_MS,
      counters: 1,
    }),
  );
const gaveUp = (story: JobStory): JobStory =>
  failed(story).noted((ledger, at) =>
    giveUp(ledger, { at, reason: 'used up', spec: specVersion(story.facts().object) }),
  );

const opens = (attempt: number) => ({ do: 'writeLedger', why: `open attempt ${attempt}` });
const running = aJob().running();
const stateless = { upgrade: { mode: 'Stateless' } };

test('the first attempt begins a life of the state', () => {
  const story = aJob().withHandles();
  expect(step(story)).toMatchObject(opens(1));
  expect(ledgerOf(story)).toMatchObject({
    life: { jobId: expect.stringMatching(/^[0-9a-f]{32}$/) as string, since: '2026-11-21T10:00:00.000Z' },
    attempts: [{ number: 1, epoch: 1, startedAt: T0, revision: story.revision }],
  });
  expect(ledgerOf(story).life).toEqual(ledgerOf(story.after(0)).life);
});

test('a first life whose pointers were lost before anybody reported on it is the same one', () => {
  const first = ledgerOf(aJob().withHandles());
  const lost = replaced(running).noted(({ life: _, ...ledger }) => ledger);
  expect(ledgerOf(lost).life?.jobId).toBe(first.life?.jobId);
});

test('the first life begins from where the spec says, if it does', () => {
  const story = aJob({ restoreFrom: 's3://bucket/a' }).withHandles();
  expect(ledgerOf(story).life).toMatchObject({ restoreFrom: 's3://bucket/a' });
});

test('pods of the attempt before go first, what ended stays', () => {
  const [live, dead] = [aPod({ index: 1 }), aPod({ end: FAILED })];
  expect(step(failed(running).pods(live, dead))).toEqual({ do: 'deletePods', attempts: [], pods: [live] });
});

test('pods on their way out are waited for, as long as their nodes may answer', () => {
  const leaving = aPod({ isDeleting: true, goneBy: T0 + 40_000 });
  const story = replaced(running).pods(leaving);
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + 40_000 });
  expect(step(story.after(40_000))).toMatchObject(opens(2));
  expect(step(story.pods(aPod({ isDeleting: true })))).toEqual({ do: 'rest', untilMs: T0 + 1_000 });
  expect(step(story.pods(aPod({ isDeleting: true, end: FAILED })))).toMatchObject(opens(2));
});

test.each(['failed', 'crashed'] as const)('after an attempt that %s the next one waits its turn', (how) => {
  const story = failed(running, how);
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + DELAY_MS });
  expect(step(story.after(DELAY_MS))).toMatchObject(opens(2));
});

test('a clock that is set back lets the wait begin again, and not be longer than it was', () => {
  const story = failed(running).after(-3_600_000);
  expect(step(story)).toMatchObject({ why: 'the clock was set back' });
  const anew = story.did(step(story));
  expect(step(anew)).toEqual({ do: 'rest', untilMs: T0 - 3_600_000 + DELAY_MS });
  expect(step(anew.after(DELAY_MS))).toMatchObject(opens(2));
});

test('an attempt that was replaced is followed at once, whatever crashed in it', () => {
  expect(step(replaced(running))).toMatchObject(opens(2));
});

test.each([
  ['another revision', failed(running).spec({ args: ['new'] })],
  ['triggers.restart', failed(running).spec({ triggers: { restart: 1 } })],
  ['triggers.restore', failed(running).spec({ triggers: { restore: 1 }, restoreFrom: 's3://bucket/a' })],
] as const)('what is asked for does not wait: %s', (_what, story) => {
  expect(step(story)).toMatchObject(opens(2));
});

test.each([
  ['the same spec', gaveUp(running), 'rest'],
  ['a field that restarts nothing', gaveUp(running).spec({ restart: { none: {} } }), 'writeLedger'],
  ['suspended', gaveUp(running).spec({ state: 'Suspended' }), 'rest'],
  ['suspended and resumed', gaveUp(running).spec({ state: 'Suspended' }).spec({ state: 'Running' }), 'writeLedger'],
  [
    'an edit that was taken back',
    gaveUp(running)
      .spec({ args: ['new'] })
      .spec({ args: [] }),
    'writeLedger',
  ],
  ['applied anew under its name', gaveUp(running).object({ uid: 'another' }), 'writeLedger'],
  ['labels', gaveUp(running).object({ resourceVersion: '2' }), 'rest'],
  ['another revision', gaveUp(running).spec({ args: ['new'] }), 'writeLedger'],
  ['another revision, suspended', gaveUp(running).spec({ args: ['new'], state: 'Suspended' }), 'rest'],
  ['triggers.restart', gaveUp(running).spec({ triggers: { restart: 1 } }), 'writeLedger'],
  ['an invalid spec', gaveUp(running).invalid(), 'rest'],
] as const)('a job that was given up stays down until something else is to run: %s', (_what, story, then) => {
  expect(step(story).do).toBe(then);
});

test('a job that was given up begins anew from its newest checkpoint when its spec is edited', () => {
  const again = gaveUp(running).spec({ deletion: { mode: 'Cancel' } });
  expect(step(again)).toMatchObject({ ...opens(2), say: [{ note: expect.stringContaining('the spec has changed') }] });
  expect(ledgerOf(again)).toMatchObject({ life: { jobId: JOB_ID }, attempts: [{}, { revision: again.revision }] });
  expect(ledgerOf(again)).not.toHaveProperty('restartCounters');
});

test('what failed before is not held against a job that is taken up again, nor against another program', () => {
  const again = gaveUp(running).spec({ triggers: { restart: 1 } });
  expect(ledgerOf(again)).not.toHaveProperty('restartCounters');
  expect(ledgerOf(again)).not.toHaveProperty('gaveUp');
  expect(ledgerOf(failed(running).spec({ args: ['new'] }))).not.toHaveProperty('restartCounters');
  expect(ledgerOf(failed(running).after(DELAY_MS))).toMatchObject({ restartCounters: 1, restarts: 1 });
});

test('a revision that was given up before it proved itself is rolled back', () => {
  const good = running.stable();
  const bad = gaveUp(
    replaced(good)
      .spec({ args: ['new'] })
      .opened(),
  );
  expect(step(bad)).toMatchObject({
    why: `revision ${bad.revision} is bad`,
    ledger: { revisions: { badBecause: 'it ended' } },
  });
  const next = bad.did(step(bad));
  expect(step(next)).toMatchObject(opens(3));
  expect(ledgerOf(next)).toMatchObject({ revisions: { stable: good.revision, bad: bad.revision } });
  expect(ledgerOf(next).attempts.at(-1)).toMatchObject({ revision: good.revision });
});

test('a revision is not called bad once another one is asked for', () => {
  const bad = gaveUp(
    replaced(running.stable())
      .spec({ args: ['new'] })
      .opened(),
  );
  expect(step(bad.spec({ args: ['newer'] }))).toMatchObject(opens(3));
});

test('a revision that is tried again, and one that is not asked for any more, is forgiven', () => {
  const good = running.stable();
  const bad = replaced(good).spec({ args: ['new'] });
  const rolledBack = bad.rolledBack(bad.revision);
  expect(ledgerOf(rolledBack).revisions).toMatchObject({ bad: bad.revision });
  const again = rolledBack.spec({ triggers: { restart: 1 } });
  expect(ledgerOf(again)).toMatchObject({ revisions: { stable: good.revision }, handled: { restart: 1 } });
  expect(ledgerOf(again).revisions).not.toHaveProperty('bad');
  expect(ledgerOf(again).attempts.at(-1)).toMatchObject({ revision: bad.revision });
  expect(ledgerOf(rolledBack.spec({ args: ['newer'] })).revisions).not.toHaveProperty('bad');
});

test('a finished job stays finished until something else is to run; then it begins anew', () => {
  const story = ended('finished')(running);
  expect(step(story)).toEqual({ do: 'rest' });
  expect(step(story.invalid())).toEqual({ do: 'rest' });
  expect(step(story.object({ uid: 'another', generation: 1 }))).toEqual({ do: 'rest' });
  const again = story.spec({ args: ['new'] });
  expect(step(again)).toMatchObject(opens(2));
  expect(ledgerOf(again).life?.jobId).not.toBe(JOB_ID);
});

test('a finished job is removed after its time, if it has one', () => {
  const story = ended('finished')(aJob({ ttlSecondsAfterFinished: 60 }).running());
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + 60_000 });
  expect(step(story.after(60_000))).toEqual({ do: 'deleteJob' });
});

test('one that failed stays, however long ago that was: its state is kept for whoever looks at it', () => {
  const story = gaveUp(aJob({ ttlSecondsAfterFinished: 60 }).running());
  expect(step(story.after(600_000))).toEqual({ do: 'rest' });
});

test('a suspended job has no attempt', () => {
  const story = replaced(running).spec({ state: 'Suspended' });
  expect(step(story)).toEqual({ do: 'rest' });
  expect(step(story.spec({ state: 'Running' }))).toMatchObject(opens(2));
  expect(ledgerOf(story.spec({ state: 'Running' })).life?.jobId).toBe(JOB_ID);
});

test.each([
  ['waits for its restart', failed(running).after(DELAY_MS), opens(2)],
  ['was brought down for another revision', replaced(running), opens(2)],
  ['is suspended', replaced(running).status({ phase: 'Suspended' }), { do: 'rest' }],
  ['never ran', aJob().withHandles(), { do: 'rest', because: { reason: 'InvalidSpec' } }],
  [
    'has lost its revision',
    replaced(running).withoutRevision(running.revision),
    { do: 'rest', because: { reason: 'InvalidSpec' } },
  ],
] as const)('with an invalid spec a job goes on with its last revision: it %s', (_how, story, then) => {
  expect(step(story.invalid())).toMatchObject(then);
});

test('with an invalid spec nothing of the state or of triggers is touched', () => {
  const ledger = ledgerOf(replaced(running.spec({ ...stateless, triggers: { restart: 1 } })).invalid());
  expect(ledger.life?.jobId).toBe(JOB_ID);
  expect(ledger.handled).toBeUndefined();
});

test.each([
  ['LastState, another revision', { args: ['new'] }, true],
  ['Stateless, another revision', { ...stateless, args: ['new'] }, false],
  ['Stateless, the same revision', stateless, true],
  ['restored by hand', { triggers: { restore: 1 }, restoreFrom: 's3://bucket/a' }, false],
] as const)('whether the state is kept: %s', (_what, spec, isKept) => {
  const { life } = ledgerOf(replaced(running).spec(spec));
  expect(life?.jobId === JOB_ID).toBe(isKept);
  expect(life?.restoreFrom).toBe('restoreFrom' in spec ? spec.restoreFrom : undefined);
});

test('a rollback keeps the state, also under Stateless; another revision after it does not', () => {
  const bad = replaced(running.stable()).spec({ ...stateless, args: ['new'] });
  const down = replaced(bad.opened()).rolledBack(bad.revision);
  expect(ledgerOf(down).life?.jobId).toBe(JOB_ID);
  expect(ledgerOf(down.spec({ args: ['newer'] })).life?.jobId).not.toBe(JOB_ID);
});

test('a life whose pointers were lost is taken up again from status, and from where it was restored', () => {
  const lost = replaced(running).noted(({ life: _, ...ledger }) => ledger);
  const jobId = 'b'.repeat(32);
  const since = '2026-11-20T08:00:00Z';
  const known = lost.status({ jobId, startTime: since, restoredFrom: 's3://bucket/a' });
  expect(ledgerOf(known).life).toEqual({ jobId, since, restoreFrom: 's3://bucket/a' });
  expect(ledgerOf(lost.status({ jobId })).life).toEqual({ jobId, since: '2026-11-21T10:00:00.000Z' });
});

test('a life that somebody wrote into status, and that is none, is not taken up: its name would be a path', () => {
  const lost = replaced(running).noted(({ life: _, ...ledger }) => ledger);
  expect(ledgerOf(lost.status({ jobId: '../../etc' })).life).toEqual(ledgerOf(lost).life);
});

test('an attempt answers what was asked for by then, in the same patch', () => {
  const asked = replaced(running).spec({
    triggers: { restart: 2, restore: 3, savepoint: 4 },
    restoreFrom: 's3://bucket/a',
  });
  expect(ledgerOf(asked).handled).toEqual({ restart: 2, restore: 3 });
  const partly = asked.noted((ledger) => noteHandled(ledger, { restart: 2, restore: 9 }));
  expect(ledgerOf(partly).handled).toEqual({ restart: 2, restore: 9 });
});

test.each([
  ['the first one', aJob().withHandles()],
  ['triggers.restore asked', replaced(running).spec({ triggers: { restore: 1 }, restoreFrom: 's3://bucket/a' })],
  ['triggers.restart asked', replaced(running).spec({ triggers: { restart: 1 } })],
  ['the spec has changed', replaced(running).spec({ args: ['new'] })],
  ['the job is to run again', replaced(running)],
  ['attempt 1 failed', failed(running).after(DELAY_MS)],
] as const)('why an attempt begins is told: %s', (why, story) => {
  expect(step(story)).toMatchObject({ say: [{ reason: 'Submit', note: expect.stringContaining(why) as string }] });
});
