/**
 * One sentence in every place: whatever state a job is in, its conditions, the command line and the events that are told of
 * it say the same cause, and the same command or edit that mends it.
 */
import { describe, expect, test } from 'vitest';
import { explain, explainJob, needsSomebody, PHASES, REASONS, type Reason } from '../../../src/api/index.ts';
import { closeAttempt, giveUp, recordFailure, reportFailure } from '../../../src/ha/index.ts';
import type { Outcome } from '../../../src/reconcilers/flinkjob/conditions.ts';
import { newsOf } from '../../../src/reconcilers/flinkjob/news.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { savepointRequest } from '../../../src/reconcilers/flinkjob/savepoint-step.ts';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { NOT_RECOVERABLE } from '../../../src/restart/index.ts';
import { aCheckpoint, aJob, anEnd, aPod, type JobStory } from '../../builders/flinkjob-facts.ts';

const NOTHING: Outcome = { because: undefined, error: undefined };
const toldOf = (story: JobStory, outcome = NOTHING) => story.status(statusOf(story.facts(), outcome));

const running = toldOf(aJob({ parallelism: 2 }).running().stable());
const ended = (story: JobStory, how: 'replaced' | 'finished' | 'failed' = 'replaced') =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'bad record' })).pods();
const failed = ended(running, 'failed').noted((ledger, time) =>
  recordFailure(ledger, { time, cause: 'bad record', isNew: true, delayMs: 5_000, nextAt: time + 5_000, counters: 1 }),
);
const gaveUp = (reason: string, isInvalid?: boolean) =>
  running
    .noted((ledger, at) =>
      giveUp(closeAttempt(ledger, { how: 'failed', at, cause: 'bad record', ...(isInvalid && { isInvalid }) }), {
        at,
        reason,
      }),
    )
    .pods();
const changed = running.spec({ args: ['new'] });
const troubled = (reason: string) =>
  toldOf(aJob().opened()).pods(aPod({ isReady: false, trouble: { reason, message: 'what the kubelet says' } }));
const failing = {
  completed: 3,
  failed: 1,
  checkpoint: aCheckpoint({ id: 7 }),
  lastFailure: { id: 8, cause: 'disk full' },
};
const asking = running.spec({ triggers: { savepoint: 1 } });
const because = (reason: Reason, detail = 'what is wrong'): Outcome => ({
  because: { reason, detail },
  error: undefined,
});
const error = (reason: Reason): Outcome => ({
  because: undefined,
  error: { code: 'X', message: 'the server said no', retryable: true, reason },
});

/** Every reason that the operator can come to, and how it comes to it. */
const CASES = (
  [
    ['Progressing', aJob()],
    ['Progressing', aJob().opened()],
    ['Progressing', changed],
    ['Progressing', running.spec({ parallelism: 8 })],
    ['Progressing', ended(changed).opened().rolledBack(changed.revision)],
    ['Progressing', running.spec({ state: 'Suspended' })],
    ['ProgressingWithRetry', failed],
    ['Succeeded', running],
    ['Suspended', ended(running).spec({ state: 'Suspended' })],
    ['Finished', ended(running, 'finished')],
    ['Deleting', running.deleted()],
    ['InvalidSpec', running.invalid()],
    ['InvalidJob', gaveUp('it is not valid', true)],
    ['Forbidden', running, error('Forbidden')],
    ['NameConflict', running, error('NameConflict')],
    ['FailedCreate', running, error('FailedCreate')],
    ['StateTooLarge', running, error('StateTooLarge')],
    ['RestartsExhausted', gaveUp('used up')],
    ['RestartsSuppressed', gaveUp(NOT_RECOVERABLE)],
    ['RestoreDecisionNeeded', running.withoutHandles(), because('RestoreDecisionNeeded')],
    ['HandlesMissing', running.withoutHandles(), because('HandlesMissing')],
    ['HandlesCorrupt', running.withCorruptHandles(), because('HandlesCorrupt')],
    ['RuntimeNotSupported', aJob(), because('RuntimeNotSupported')],
    ['CheckpointsFailing', running.answers(failing)],
    ['RolledBack', ended(ended(changed).opened().rolledBack(changed.revision)).opened(running.revision).running()],
    [
      'SavepointFailed',
      asking.operation(
        savepointRequest(asking.facts())?.triggerId ?? '',
        { is: 'failed', cause: 'full' },
        { tries: 5 },
      ),
    ],
    ['OOMKilled', failed.pods(aPod({ end: anEnd({ signal: 'OOMKilled', exitCode: 137 }) }))],
    ...(
      [
        'ImagePullBackOff',
        'ErrImagePull',
        'CrashLoopBackOff',
        'RunContainerError',
        'Unschedulable',
        'FailedMount',
        'CreateContainerConfigError',
      ] as const
    ).map((reason) => [reason, troubled(reason)] as const),
  ] as readonly (readonly [Reason, JobStory, Outcome?])[]
).map(([reason, story, outcome = NOTHING]) => ({ reason, story, outcome }));

