import { expect, test } from 'vitest';
import { closeAttempt, giveUp, recordCrash, recordFailure, reportFailure } from '../../../src/ha/index.ts';
import { situation, troubleOf } from '../../../src/reconcilers/flinkjob/phase.ts';
import { specVersion } from '../../../src/reconcilers/flinkjob/target.ts';
import { NOT_RECOVERABLE } from '../../../src/restart/index.ts';
import { aJob, aPod, type JobStory, T0 } from '../../builders/flinkjob-facts.ts';

const phase = (story: JobStory) => situation(story.facts(), undefined).phase;
const ended = (story: JobStory, how: 'replaced' | 'finished' | 'failed' | 'crashed' = 'replaced') =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'it ended' })).pods();
const failed = (story: JobStory, how: 'failed' | 'crashed' = 'failed') =>
  ended(story, how).noted((ledger, time) =>
    recordFailure(ledger, { time, cause: 'it ended', isNew: true, delayMs: 5, nextAt: time + 5, counters: 1 }),
  );
const crashed = (story: JobStory) =>
  story.noted((ledger, time) =>
    recordCrash(ledger, { time, cause: 'killed', isNew: true, delayMs: 5, nextAt: time, counters: 1, pod: 'a' }),
  );
const ranIn = (number: number) => ({ phase: 'Running', attempt: { number } }) as const;
const unheard = { rest: { is: 'notAsked' } } as const;

const good = aJob().running().stable();
const suspended = ended(good).spec({ state: 'Suspended' });
const changed = good.spec({ args: ['new'] });
const rescaled = good.spec({ parallelism: 3 });
const bad = ended(changed).opened();
const found = bad.rolledBack(changed.revision);

test.each([
  ['a job that was just applied', aJob(), 'Pending'],
  ['pointers without an attempt', aJob().withHandles(), 'Starting'],
  ['the first attempt comes up', aJob().opened(), 'Starting'],
  ['all tasks run', good, 'Running'],
  ['not all tasks run', good.answers({ tasksRunning: 3 }), 'Starting'],
  ['no pod is there of which that is true', good.pods(), 'Starting'],
  ['it failed, and waits', failed(good), 'Restarting'],
  ['it crashed, and waits', failed(good, 'crashed'), 'Restarting'],
  ['the attempt after a failure comes up', failed(good).opened().sees(unheard), 'Restarting'],
  ['the attempt after a crash comes up', failed(good, 'crashed').opened().sees(unheard), 'Restarting'],
  ['the spec has changed', changed, 'Upgrading'],
  ['the old revision is down', ended(changed), 'Upgrading'],
  ['the new revision comes up', bad.sees(unheard), 'Upgrading'],
  ['the new revision failed, and comes up again', failed(bad).opened().sees(unheard), 'Restarting'],
  [
    'the old revision failed, and the new one comes up',
    failed(good)
      .spec({ args: ['new'] })
      .opened()
      .sees(unheard),
    'Upgrading',
  ],
  ['another parallelism is asked for', rescaled, 'Rescaling'],
  ['it is down for another parallelism', ended(rescaled), 'Rescaling'],
  ['it comes up with another parallelism', ended(rescaled).opened().sees(unheard), 'Rescaling'],
  ['the new revision ran, and its pod was lost', bad.status(ranIn(2)).sees(unheard), 'Starting'],
  ['the new revision ran, and a standby takes over', crashed(bad).status(ranIn(2)).sees(unheard), 'Restarting'],
  ['the new revision does not run, and a standby takes over', crashed(bad).sees(unheard), 'Upgrading'],
  ['a bad revision still runs', found, 'RollingBack'],
  ['a bad revision is down', ended(found), 'RollingBack'],
  ['a bad revision has failed', failed(found), 'RollingBack'],
  ['the good one comes up again', failed(found).opened(good.revision).sees(unheard), 'RollingBack'],
  [
    'the good one fails after that',
    failed(failed(found).opened(good.revision)).opened(good.revision).sees(unheard),
    'Restarting',
  ],
  ['it is to be suspended', good.spec({ state: 'Suspended' }), 'Suspending'],
  ['its pods are on their way out', suspended.pods(aPod({ isDeleting: true })), 'Suspending'],
  ['it is suspended', suspended, 'Suspended'],
  ['it is to run again', ended(good), 'Starting'],
  ['it comes up again', ended(good).opened().sees(unheard), 'Starting'],
  ['it is suspended with another spec', suspended.spec({ args: ['new'] }), 'Suspended'],
  ['it is restarted by hand', good.spec({ triggers: { restart: 1 } }), 'Restarting'],
  ['it is restored by hand', good.spec({ triggers: { restore: 1 }, restoreFrom: 's3://bucket/a' }), 'Restarting'],
  ['it has finished', ended(good, 'finished'), 'Succeeded'],
  ['it has finished, and is to run anew', ended(good, 'finished').spec({ args: ['new'] }), 'Upgrading'],
  ['it is deleted', good.deleted(), 'Deleting'],
  [
    'its pointers were made anew',
    ended(good).noted((ledger) => ({ ...ledger, attempts: ledger.attempts.map(({ revision: _, ...each }) => each) })),
    'Starting',
  ],
] as const)('%s', (_what, story, expected) => {
  expect(phase(story)).toBe(expected);
});

