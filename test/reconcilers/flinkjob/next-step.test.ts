import { expect, test } from 'vitest';
import { jobResultKey, noteRestartStrategyInCode, openAttemptOf, recordCrash } from '../../../src/ha/index.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import {
  aJob,
  aPod,
  EVICTED,
  FAILED,
  FINISHED,
  JOB_ID,
  type JobStory,
  KILLED,
  SETTINGS,
  STOPPED_WITH_SAVEPOINT,
  T0,
} from '../../builders/flinkjob-facts.ts';

const step = (story: JobStory) => nextStep(story.facts());
const running = aJob().running().stable();

test('a new job is made in the order in which it can be cleaned up', () => {
  const fresh = aJob();
  const revision = { name: fresh.revision, number: 1, image: SETTINGS.image };
  expect(step(fresh)).toMatchObject({ do: 'addFinalizer', revision });
  expect(step(fresh.recorded().object({ hasFinalizer: false }))).toEqual({ do: 'addFinalizer' });
  const held = fresh.object({ hasFinalizer: true });
  expect(step(held)).toMatchObject({ do: 'recordRevision', revision });
  expect(step(fresh.recorded())).toMatchObject({ do: 'createHandles', ledger: { attempts: [{ number: 1 }] } });
  expect(step(fresh.withHandles())).toMatchObject({ do: 'writeLedger', why: 'open attempt 1' });
  expect(step(fresh.opened().sees({ unmet: ['Role flights'] }))).toMatchObject({ do: 'makeChildren' });
  expect(step(fresh.opened())).toMatchObject({ do: 'freeLease' });
  expect(step(fresh.opened().sees({ leaseFreedOf: '1/' }))).toMatchObject({ do: 'makePods', indexes: [0] });
  expect(step(running)).toEqual({ do: 'rest' });
});

test('revisions are numbered on, and keep the image that they were accepted with', () => {
  const story = running.spec({ args: ['new'], image: 'example.org/own:2' }).withoutRevision(running.revision);
  const changed = story.withoutRevision(story.revision);
  expect(step(changed)).toMatchObject({ revision: { number: 1, image: 'example.org/own:2' } });
  const second = running.spec({ args: ['new'] });
  expect(step(second.withoutRevision(second.revision))).toMatchObject({ revision: { number: 2 } });
});

test.each([
  [
    'pointers that cannot be read',
    running.withCorruptHandles('no JSON'),
    { reason: 'HandlesCorrupt', detail: 'no JSON' },
  ],
  [
    'an invalid spec of a job that never was',
    aJob().invalid(),
    { reason: 'InvalidSpec', detail: 'spec.parallelism: must be 1 or more' },
  ],
  ['a runtime that this version has not', aFlinkJob(), { reason: 'RuntimeNotSupported' }],
] as const)('nothing is done about %s', (_what, story, because) => {
  expect(step(story)).toEqual({ do: 'rest', because });
});

function aFlinkJob(): JobStory {
  return aJob({ typescript: undefined, flink: { version: '2.3', jar: { uri: 'local:///a.jar', entryClass: 'A' } } });
}

test('an invalid spec says no more than it knows', () => {
  const story = aJob().invalid();
  expect(nextStep({ ...story.facts(), desired: { is: 'invalid', violations: [], isOrphan: false } })).toEqual({
    do: 'rest',
    because: { reason: 'InvalidSpec' },
  });
});

test('one that was cancelled is said to have been, as its result says', () => {
  const facts = running.pods(aPod({ end: FINISHED })).facts();
  const { handles } = facts;
  if (handles.is !== 'there') throw new TypeError('it has pointers');
  const { snapshot } = handles.view;
  const result = { version: 1, dirty: false, result: { id: JOB_ID, 'application-status': 'CANCELED' } };
  const entries = new Map([...snapshot.entries, [jobResultKey(JOB_ID), JSON.stringify(result)]]);
  const view = { ...handles.view, snapshot: { ...snapshot, entries } };
  expect(nextStep({ ...facts, handles: { is: 'there', view } })).toMatchObject({
    ledger: { attempts: [{ end: { how: 'finished', cause: 'the job was cancelled' } }] },
    say: [{ note: 'The job was cancelled.' }],
  });
});

test('with an invalid spec a job that runs runs on', () => {
  expect(step(running.invalid())).toEqual({ do: 'rest' });
});

test('a job that has finished is closed, and stays so', () => {
  const story = running.pods(aPod({ end: FINISHED }));
  expect(step(story)).toMatchObject({ why: 'close the attempt: finished', say: [{ reason: 'JobStatusChanged' }] });
  const ended = story.did(step(story));
  expect(step(ended.pods())).toEqual({ do: 'rest' });
  // By default nobody needs its pods.
  expect(step(ended)).toMatchObject({ do: 'deletePods' });
});

test('a job that was stopped with a savepoint goes on from there, if it is to run', () => {
  const story = running.pods(aPod({ end: STOPPED_WITH_SAVEPOINT }));
  const closed = step(story);
  expect(closed).toMatchObject({
    why: 'close the attempt: stopped with savepoint s3://bucket/jobs/savepoint-1',
    say: [{ reason: 'SavepointCompleted' }],
  });
  expect(step(story.did(closed))).toMatchObject({ why: 'open attempt 2' });
});