/** What no condition says: of a cluster without an operator, and words for what is looked up by name. */
const ELSEWHERE: readonly Reason[] = [
  'OperatorAbsent',
  'StorageUnreachable',
  'StorageNotShared',
  'DeadlineExceeded',
  'VersionMismatch',
  'Evicted',
  'NodeLost',
];

test('every reason and every phase is looked at', () => {
  const met = new Set<Reason>([...CASES.map(({ reason }) => reason), ...ELSEWHERE]);
  expect(REASONS.filter((reason) => !met.has(reason))).toEqual([]);
  const phases = new Set(CASES.map(({ story, outcome }) => statusOf(story.facts(), outcome).phase));
  expect(PHASES.filter((phase) => !phases.has(phase))).toEqual([]);
});

/** What somebody can type, edit or look at. */
const HELP = /kubectl |flinkjob |spec\.|Secret|claim|node|image|Nothing to do/;

describe.each(CASES)('$reason', ({ reason, story, outcome }) => {
  const facts = story.facts();
  const status = statusOf(facts, outcome);
  const { name, namespace, generation, deletingSince } = facts.object;
  const deletionTimestamp = deletingSince === undefined ? {} : { deletionTimestamp: new Date(deletingSince) };
  const found = explainJob(
    { metadata: { name, namespace, generation, ...deletionTimestamp }, spec: {}, status },
    { now: facts.now },
  );

  test('the command line comes to it by the status alone', () => {
    expect(found.reason).toBe(reason);
    expect(found.cause).toMatch(/^[A-Z].*\.$/);
    expect(found.remedy).toMatch(HELP);
  });

  test('a condition that says it says the same, with the remedy where somebody is needed', () => {
    const said = (status.conditions ?? []).filter((each) => each.reason === reason);
    for (const { message } of said) {
      if (!needsSomebody(reason)) continue;
      expect(message.startsWith(found.cause.slice(0, 30))).toBe(true);
      const { remedy } = explain(reason, { job: name, namespace });
      expect(message).toContain(remedy.slice(-25));
    }
  });

  test('an event that says it says the same', () => {
    const before = newsOf(facts, status).filter(({ type }) => type === 'Warning');
    for (const { note } of before) {
      const message = status.conditions?.find((each) => each.message === note)?.message;
      expect(message ?? `${found.cause} ${found.remedy}`).toBe(note);
    }
  });
});

test('a job that is given up is told of in the words of its condition', () => {
  const story = running.noted((ledger, at) =>
    reportFailure(ledger, 1, { cause: 'bad record', at, epoch: 2, suppressRestarts: true }),
  );
  const step = nextStep(story.pods().facts());
  if (step.do !== 'writeLedger') throw new Error(`it comes to ${step.do}`);
  const status = statusOf(story.did(step).pods().facts(), NOTHING);
  const message = status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
  const [said] = step.say;
  expect(said).toMatchObject({ type: 'Warning', reason: 'JobException' });
  expect(said?.note).toContain('The failure: bad record. Mend what it names, then kubectl flinkjob restart flights');
  expect(message).toContain('The failure: bad record. Mend what it names, then kubectl flinkjob restart flights');
});
