/**
 * Whether the open attempt is over, as its pods and its ledger tell. Pure. What a pod wrote counts before how it ended; a
 * crash counts for the pod that led, and only where nobody stands by who may go on from a checkpoint of that leader's own.
 */
import { basename } from 'node:path/posix';
import { type AttemptRecord, decodeHandle, epochInName, isCheckpointKey } from '../../ha/index.ts';
import type { FlinkJobFacts, PodSeen } from './facts.ts';
import { isOf, livePods } from './facts.ts';
import { type ExecutionEnd, judge } from './judge.ts';

/** How the pods of an attempt stand. */
export type AttemptPods =
  /** It goes on. `lost`: pods that ended in a way that counts for nothing, oldest first. */
  | { readonly is: 'running'; readonly lost: readonly PodSeen[] }
  | { readonly is: 'ended'; readonly end: ExecutionEnd; readonly pod: PodSeen | undefined }
  /** The leader crashed, and one that stands by goes on: it counts, and ends nothing. */
  | { readonly is: 'leaderCrashed'; readonly end: ExecutionEnd; readonly pod: PodSeen };

export function attemptPods(facts: FlinkJobFacts, attempt: AttemptRecord): AttemptPods {
  const ended = facts.pods
    .filter((pod) => pod.attempt === attempt.number && pod.end !== undefined)
    .sort((a, b) => (a.end?.at ?? 0) - (b.end?.at ?? 0));
  const told = ended.find((pod) => speaks(pod, attempt));
  if (told !== undefined) return { is: 'ended', end: executionEnd(told, attempt), pod: told };
  if (attempt.reported !== undefined) {
    return {
      is: 'ended',
      end: { ...NOTHING_KNOWN, attempt: attempt.number, reported: reportOf(attempt) },
      pod: undefined,
    };
  }
  for (const pod of ended) {
    const epoch = isCrash(pod, attempt) && !isCounted(pod, attempt) ? epochLedBy(pod, facts) : undefined;
    if (epoch === undefined) continue;
    const goesOn = livePods(facts.pods, attempt.number).length > 0 && hasCheckpointOf(epoch, facts);
    return { is: goesOn ? 'leaderCrashed' : 'ended', end: executionEnd(pod, attempt), pod };
  }
  return { is: 'running', lost: ended };
}

/** Whoever has reported a failure ends by itself within moments; whoever does not is asked to. */
const LAST_WORDS_MS = 3_000;

/**
 * Until when the pod that reported the failure of its attempt is left alone, so that it ends by itself and its log can be read;
 * undefined: it has ended, or takes too long.
 */
export function endsByItselfUntil({ handles, pods, now }: FlinkJobFacts, attempt: AttemptRecord): number | undefined {
  const { reported } = attempt;
  if (reported === undefined || handles.is !== 'there') return undefined;
  const { leader } = handles.view.snapshot;
  const isThere = livePods(pods, attempt.number).some((pod) => isOf(pod, leader));
  // The time is that of another clock.
  return isThere && Math.abs(now - reported.at) < LAST_WORDS_MS ? reported.at + LAST_WORDS_MS : undefined;
}

/** The epoch that a pod led, if it is known to have led: as the ConfigMap says, or as status said before. */
function epochLedBy(pod: PodSeen, { handles, status }: FlinkJobFacts): number | undefined {
  if (handles.is === 'there') {
    const { leader, epoch } = handles.view.snapshot;
    if (isOf(pod, leader)) return epoch;
  }
  return status?.attempt?.leader === pod.name ? (status.attempt.epoch ?? 0) : undefined;
}

const NOTHING_KNOWN = {
  takenFromOutside: false,
  reported: undefined,
  termination: undefined,
  exitCode: undefined,
  signal: undefined,
} as const;

/** Whether a pod says how the whole attempt ended: it finished, or failed of the job. */
function speaks(pod: PodSeen, attempt: AttemptRecord): boolean {
  const { verdict } = judge(executionEnd(pod, attempt));
  const record = pod.end?.record;
  if (record !== undefined && record.attempt === attempt.number) return verdict === 'finished' || verdict === 'failed';
  return verdict === 'failed' && attempt.reported === undefined;
}

function isCrash(pod: PodSeen, attempt: AttemptRecord): boolean {
  return judge(executionEnd(pod, attempt)).verdict === 'crashed';
}

function isCounted(pod: PodSeen, attempt: AttemptRecord): boolean {
  return attempt.failures.some(({ pod: counted }) => counted === pod.uid);
}

function executionEnd({ end }: PodSeen, attempt: AttemptRecord): ExecutionEnd {
  return {
    attempt: attempt.number,
    takenFromOutside: end?.takenFromOutside === true,
    reported: reportOf(attempt),
    termination: end?.record,
    exitCode: end?.exitCode,
    signal: end?.signal,
  };
}

function reportOf({ reported }: AttemptRecord): ExecutionEnd['reported'] {
  return reported === undefined ? undefined : { ...reported, suppressRestarts: reported.suppressRestarts === true };
}

/** Whether whoever led this epoch has completed a checkpoint: the file that its handle points to is named after the epoch. */
function hasCheckpointOf(epoch: number, { handles }: FlinkJobFacts): boolean {
  if (handles.is !== 'there') return false;
  return [...handles.view.snapshot.entries].some(([key, text]) => {
    const handle = isCheckpointKey(key) ? decodeHandle(text) : undefined;
    return handle?.kind === 'live' && epochInName(basename(handle.pointer.path)) === epoch;
  });
}