test('a leader that crashed is counted, and who stood by goes on', () => {
  const dead = aPod({ end: KILLED });
  const story = running.pods(dead, aPod({ index: 1 }));
  const counted = step(story);
  expect(counted).toMatchObject({ why: 'count a crash', ledger: { restarts: 1 }, say: [{ reason: 'Recover' }] });
  expect(openAttemptOf(story.did(counted).ledger)?.failures).toMatchObject([{ pod: dead.uid, nextAt: T0 }]);
  expect(step(story.did(counted))).toEqual({ do: 'rest' });
});

test('a leader that crashed once too often is not followed', () => {
  const story = aJob({ restart: { none: {} } })
    .running()
    .pods(aPod({ end: KILLED }), aPod({ index: 1 }));
  expect(step(story)).toMatchObject({ why: 'give up', say: [{ reason: 'JobException' }] });
});

test('which strategy a failure is judged by: the spec, else the code, else the operator, else what is built in', () => {
  const end = (story: JobStory) => step(story.pods(aPod({ end: FAILED })));
  const inCode = { type: 'fixedDelay', attempts: 1, delayMs: 7_000 };
  const coded = running.noted((ledger) => noteRestartStrategyInCode(ledger, inCode));
  const nextIn = (ms: number) => ({ ledger: { attempts: [{ failures: [{ delayMs: ms }] }] } });
  expect(end(coded.spec({ restart: { fixedDelay: { attempts: 1, delay: '3s' } } }))).toMatchObject(nextIn(3_000));
  expect(end(coded)).toMatchObject(nextIn(7_000));
  const settings = { ...SETTINGS, restart: { type: 'fixedDelay', attempts: 1, delayMs: 5_000 } as const };
  expect(end(running.sees({ settings }))).toMatchObject(nextIn(5_000));
  expect(end(running)).toMatchObject(nextIn(1_000));
  const none = { checkpoints: { interval: '0s' } };
  expect(end(aJob(none).running())).toMatchObject({ why: 'give up' });
  expect(end(aJob(none).running().invalid())).toMatchObject({ why: 'give up' });
});

test('what waits does not keep anything else from being done', () => {
  // A standby is not yet to be made again, a savepoint is.
  const lost = aPod({ index: 1, end: EVICTED });
  const spec = { highAvailability: { standbys: 1 }, triggers: { savepoint: 1 } };
  const story = aJob(spec)
    .running()
    .stable()
    .pods(aPod(), lost)
    .sees({ leaseFreedOf: `1/${lost.uid}` });
  expect(step(story)).toMatchObject({ do: 'takeSavepoint' });
  // Of all that is waited for the next one counts.
  const { triggerId } = step(story) as { readonly triggerId: string };
  expect(step(story.operation(triggerId, { is: 'inProgress' }))).toEqual({ do: 'rest', untilMs: T0 + 250 });
});

test('an upgrade that waits for a job that runs lets it have its pods', () => {
  const story = aJob({ upgrade: { mode: 'Savepoint', fallback: false } })
    .running()
    .spec({ args: ['new'] })
    .pods();
  expect(step(story)).toMatchObject({ do: 'freeLease' });
  expect(step(story.sees({ leaseFreedOf: '1/' }))).toMatchObject({ do: 'makePods' });
  expect(step(story.pods(aPod({ isReady: false })))).toMatchObject({ do: 'rest', because: { reason: 'Progressing' } });
});

test('an upgrade whose wish is withdrawn while it saves lets the job run on', () => {
  const saving = aJob({ upgrade: { mode: 'Savepoint' } })
    .running()
    .stable();
  const back = saving
    .spec({ args: ['new'] })
    .stopping('upgrade')
    .spec({ args: undefined });
  expect(step(back)).toEqual({ do: 'rest', untilMs: T0 + SETTINGS.savepointDeadlineMs });
  expect(step(back.after(SETTINGS.savepointDeadlineMs))).toMatchObject({
    why: 'the attempt is not to be brought down any more',
  });
});

test('an upgrade whose target changes while it saves goes on to the newer one', () => {
  const saving = aJob({ upgrade: { mode: 'Savepoint' } })
    .running()
    .stable();
  const newer = saving
    .spec({ args: ['new'] })
    .stopping('upgrade')
    .spec({ args: ['newer'] });
  expect(step(newer)).toEqual({ do: 'stopWithSavepoint', triggerId: 'f'.repeat(32) });
  const stopped = newer.pods(aPod({ end: STOPPED_WITH_SAVEPOINT }));
  const next = stopped.did(step(stopped));
  expect(next.did(step(next)).ledger.attempts.at(-1)).toMatchObject({ number: 2, revision: newer.revision });
});

test('a job that is suspended and resumed while it saves is brought down, and runs again', () => {
  const saving = aJob({ upgrade: { mode: 'Savepoint' } })
    .running()
    .stable()
    .stopping('suspend');
  expect(step(saving)).toMatchObject({ do: 'stopWithSavepoint' });
  const stopped = saving.pods(aPod({ end: STOPPED_WITH_SAVEPOINT }));
  expect(step(stopped.did(step(stopped)))).toMatchObject({ why: 'open attempt 2' });
});

test('a crash that was counted, and one that never led, are lost pods', () => {
  const dead = aPod({ end: KILLED });
  const entry = { time: T0, cause: 'a', isNew: true, delayMs: 0, nextAt: T0, counters: null, pod: dead.uid };
  const counted = running.noted((ledger) => recordCrash(ledger, entry)).pods(dead);
  expect(step(counted)).toMatchObject({ do: 'freeLease' });
});

test('in a namespace that goes nothing is made, and nothing is tried', () => {
  const story = aJob().running();
  const lost = story.pods().sees({ isNamespaceTerminating: true });
  expect(nextStep(lost.facts())).toEqual({ do: 'rest' });
});
