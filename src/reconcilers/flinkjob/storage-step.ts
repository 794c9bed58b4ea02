/**
 * Removing what a deleted job has stored (`spec.deletion.storage: Delete`), and what is said of it. Pure.
 *
 *     <job>-ha gone ──► pod <job>-storage-remove ──► it answers ──► finalizer off
 *                         └── cannot be made, fails, or its time is up: the bytes stay, and an Event says where
 *
 * The bytes go last: until the first of them goes, a deletion that is interrupted has lost nothing. Once they go, nothing points to
 * them any more.
 */
import { specOf } from '../../api/index.ts';
import { isJobId, type StateLife } from '../../ha/index.ts';
import { automaticSavepointPrefix } from '../../lib/savepoint-names.ts';
import { jobIdsOf, type RemoveBytesOrder, type StorageAnswer } from '../../lib/storage-work.ts';
import type { FlinkJobFacts, RevisionOnRecord, StoragePodSeen } from './facts.ts';
import type { Step } from './step.ts';

/**
 * A quota hears a little late of the pods that have gone, and a node may be drained, so one try is not the last word; but where
 * the garbage collector takes every pod again (deletion in the foreground), many are of no use.
 */
const MOST_TRIES = 4;
const PAUSE_MS = 2_000;

/** What becomes of the bytes of a job. */
export type Removal =
  /** They are not to be removed. */
  | { readonly is: 'notWanted' }
  /** The job has never stored any. */
  | { readonly is: 'nothing' }
  | {
      readonly is: 'due';
      readonly order: RemoveBytesOrder;
      readonly revision: RevisionOnRecord;
      readonly life: StateLife;
    }
  | { readonly is: 'underWay'; readonly pod: StoragePodSeen }
  /** The pod was taken away, and another one takes its place. */
  | { readonly is: 'again'; readonly pod: StoragePodSeen }
  | { readonly is: 'done'; readonly answer: StorageAnswer }
  | { readonly is: 'stays'; readonly because: string };

/** How the removal stands, once nobody can write any more. @param isOver no time is left, or deletion is forced */
export function removalOf(facts: FlinkJobFacts, isOver: boolean): Removal {
  if (!isRemovalWanted(facts)) return { is: 'notWanted' };
  const life = lifeOf(facts);
  if (life === undefined) return { is: 'nothing' };
  const { pod } = facts.storageWork;
  if (pod?.end?.answer?.isWhole === true) return { is: 'done', answer: pod.end.answer };
  const because = failureOf(pod) ?? obstacle(facts, isOver);
  if (because !== undefined) return { is: 'stays', because };
  if (pod === undefined) return due(facts, life);
  return pod.isDeleting || pod.end !== undefined ? { is: 'again', pod } : { is: 'underWay', pod };
}

/** Of a pod that came to its end by itself. */
function failureOf(pod: StoragePodSeen | undefined): string | undefined {
  if (pod?.end === undefined || pod.end.takenFromOutside) return undefined;
  return pod.end.answer?.error ?? `pod ${pod.name} left no answer (${pod.end.how})`;
}

/** Why no pod is made, or waited for, any more. */
function obstacle({ object, isNamespaceTerminating, storageWork }: FlinkJobFacts, isOver: boolean): string | undefined {
  if (isNamespaceTerminating === true) return 'its namespace is being removed, and no pod can be made there';
  if (object.isDeletionForced) return 'deletion was forced';
  const { pod, tries } = storageWork;
  const isGivenUp = pod === undefined && tries !== undefined && (isOver || tries.times >= MOST_TRIES);
  if (isGivenUp) return tries.refused ?? 'the pods that were to remove it were taken away';
  if (!isOver) return undefined;
  return pod?.trouble === undefined
    ? 'its time was up'
    : `its time was up, with pod ${pod.name} in ${pod.trouble.reason}`;
}

/** An orphan leaves everything, and what an invalid spec says of bytes is not taken at its word: they do not come back. */
function isRemovalWanted({ desired }: FlinkJobFacts): boolean {
  if (desired.is === 'invalid') return false;
  const { mode, storage } = desired.settings.deletion;
  return storage === 'Delete' && mode !== 'Orphan';
}

/**
 * Whether status knows what removing takes to know, before the only other record of it goes; so an operator that comes after a
 * crash knows it too.
 */
export function isOnRecord(facts: FlinkJobFacts): boolean {
  const { handles, status } = facts;
  if (!isRemovalWanted(facts) || handles.is !== 'there') return true;
  const { life, attempts } = handles.view.ledger;
  if (life === undefined) return true;
  return status?.jobId === life.jobId && (status.attempt?.number ?? 0) >= (attempts.at(-1)?.number ?? 0);
}