test('the attempt after a loss of the pointers only starts', () => {
  const lost = ended(good).noted((ledger) => ({
    ...ledger,
    attempts: ledger.attempts.map(({ revision: _, ...each }) => each),
  }));
  expect(phase(lost.opened().sees(unheard))).toBe('Starting');
});

test('a job that does not answer is still what it was, while who led it lives', () => {
  const leader = { number: 1, leader: 'flights-1-0' };
  const silent = good.status({ phase: 'Running', attempt: leader }).silent();
  expect(phase(silent)).toBe('Running');
  expect(phase(silent.pods(aPod({ isReady: false })))).toBe('Starting');
  expect(phase(silent.status({ phase: 'Starting', attempt: leader }))).toBe('Starting');
  expect(phase(silent.status({ attempt: { number: 1, leader: 'flights-1-9' } }))).toBe('Starting');
  expect(phase(good.silent())).toBe('Starting');
});

test('what nobody can mend is told, and why', () => {
  const spec = specVersion(good.facts().object);
  const gaveUp = failed(good).noted((ledger, at) => giveUp(ledger, { at, reason: 'used up', spec }));
  expect(situation(gaveUp.facts(), undefined)).toEqual({
    phase: 'Failed',
    reason: 'RestartsExhausted',
    detail: 'it ended',
  });
  const suppressed = good.noted((ledger, at) =>
    giveUp(
      closeAttempt(reportFailure(ledger, 1, { at, epoch: 1, cause: 'no', suppressRestarts: true }), {
        how: 'failed',
        at,
        cause: 'no',
      }),
      { at, reason: 'no' },
    ),
  );
  expect(situation(suppressed.facts(), undefined)).toMatchObject({ phase: 'Failed', reason: 'RestartsSuppressed' });
  const ended = (end: { readonly isInvalid?: true }, reason: string) =>
    good.noted((ledger, at) =>
      giveUp(closeAttempt(ledger, { how: 'failed', at, cause: 'no', ...end }), { at, reason }),
    );
  expect(situation(ended({}, NOT_RECOVERABLE).facts(), undefined).reason).toBe('RestartsSuppressed');
  expect(situation(ended({ isInvalid: true }, NOT_RECOVERABLE).facts(), undefined).reason).toBe('InvalidJob');
  expect(phase(gaveUp.spec({ args: ['new'] }))).toBe('Upgrading');
  expect(phase(gaveUp.invalid())).toBe('Failed');
  expect(phase(gaveUp.spec({ restart: { none: {} } }))).toBe('Restarting');
  expect(phase(gaveUp.spec({ state: 'Suspended' }))).toBe('Suspended');
});

test('a job that waits says why, and until when', () => {
  expect(situation(failed(good).facts(), undefined)).toEqual({
    phase: 'Restarting',
    reason: 'ProgressingWithRetry',
    detail: 'it ended',
    nextAt: T0 + 5,
  });
});

test.each([
  ['a job that runs', good, 'Running'],
  ['a job that is suspended', suspended.status({ phase: 'Suspended' }), 'Suspended'],
  ['a job that waits', failed(good), 'Restarting'],
] as const)('an invalid spec changes no phase: %s', (_what, story, expected) => {
  expect(situation(story.invalid().facts(), undefined)).toMatchObject({
    phase: expected,
    reason: 'InvalidSpec',
    detail: 'spec.parallelism: must be 1 or more',
  });
});

test('an invalid spec says no more than it knows', () => {
  const facts = good.facts();
  expect(
    situation({ ...facts, desired: { is: 'invalid', violations: [], isOrphan: false } }, undefined).detail,
  ).toBeUndefined();
});

test.each([
  ['HandlesMissing', 'Pending'],
  ['RestoreDecisionNeeded', 'Pending'],
  ['HandlesCorrupt', 'Failed'],
  ['InvalidSpec', 'Failed'],
] as const)('what a decision stopped at without pointers: %s', (reason, expected) => {
  expect(situation(aJob().facts(), { reason, detail: 'so' })).toEqual({ phase: expected, reason, detail: 'so' });
});

