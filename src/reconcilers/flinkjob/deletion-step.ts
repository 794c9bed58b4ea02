/**
 * What is done once deletion was asked for. Pure. It always comes to its end: past its deadline, forced, with an invalid spec
 * or broken handles, whatever would need the job's help is skipped, and an Event says what was.
 *
 *     savepoint, if it is asked for and can be had ──► pods gone ──► <job>-ha gone ──► bytes gone ──► finalizer off
 *                                                                     │                 └── only with storage: Delete
 *                                                                     └── Orphan: stays, and the Lease goes
 */
import { openAttemptOf } from '../../ha/index.ts';
import { isSavepointAskedFor } from '../../lib/savepoint-names.ts';
import { objectNames } from '../../resources/index.ts';
import { attemptPods } from './attempt-end.ts';
import type { Desired, FlinkJobFacts } from './facts.ts';
import { startedOver } from './handles-step.ts';
import { savedWith } from './last-told.ts';
import { replaced } from './ledger-steps.ts';
import { deletionOf } from './pods-step.ts';
import type { Saying, Step } from './step.ts';
import { stopStep } from './stop-step.ts';
import { bytesGone, isOnRecord, removalOf, wordsOnBytes } from './storage-step.ts';

/** Of a job whose spec cannot be read. */
const DEFAULT_TIMEOUT_MS = 120_000;
/** Past the deadline, pods that do not go although they are forced to are waited for so long. */
const FORCED_MS = 30_000;
/** A status that was written shows in the copy so soon. */
const TOLD_MS = 200;

export function deletionStep(facts: FlinkJobFacts): Step {
  const { object } = facts;
  if (!object.hasFinalizer) return { do: 'rest' };
  const isLate = isOver(facts);
  const tried = (step: Step | undefined) => (facts.refused?.has(step?.do ?? '') === true ? undefined : step);
  return (
    (isLate ? undefined : savepointFirst(facts)) ??
    tried(leftClosed(facts)) ??
    tried(podsGone(facts, isLate)) ??
    tried(handlesGone(facts, isLate)) ??
    tried(bytesGone(facts, isLate, deadlineOf(facts))) ?? {
      do: 'removeFinalizer',
      say: [farewell(facts, isLate)],
    }
  );
}

/** No time is left for what can be skipped. */
function isOver(facts: FlinkJobFacts): boolean {
  return facts.object.isDeletionForced || facts.now >= deadlineOf(facts);
}

/**
 * Whether a step of a deletion that failed is left undone: its time is up, and it, or what came before it, has been tried for
 * some time. A policy that allows no deletion of pods, or an object that cannot be changed, must not keep the FlinkJob for ever.
 */
export function isToBeLeft(step: Step, facts: FlinkJobFacts): boolean {
  const { object, now, failingSince } = facts;
  if (object.deletingSince === undefined || step.do === 'removeFinalizer' || !isOver(facts)) return false;
  return failingSince !== undefined && now - Math.max(failingSince, object.deletingSince) >= FORCED_MS;
}

/** Of a spec that is not valid, what cannot be taken back is still done as it says. */
function modeOf(desired: Desired): 'Savepoint' | 'Cancel' | 'Orphan' {
  if (desired.is === 'valid') return desired.settings.deletion.mode;
  return desired.isOrphan ? 'Orphan' : 'Cancel';
}

function deadlineOf({ object, desired }: FlinkJobFacts): number {
  const timeoutMs = desired.is === 'valid' ? desired.settings.deletion.timeoutMs : DEFAULT_TIMEOUT_MS;
  return (object.deletingSince ?? 0) + timeoutMs;
}

