/**
 * Whether ConfigMap `<job>-ha` is older than what was known of it before: somebody has put it back from a copy, or the API
 * server has gone back in time. Pure.
 *
 * Of a running process its own memory knows most, down to the version; after a restart status still knows attempt and epoch,
 * and pods bear the number of their attempt, which stood in the ledger before they were made. What none of them knows the next
 * leader finds in the names of the job's storage.
 */
import type { FlinkJobStatus } from '../../api/index.ts';
import type { LedgerView } from '../../ha/index.ts';

/** One version of the object. */
export interface HandlesVersion {
  readonly uid: string;
  readonly epoch: number;
  readonly seq: number;
  /** The newest attempt in its ledger; 0: none. */
  readonly attempt: number;
}

/** How far a job is known to have come. */
export interface KnownPast {
  readonly epoch: number;
  readonly attempt: number;
  /** The newest version that this process has seen. */
  readonly seen: HandlesVersion | undefined;
}

/** The version that a view is of. */
export function versionOf({ snapshot, epoch, ledger }: LedgerView): HandlesVersion {
  return { uid: snapshot.uid, epoch, seq: snapshot.seq, attempt: ledger.attempts.at(-1)?.number ?? 0 };
}

/** What is known, of whichever knows most. */
export function knownPast(from: {
  readonly status?: FlinkJobStatus | undefined;
  readonly seen: HandlesVersion | undefined;
  readonly pods: readonly { readonly attempt: number }[];
}): KnownPast {
  const { status, seen, pods } = from;
  const { number, epoch } = believable(status?.attempt);
  return {
    epoch: Math.max(epoch, seen?.epoch ?? 0),
    attempt: Math.max(number, seen?.attempt ?? 0, ...pods.map(({ attempt }) => attempt)),
    seen,
  };
}

/** Above these no job comes, and beyond the last of its digits nothing can be counted on from. */
const HIGHEST = { number: 9_999_999_998, epoch: 99_999_999_999_999 };

/** Status is a witness, and anybody with the right to may edit it. */
function believable(attempt: FlinkJobStatus['attempt']): { readonly number: number; readonly epoch: number } {
  const { number = 0, epoch = 0 } = attempt ?? {};
  return number > HIGHEST.number || epoch > HIGHEST.epoch ? { number: 0, epoch: 0 } : { number, epoch };
}

/** Whether the object has been further than this. One that was made anew counts as it is where its epoch is above all known. */
export function isPutBack(view: LedgerView, { epoch, attempt, seen }: KnownPast): boolean {
  const version = versionOf(view);
  if (version.epoch < epoch || version.attempt < attempt) return true;
  if (seen === undefined || version.epoch > seen.epoch) return false;
  return version.uid !== seen.uid || version.seq < seen.seq;
}