test('what a decision waits for is said, unless a pod says something nearer to the cause', () => {
  const waits = { reason: 'Progressing', detail: 'a savepoint needs a job that runs' } as const;
  expect(situation(changed.facts(), waits)).toMatchObject({ phase: 'Upgrading', detail: waits.detail });
  const trouble = { reason: 'ImagePullBackOff', message: 'no such image' };
  const pulling = changed.pods(aPod({ trouble, isReady: false }));
  expect(situation(pulling.facts(), waits)).toMatchObject({ reason: 'ImagePullBackOff', detail: 'no such image' });
  expect(situation(changed.facts(), { reason: 'InvalidSpec' })).toMatchObject({ reason: 'InvalidSpec' });
});

test('what keeps a pod from coming up is told in the words of the catalogue', () => {
  const trouble = { reason: 'Unschedulable', message: '0/3 nodes' };
  const story = aJob()
    .opened()
    .pods(aPod({ trouble, isReady: false }));
  expect(situation(story.facts(), undefined)).toEqual({
    phase: 'Starting',
    reason: 'Unschedulable',
    detail: '0/3 nodes',
    pod: 'flights-1-0',
  });
  expect(troubleOf(aPod({ trouble: { reason: 'Odd', message: '' } }))).toEqual({
    reason: 'Progressing',
    detail: 'Odd',
    pod: 'flights-1-0',
  });
  expect(troubleOf(aPod())).toBeUndefined();
});

test('a deletion that waits for work in the storage says so, and what is wrong with the pod that does it', () => {
  const pod = { name: 'flights-storage-remove', uid: 'u', isDeleting: false, end: undefined, trouble: undefined };
  const detail = (more: object) =>
    situation(
      good
        .deleted()
        .sees({ storageWork: { pod: { ...pod, ...more }, tries: undefined, origins: [] } })
        .facts(),
      undefined,
    ).detail;
  expect(detail({})).toBe('what it has stored is removed by pod flights-storage-remove');
  expect(detail({ trouble: { reason: 'ErrImagePull', message: 'no' } })).toBe(
    'what it has stored is removed by pod flights-storage-remove, which is in ErrImagePull: no',
  );
  const end = { takenFromOutside: false, answer: undefined, how: 'exit code 0' };
  expect(detail({ end })).toBeUndefined();
  expect(situation(good.deleted().facts(), undefined).detail).toBeUndefined();
});

const detailOf = (story: JobStory) => situation(story.facts(), undefined).detail;

test('a change on its way says which fields changed, and until the old attempt is closed what will become of the state', () => {
  const rollback = 'If it is not stable in time, the revision before takes its place again';
  expect(detailOf(changed)).toBe(`spec.args changed. The job restarts from its newest checkpoint. ${rollback}`);
  expect(detailOf(rescaled)).toBe(
    'spec.parallelism changed. The job restarts from its newest checkpoint with parallelism 3',
  );
  const saved = good.spec({ args: ['new'], upgrade: { mode: 'Savepoint' } });
  expect(detailOf(saved)).toContain('The job is stopped with a savepoint and restarts from that.');
  expect(detailOf(saved.answers({ tasksRunning: 1 }))).toContain('no savepoint can be taken');
  expect(detailOf(ended(changed))).toBe('spec.args changed');
  expect(detailOf(bad.sees(unheard))).toBe('spec.args changed');
});

test('a rollback says why', () => {
  const because = `revision ${changed.revision} did not become stable: it was not stable within 600 s`;
  for (const story of [found, ended(found), failed(found).opened(good.revision).sees(unheard)]) {
    expect(detailOf(story)).toBe(because);
  }
});

test('an invalid spec says everything that is wrong with it', () => {
  const facts = good.facts();
  const violation = (path: string, severity: 'error' | 'warning' = 'error') =>
    ({ path, rule: 'is wrong', remedy: 'Mend it.', code: 'X', severity }) as const;
  const violations = [violation('spec.a'), violation('spec.b', 'warning'), violation('spec.c')];
  const desired = { is: 'invalid', violations, isOrphan: false } as const;
  expect(situation({ ...facts, desired }, undefined)).toMatchObject({
    reason: 'InvalidSpec',
    detail: 'spec.a: is wrong; spec.c: is wrong',
  });
  const many = Array.from({ length: 22 }, (_, index) => violation(`spec.${index}`));
  const all = situation({ ...facts, desired: { ...desired, violations: many } }, undefined);
  expect(all.detail).toMatch(/spec\.19: is wrong; 2 more$/);
});
