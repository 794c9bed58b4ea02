/**
 * What has become known of a job since its status was written last, for people: events that follow from no write of the
 * ledger. Pure: the status before and after in, sentences out; what status said already is not said again.
 */
import { explain, type FlinkJobStatus, isReason, needsSomebody, type Reason } from '../../api/index.ts';
import { changeAnnounced } from './change-words.ts';
import type { FlinkJobFacts } from './facts.ts';
import { savedWith } from './last-told.ts';
import type { Saying } from './step.ts';

/** @param after the status that was written */
export function newsOf(facts: FlinkJobFacts, after: FlinkJobStatus): readonly Saying[] {
  const before: FlinkJobStatus = facts.status ?? { observedGeneration: -1 };
  if (facts.object.deletingSince !== undefined) return [];
  return [
    ...specChanged(facts, before, after),
    ...phaseReached(facts, before, after),
    ...savepointsEnded(facts, before, after),
    ...needsHelp(before, after),
    ...podUnhealthy(before, after),
    ...checkpointsFail(before, after),
    ...storageUnwell(before, after),
  ];
}

function specChanged(facts: FlinkJobFacts, before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const { desiredRevision: from } = before;
  const { desiredRevision: to } = after;
  if (from === undefined || from === to) return [];
  const note = changeAnnounced(facts, from, to, before.phase);
  return note === undefined ? [] : [{ type: 'Normal', reason: 'SpecChanged', note }];
}

/** Phases from which a job that runs is news: of an upgrade the attempt is told of, with its revision. */
const NEWS_FROM: ReadonlySet<string | undefined> = new Set([undefined, 'Pending', 'Starting', 'Restarting']);

function phaseReached(facts: FlinkJobFacts, before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  if (before.phase === after.phase) return [];
  if (after.phase === 'Suspended') {
    const { name: job, namespace } = facts.object;
    const { cause, remedy } = explain('Suspended', {
      job,
      namespace,
      checkpoint: savedWith(facts) ?? after.checkpoint?.latest?.uri,
    });
    return [{ type: 'Normal', reason: 'Suspended', note: `${cause} ${remedy}` }];
  }
  if (after.phase !== 'Running') return [];
  if (before.phase === 'Rescaling') {
    return [{ type: 'Normal', reason: 'Scaling', note: `The job runs with parallelism ${after.parallelism}.` }];
  }
  return NEWS_FROM.has(before.phase) ? [{ type: 'Normal', reason: 'JobStatusChanged', note: runsText(after) }] : [];
}

function runsText({ attempt, tasks }: FlinkJobStatus): string {
  const led = attempt?.leader === undefined ? '' : `, led by ${attempt.leader}`;
  const all = tasks === undefined ? '' : tasks.total === 1 ? ' with its task' : ` with all of its ${tasks.total} tasks`;
  const from = attempt?.restoredFrom === undefined ? '' : `; it began from ${attempt.restoredFrom}`;
  return `Attempt ${attempt?.number ?? 1} runs${all}${led}${from}.`;
}

function savepointsEnded({ object }: FlinkJobFacts, before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const handled = after.handledTriggers?.savepoint ?? 0;
  const handledBefore = before.handledTriggers?.savepoint ?? 0;
  return (after.savepoints ?? []).flatMap(({ trigger = 0, state, uri, cause }): Saying[] => {
    if (trigger <= handledBefore || trigger > handled) return [];
    if (state === 'Completed') {
      return [{ type: 'Normal', reason: 'SavepointCompleted', note: `Savepoint ${trigger} is complete: ${uri}.` }];
    }
    const { name: job, namespace } = object;
    const words = explain('SavepointFailed', { job, namespace, detail: cause });
    return [{ type: 'Warning', reason: 'SavepointFailed', note: `${words.cause} ${words.remedy}` }];
  });
}

/** Told by whoever has closed the attempt, or given the revision up. */
const TOLD: ReadonlySet<Reason> = new Set(['RestartsExhausted', 'RestartsSuppressed', 'InvalidJob', 'RolledBack']);

/** Somebody has to do something: why, and what. */
function needsHelp(before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const ready = conditionOf(after, 'Ready');
  const { reason = '', message = '' } = ready ?? {};
  if (!isReason(reason) || !needsSomebody(reason) || TOLD.has(reason)) return [];
  // A pod's trouble has its own condition.
  if (conditionOf(after, 'PodsHealthy')?.reason === reason) return [];
  if (conditionOf(before, 'Ready')?.message === message) return [];
  return [{ type: 'Warning', reason: reason === 'InvalidSpec' ? 'ValidationError' : reason, note: message }];
}

function podUnhealthy(before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const unhealthy = conditionOf(after, 'PodsHealthy');
  if (unhealthy?.status !== 'False') return [];
  const known = conditionOf(before, 'PodsHealthy');
  if (known?.reason === unhealthy.reason && known.message === unhealthy.message) return [];
  const { reason, message } = unhealthy;
  const isNamed = isReason(reason) && needsSomebody(reason);
  return [{ type: 'Warning', reason: isNamed ? reason : 'PodUnhealthy', note: message }];
}

function checkpointsFail(before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const failing = conditionOf(after, 'CheckpointHealthy');
  if (failing?.status !== 'False' || conditionOf(before, 'CheckpointHealthy')?.status === 'False') return [];
  return [{ type: 'Warning', reason: 'CheckpointsFailing', note: failing.message }];
}

function storageUnwell(before: FlinkJobStatus, after: FlinkJobStatus): Saying[] {
  const unwell = conditionOf(after, 'StorageReachable');
  const { status, reason = '', message = '' } = unwell ?? {};
  if (status !== 'False' || !isReason(reason) || conditionOf(before, 'StorageReachable')?.reason === reason) return [];
  return [{ type: 'Warning', reason, note: message }];
}

function conditionOf({ conditions }: FlinkJobStatus, type: string) {
  return conditions?.find((each) => each.type === type);
}
