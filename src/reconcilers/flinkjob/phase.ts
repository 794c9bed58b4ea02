/** Where a job is in its life, and why it is not where it should be. A pure function of the facts, never of words. */
import type { Phase, Reason } from '../../api/index.ts';
import { type AttemptRecord, type Ledger, openAttemptOf } from '../../ha/index.ts';
import { NOT_RECOVERABLE } from '../../restart/index.ts';
import { changeUnderWay } from './change-words.ts';
import { type FlinkJobFacts, isRunning, livePods, type PodSeen } from './facts.ts';
import { invalidSpec } from './invalid-spec.ts';
import type { Hold } from './step.ts';
import { isGivenUp, isRescale, isRollback, isToBeDown, stopReason, targetRevision } from './target.ts';

/** The state of a job in one word, and what a person has to know of it. */
export interface Situation {
  readonly phase: Phase;
  readonly reason: Reason;
  readonly detail?: string | undefined;
  readonly pod?: string | undefined;
  /** What runs, where that is not what is asked for. */
  readonly revision?: string | undefined;
  /** When the next thing happens by itself. */
  readonly nextAt?: number | undefined;
}

/** @param because what the last decision stopped at, if somebody has to do something */
export function situation(facts: FlinkJobFacts, because: Hold | undefined): Situation {
  const { object, desired, handles } = facts;
  if (object.deletingSince !== undefined) return { phase: 'Deleting', reason: 'Deleting', detail: workWords(facts) };
  const ledger = handles.is === 'there' ? handles.view.ledger : undefined;
  if (because !== undefined && ledger === undefined) return { phase: heldPhase(because), ...because };
  if (ledger === undefined) return { phase: 'Pending', reason: 'Progressing' };
  const open = openAttemptOf(ledger);
  const found = open === undefined ? between(facts, ledger) : within(facts, ledger, open);
  if (because !== undefined && (because.reason !== 'Progressing' || found.reason === 'Progressing')) {
    return { ...found, ...because };
  }
  return desired.is === 'invalid' ? { ...found, ...invalidSpec(desired.violations) } : found;
}

/** What a deletion waits for that is no pod of the job. */
function workWords({ storageWork: { pod } }: FlinkJobFacts): string | undefined {
  if (pod === undefined || pod.end !== undefined) return undefined;
  const trouble = pod.trouble === undefined ? '' : `, which is in ${pod.trouble.reason}: ${pod.trouble.message}`;
  return `what it has stored is removed by pod ${pod.name}${trouble}`;
}

function heldPhase({ reason }: Hold): Phase {
  return reason === 'HandlesMissing' || reason === 'RestoreDecisionNeeded' ? 'Pending' : 'Failed';
}

function within(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord): Situation {
  const why = stopReason(facts, ledger);
  const trouble = troubled(facts, open);
  const told = trouble === undefined ? { reason: 'Progressing' as const } : trouble;
  switch (why) {
    case 'suspend':
      return { ...suspending(facts), ...told };
    case 'rollback':
      return { phase: 'RollingBack', detail: whyRolledBack(ledger), ...told };
    case 'upgrade':
      return { ...changeBegun(facts, open, targetRevision(facts, ledger)), ...told };
    case 'restart':
    case 'restore':
      return { phase: 'Restarting', ...told };
    case 'delete':
    case undefined:
      break;
  }
  if (isRunning(facts, open.number) || isStillRunning(facts, open)) {
    return { phase: 'Running', reason: 'Succeeded', ...rolledBack(facts, ledger, open) };
  }
  return { ...starting(facts, ledger, open), ...told };
}

/** What runs well is not what the spec asks for, and will not be before somebody does something. */
function rolledBack({ desired }: FlinkJobFacts, { revisions }: Ledger, open: AttemptRecord): Partial<Situation> {
  const { bad, badBecause } = revisions ?? {};
  if (desired.is === 'invalid' || bad !== desired.revision || open.revision === bad) return {};
  return { reason: 'RolledBack', detail: badBecause, revision: open.revision };
}

type Going = Pick<Situation, 'phase' | 'detail'>;

/** The attempt of the old revision is still open: what is going to happen is said in the words of a plan. */
function changeBegun(facts: FlinkJobFacts, open: AttemptRecord, to: string | undefined): Going {
  const from = open.revision;
  const canSave = open.stopping !== undefined || isRunning(facts, open.number);
  const detail = changeUnderWay(facts, from, to, canSave ? 'Running' : 'Starting');
  return { phase: changePhase(facts, from, to), detail };
}

/** It is closed. */
function changeMade(facts: FlinkJobFacts, from: string | undefined, to: string | undefined): Going {
  return { phase: changePhase(facts, from, to), detail: changeUnderWay(facts, from, to) };
}

/** The same from its beginning to its end: how far it is shows in the pods. */
function suspending({ desired }: FlinkJobFacts): Going {
  const isSaved = desired.is === 'valid' && desired.settings.upgrade.mode === 'Savepoint';
  const how = isSaved ? 'with a savepoint' : 'and its newest checkpoint is kept';
  return { phase: 'Suspending', detail: `spec.state is Suspended, so the job is stopped ${how}` };
}