/** The life of the state that was the last one. */
function lifeOf({ handles, status }: FlinkJobFacts): StateLife | undefined {
  const life = handles.is === 'there' ? handles.view.ledger.life : undefined;
  if (life !== undefined || status?.jobId === undefined || !isJobId(status.jobId)) return life;
  const { jobId, startTime = '', restoredFrom } = status;
  return { jobId, since: startTime, ...(restoredFrom === undefined ? {} : { restoreFrom: restoredFrom }) };
}

function due(facts: FlinkJobFacts, life: StateLife): Removal {
  const revision = revisionOf(facts);
  if (revision === undefined) return { is: 'stays', because: 'no revision of it is on record, so no pod can be made' };
  const order = { ...everything(facts, life), keep: keptOf(facts, life, revision) };
  return { is: 'due', order, revision, life };
}

/** The one that ran last, else the one that was to run: its pods can open the storage. */
function revisionOf({ revisions, status, desired }: FlinkJobFacts): RevisionOnRecord | undefined {
  return revisions.get(status?.revision ?? '') ?? revisions.get(desired.is === 'valid' ? desired.revision : '');
}

function everything({ object, status }: FlinkJobFacts, { jobId }: StateLife): RemoveBytesOrder {
  return { do: 'removeBytes', uid: object.uid, attempts: status?.attempt?.number ?? 0, jobIds: [jobId], keep: [] };
}

/** Directories that other jobs began from: a life of this one, or a savepoint that it took by itself. */
function keptOf(facts: FlinkJobFacts, life: StateLife, revision: RevisionOnRecord): string[] {
  const root = `${storageUriOf(revision)}/`;
  const named = facts.storageWork.origins.filter((uri) => uri.startsWith(root));
  if (named.length === 0) return [];
  const own = jobIdsOf(everything(facts, life));
  const directories = new Set(named.map((uri) => uri.slice(root.length).split('/')[0] ?? ''));
  const isOwn = (name: string): boolean =>
    own.some((jobId) => name === jobId || name.startsWith(automaticSavepointPrefix(jobId)));
  return [...directories].filter(isOwn);
}

function storageUriOf({ semantic }: RevisionOnRecord): string {
  return specOf(semantic, undefined).storage.uri.replace(/\/+$/, '');
}

/** The step that the removal takes; undefined: it is over, or there is none. `untilMs`: the deadline of the deletion. */
export function bytesGone(facts: FlinkJobFacts, isOver: boolean, untilMs: number): Step | undefined {
  const { pod } = facts.storageWork;
  const removal = removalOf(facts, isOver);
  switch (removal.is) {
    case 'due': {
      const { order, revision, life } = removal;
      const { tries } = facts.storageWork;
      const notBefore = tries === undefined ? 0 : Math.min(tries.at, facts.now) + PAUSE_MS;
      if (facts.now < notBefore) return { do: 'rest', untilMs: Math.min(notBefore, untilMs) };
      const deadlineSeconds = Math.max(1, Math.floor((untilMs - facts.now) / 1_000));
      return { do: 'workInStorage', order, revision, life, deadlineSeconds };
    }
    case 'underWay':
      return { do: 'rest', untilMs };
    case 'again':
      return removal.pod.isDeleting ? { do: 'rest', untilMs } : { do: 'endStorageWork', pod: removal.pod };
    case 'stays':
      // What was said to stay is not removed afterwards by a pod that comes up late.
      return pod === undefined || pod.isDeleting || pod.end !== undefined ? undefined : { do: 'endStorageWork', pod };
    case 'notWanted':
    case 'nothing':
    case 'done':
      return undefined;
  }
}

/** What the last Event says of the bytes, if there is anything to say. */
export function wordsOnBytes(facts: FlinkJobFacts, removal: Removal): string {
  const [life, revision] = [lifeOf(facts), revisionOf(facts)];
  switch (removal.is) {
    case 'done': {
      const { files, bytes } = removal.answer;
      const gone = ` ${files} files of it, ${bytes} bytes, are removed from its storage.`;
      const kept = life === undefined || revision === undefined ? [] : keptOf(facts, life, revision);
      return kept.length === 0 ? gone : `${gone} Other jobs began from ${kept.join(', ')}, which stays.`;
    }
    case 'stays': {
      const { desired } = facts;
      const asWritten = desired.is === 'valid' ? desired.settings.storageUri.replace(/\/+$/, '') : '';
      const place = revision === undefined ? asWritten : storageUriOf(revision);
      return ` What it has stored stays, or some of it: ${removal.because}. Look below ${place}/${life?.jobId}.`;
    }
    default:
      return '';
  }
}