/** Only from a job that runs: whoever deletes a job that is down does not want it up first. */
function savepointFirst(facts: FlinkJobFacts): Step | undefined {
  const { desired, handles, isNamespaceTerminating } = facts;
  // Its pods are being taken away; whatever it could save stays in storage as it is.
  if (isNamespaceTerminating === true) return undefined;
  if (desired.is === 'invalid' || handles.is !== 'there' || desired.settings.deletion.mode !== 'Savepoint')
    return undefined;
  const { ledger } = handles.view;
  const open = openAttemptOf(ledger);
  if (open === undefined) return undefined;
  if (attemptPods(facts, open).is === 'ended') return undefined;
  const step = stopStep(facts, ledger, open, 'delete');
  // The attempt needs no closing: what it is closed in goes, and with it the right to write.
  if (step.do === 'writeLedger' && step.ledger.attempts.at(-1)?.end !== undefined) return undefined;
  // Nothing tells a job that is deleted alone from one that goes with all there is, but that nothing more can be made.
  if (step.do === 'writeLedger' && isNamespaceTerminating === undefined) return { do: 'probeNamespace' };
  return step.do === 'rest' ? { do: 'rest', untilMs: Math.min(step.untilMs ?? Infinity, deadlineOf(facts)) } : step;
}

/** What stays for a job of the same name is left as after any other end: no attempt is open, and nobody can write. */
function leftClosed(facts: FlinkJobFacts): Step | undefined {
  const { desired, handles, now } = facts;
  if (modeOf(desired) !== 'Orphan') return undefined;
  if (handles.is === 'old') return startedOver(facts, []);
  if (handles.is !== 'there') return undefined;
  const { ledger } = handles.view;
  return openAttemptOf(ledger) === undefined ? undefined : replaced(ledger, { now, cause: 'the FlinkJob was deleted' });
}

function podsGone(facts: FlinkJobFacts, isLate: boolean): Step | undefined {
  const { pods, now } = facts;
  const left = pods.filter(({ isDeleting }) => !isDeleting);
  if (left.length > 0) return deletionOf(left, pods);
  if (pods.length === 0) return undefined;
  const deadline = deadlineOf(facts);
  if (!isLate) return { do: 'rest', untilMs: deadline };
  // Whatever still holds them, they cannot write once the pointers are gone, and the garbage collector knows them.
  if (now >= deadline + FORCED_MS) return undefined;
  const unforced = pods.filter(({ isForced }) => !isForced);
  return unforced.length === 0 ? { do: 'rest', untilMs: deadline + FORCED_MS } : { do: 'forcePods', pods: unforced };
}

function handlesGone(facts: FlinkJobFacts, isLate: boolean): Step | undefined {
  const { handles, desired, now } = facts;
  if (handles.is === 'absent') return undefined;
  if (modeOf(desired) === 'Orphan') return undefined;
  if (!isLate && !isOnRecord(facts)) return { do: 'rest', untilMs: Math.min(now + TOLD_MS, deadlineOf(facts)) };
  return { do: 'deleteHandles', uid: handles.is === 'corrupt' ? '' : handles.view.snapshot.uid };
}

function farewell(facts: FlinkJobFacts, isLate: boolean): Saying {
  const { desired, status, newestPoint } = facts;
  const removal = removalOf(facts, isLate);
  const bytes = wordsOnBytes(facts, removal);
  const where = newestPoint ?? savedWith(facts) ?? status?.checkpoint?.latest?.uri;
  // Of what was removed there is nothing to find.
  const isGone = where !== undefined && removal.is === 'done' && !isSavepointAskedFor(where);
  const state = where === undefined || isGone ? '' : ` Its newest state lies at ${where}.`;
  if (isLate) {
    const note = `Removed by force: its time was up.${leftBehind(facts)}${bytes}${state}`;
    return { type: 'Warning', reason: 'CleanupFailed', note };
  }
  if (removal.is === 'stays') {
    return { type: 'Warning', reason: 'CleanupFailed', note: `The job is removed.${bytes}${state}` };
  }
  const kept = modeOf(desired) === 'Orphan' ? ' Its pointers stay for a job of the same name.' : '';
  return { type: 'Normal', reason: 'Cleanup', note: `The job is removed.${kept}${bytes}${state}` };
}

/** What the server did not let us remove. */
function leftBehind({ object, refused = new Set() }: FlinkJobFacts): string {
  const handles = objectNames(object.name).handles;
  return [
    ...(refused.has('deletePods') || refused.has('forcePods') ? [' Its pods could not be removed.'] : []),
    ...(refused.has('deleteHandles') ? [` ConfigMap ${handles} could not be removed: delete it by hand.`] : []),
    ...(refused.has('writeLedger')
      ? [` ConfigMap ${handles} could not be changed: an attempt is still open in it.`]
      : []),
  ].join('');
}