function whyRolledBack({ revisions }: Ledger): string | undefined {
  const { bad, badBecause } = revisions ?? {};
  return bad === undefined ? undefined : `revision ${bad} did not become stable: ${badBecause}`;
}

/** A job that ran when it was heard of last, and does not answer, is not known to be anything else while who led it lives. */
function isStillRunning(facts: FlinkJobFacts, { number }: AttemptRecord): boolean {
  const { phase, attempt } = facts.status ?? {};
  const leads = livePods(facts.pods, number).some(({ name, isReady }) => isReady && name === attempt?.leader);
  return leads && phase === 'Running' && facts.rest.is === 'silent' && facts.rest.attempt === number;
}

function changePhase({ revisions }: FlinkJobFacts, from: string | undefined, to: string | undefined): Phase {
  return isRescale(revisions.get(from ?? ''), revisions.get(to ?? '')) ? 'Rescaling' : 'Upgrading';
}

/** What an attempt that does not run yet is on its way from. */
function starting(facts: FlinkJobFacts, ledger: Ledger, open: AttemptRecord): Going {
  const before = ledger.attempts.at(-2);
  // A record that was lost, and made anew, names none.
  if (before?.revision === undefined) return { phase: 'Starting' };
  if (before.revision !== open.revision && hasRun(facts, open)) {
    return { phase: open.failures.length > 0 ? 'Restarting' : 'Starting' };
  }
  if (isRollback(ledger, before.revision, open.revision)) {
    return { phase: 'RollingBack', detail: whyRolledBack(ledger) };
  }
  if (before.revision !== open.revision) return changeMade(facts, before.revision, open.revision);
  const hasFailed = before.end?.how === 'failed' || before.end?.how === 'crashed';
  return { phase: hasFailed ? 'Restarting' : 'Starting' };
}

/** Whether an attempt of another revision got as far as to run: the change is made then, whatever becomes of its pods. */
function hasRun({ status }: FlinkJobFacts, { number }: AttemptRecord): boolean {
  const { phase, attempt } = status ?? {};
  return attempt?.number === number && (phase === 'Running' || phase === 'Starting' || phase === 'Restarting');
}

function between(facts: FlinkJobFacts, ledger: Ledger): Situation {
  const { pods } = facts;
  const last = ledger.attempts.at(-1);
  const target = targetRevision(facts, ledger);
  if (ledger.gaveUp !== undefined && isGivenUp(facts, ledger) && target === last?.revision) {
    return { phase: 'Failed', reason: whyGivenUp(ledger.gaveUp.reason, last), detail: last?.end?.cause };
  }
  if (last?.end?.how === 'finished' && target === last.revision) return { phase: 'Succeeded', reason: 'Finished' };
  if (isToBeDown(facts)) {
    const isDown = pods.every(({ end }) => end !== undefined);
    return isDown ? { phase: 'Suspended', reason: 'Suspended' } : { ...suspending(facts), reason: 'Progressing' };
  }
  if (last === undefined) return { phase: 'Starting', reason: 'Progressing' };
  if (last.revision !== undefined && target !== last.revision) {
    return isRollback(ledger, last.revision, target)
      ? { phase: 'RollingBack', reason: 'Progressing', detail: whyRolledBack(ledger) }
      : { ...changeMade(facts, last.revision, target), reason: 'Progressing' };
  }
  const failure = last.failures.at(-1);
  if (last.end?.how === 'replaced') return { phase: 'Starting', reason: 'Progressing' };
  return { phase: 'Restarting', reason: 'ProgressingWithRetry', detail: last.end?.cause, nextAt: failure?.nextAt };
}

/** What conditions call it. @param last the attempt after which no other one is opened */
export function whyGivenUp(reason: string, last: AttemptRecord | undefined): Reason {
  if (last?.end?.isInvalid === true) return 'InvalidJob';
  const isSuppressed = reason === NOT_RECOVERABLE || last?.reported?.suppressRestarts === true;
  return isSuppressed ? 'RestartsSuppressed' : 'RestartsExhausted';
}

/** Troubles of pods that keep an attempt from running, in the words of the catalogue. */
const TROUBLES: Readonly<Record<string, Reason>> = {
  ImagePullBackOff: 'ImagePullBackOff',
  ErrImagePull: 'ErrImagePull',
  CrashLoopBackOff: 'CrashLoopBackOff',
  RunContainerError: 'RunContainerError',
  CreateContainerConfigError: 'CreateContainerConfigError',
  Unschedulable: 'Unschedulable',
  FailedMount: 'FailedMount',
};

function troubled({ pods }: FlinkJobFacts, open: AttemptRecord): Omit<Situation, 'phase'> | undefined {
  const pod = pods.find(
    ({ attempt, trouble, end }) => attempt === open.number && end === undefined && trouble !== undefined,
  );
  return pod === undefined ? undefined : troubleOf(pod);
}

/** What keeps a pod from coming up. */
export function troubleOf({ name, trouble }: PodSeen): Omit<Situation, 'phase'> | undefined {
  if (trouble === undefined) return undefined;
  const reason = TROUBLES[trouble.reason] ?? 'Progressing';
  return { reason, detail: trouble.message === '' ? trouble.reason : trouble.message, pod: name };
}
