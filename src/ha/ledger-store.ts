/**
 * Reads and writes the ledger, for the two who may: whoever supervises the job opens and closes attempts, the leader of
 * an attempt adds to it under its epoch.
 *
 * A supervisor's write is computed from one version and refused when another came first: it then looks again and decides
 * anew, never sends the same again. Opening or closing an attempt raises the epoch in the same patch, so that from that
 * instant no process of an earlier attempt can write.
 */
import { IllegalStateException } from '../lib/java-errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import {
  type Epoch,
  type HaBeginning,
  type HandleBackend,
  type HaPatch,
  type HaSnapshot,
  patched,
} from './handle-backend.ts';
import { isJobResultKey, LAYOUT_KEY, LEDGER_KEY } from './keys.ts';
import { decodeLedger, EMPTY_LEDGER, encodeLedger, type Ledger, openAttemptOf } from './ledger.ts';
import { errorOf } from './outcome-error.ts';
import { type Patience, type Settled, sendUntilSettled } from './settle.ts';
import { NOTHING, put } from './state-handle-operations.ts';
import { DONE, notDone, type WriteOutcome } from './write-outcome.ts';

/** The ledger as it was read, with what a write of it will be tested against. */
export interface LedgerView {
  readonly ledger: Ledger;
  /** The open attempt, 0 when none is. */
  readonly attempt: number;
  readonly epoch: Epoch;
  /** The epoch that opening or closing an attempt from this view will raise to. */
  readonly nextEpoch: Epoch;
  readonly snapshot: HaSnapshot;
}

/** The ledger as its supervisor has it. */
export interface SupervisorLedger {
  /** The ledger; undefined when the object of the job does not exist. */
  read(): Promise<LedgerView | undefined>;
  /**
   * The supervisor's write: `next` in place of what `from` shows. Not done with reason `moved`: look again. Raises the
   * epoch when `next` has another attempt open than `from`, and drops all handles when it begins another life of the state.
   */
  write(from: LedgerView, next: Ledger, writer: string): Promise<LedgerWritten>;
  /**
   * As `write`, for an object that is older than it was: `next`, in which no attempt is open, in place of all that stands in
   * it, but for how jobs have ended, which stays true. Raises the epoch above `above`.
   */
  startOver(
    from: LedgerView,
    next: Ledger,
    by: { readonly writer: string; readonly above: Epoch },
  ): Promise<LedgerWritten>;
}

/** What became of a supervisor's write, and how the ledger looked right after it. */
export type LedgerWritten =
  | { readonly outcome: 'done'; readonly view: LedgerView }
  | Exclude<WriteOutcome, { readonly outcome: 'done' }>;

/** The ledger of one job. */
export interface LedgerStore extends SupervisorLedger {
  /**
   * The leader's write, under its epoch: what the change makes of the newest ledger, computed again when another write
   * came first. It may not open or close attempts. Throws NotLeaderException and the like.
   */
  amend(change: (ledger: Ledger) => Ledger): Promise<void>;
}

/** The ledger over a backend, for a process that never leads the job. */
export function supervisorLedger(options: {
  readonly backend: HandleBackend;
  readonly patience: Patience;
}): SupervisorLedger {
  const { backend, patience } = options;
  const send = async (from: LedgerView, patch: HaPatch): Promise<LedgerWritten> => {
    const settled = await sendUntilSettled(backend, from.snapshot, patch, patience);
    const outcome = outcomeOf(settled, patch);
    if (outcome.outcome !== 'done') return outcome;
    const after = settled.settled === 'seen' ? settled.snapshot : undefined;
    return { outcome: 'done', view: ledgerViewOf(after ?? patched(from.snapshot, patch), backend.name) };
  };
  return {
    async read() {
      const snapshot = await backend.read();
      return snapshot === undefined ? undefined : ledgerViewOf(snapshot, backend.name);
    },

    write: (from, next, by) => send(from, ledgerPatch(from, next, by)),
    startOver: (from, next, by) => send(from, newBeginning(from, next, by)),
  };
}

export function ledgerStore(options: {
  readonly backend: HandleBackend;
  readonly writer: FencedWriter;
  readonly patience: Patience;
}): LedgerStore {
  const { backend, writer } = options;
  return {
    ...supervisorLedger(options),

    async amend(change) {
      let text: string | undefined;
      const outcome = await writer.submit({
        grows: false,
        isApplied: (entries) => entries.get(LEDGER_KEY) === text,
        decide: (entries) => {
          const before = decodeLedger(entries.get(LEDGER_KEY), backend.name);
          const after = change(before);
          if (openAttemptOf(before)?.number !== openAttemptOf(after)?.number) {
            throw new IllegalStateException('a leader neither opens nor closes attempts');
          }
          text = encodeLedger(after);
          return text === entries.get(LEDGER_KEY) ? NOTHING : put(LEDGER_KEY, text);
        },
      });
      if (outcome.outcome !== 'done') throw errorOf(outcome, 'the ledger', writer);
    },
  };
}

/** How a ledger looks in an object. @throws HaObjectCorruptException */
export function ledgerViewOf(snapshot: HaSnapshot, name: string): LedgerView {
  return {
    ledger: decodeLedger(snapshot.entries.get(LEDGER_KEY), name),
    attempt: snapshot.attempt,
    epoch: snapshot.epoch,
    nextEpoch: snapshot.epoch + 1,
    snapshot,
  };
}

/** How an object looks that is made with nothing but an epoch: what its first attempt is opened from. */
export function emptyLedgerView(epoch: Epoch, ledger: Ledger): LedgerView {
  const snapshot = { uid: '', epoch, seq: 0, attempt: 0, leader: '', entries: new Map() };
  return { ledger, attempt: 0, epoch, nextEpoch: epoch + 1, snapshot };
}

/** An object that is made with this ledger in it, and fenced by the attempt that is open there. */
export function beginningOf(ledger: Ledger, epoch: Epoch, writer: string): HaBeginning {
  const attempt = openAttemptOf(ledger)?.number ?? 0;
  const entries = new Map(ledger === EMPTY_LEDGER ? [] : [[LEDGER_KEY, encodeLedger(ledger)]]);
  return { epoch, attempt, entries, writer };
}

/** Whether this is what was made: an answer that was lost is no reason to believe that somebody else was first. */
export function isBegunWith({ seq, epoch, entries }: HaSnapshot, beginning: HaBeginning): boolean {
  return seq === 0 && epoch === beginning.epoch && entries.get(LEDGER_KEY) === beginning.entries.get(LEDGER_KEY);
}

/** The patch of a supervisor: the attempt is fenced by the same write that opens or closes it. */
function ledgerPatch({ snapshot, nextEpoch }: LedgerView, next: Ledger, writer: string): HaPatch {
  const attempt = openAttemptOf(next)?.number ?? 0;
  return {
    expect: { uid: snapshot.uid, epoch: snapshot.epoch, seq: snapshot.seq },
    entries: new Map([...droppedBy(next, snapshot), [LEDGER_KEY, encodeLedger(next)]]),
    ...(attempt === snapshot.attempt ? {} : { raise: { attempt, epoch: nextEpoch } }),
    writer,
  };
}

function newBeginning(
  { snapshot, nextEpoch }: LedgerView,
  next: Ledger,
  { writer, above }: { readonly writer: string; readonly above: Epoch },
): HaPatch {
  const gone = [...snapshot.entries.keys()].filter((key) => key !== LAYOUT_KEY && !isJobResultKey(key));
  return {
    expect: { uid: snapshot.uid, epoch: snapshot.epoch, seq: snapshot.seq },
    entries: new Map([...gone.map((key) => [key, undefined] as const), [LEDGER_KEY, encodeLedger(next)]]),
    raise: { attempt: 0, epoch: Math.max(nextEpoch, above + 1) },
    writer,
  };
}

/** What another life of the state begins without: whatever points to the one before. The bytes stay where they are. */
function droppedBy(next: Ledger, { entries }: HaSnapshot): [string, undefined][] {
  const before = decodeLedger(entries.get(LEDGER_KEY), '').life?.jobId;
  if (before === undefined || before === next.life?.jobId) return [];
  return [...entries.keys()].filter((key) => key !== LAYOUT_KEY && key !== LEDGER_KEY).map((key) => [key, undefined]);
}

function outcomeOf(settled: Settled, { entries, raise, expect }: HaPatch): WriteOutcome {
  switch (settled.settled) {
    case 'done':
      return DONE;
    case 'unknown':
      return { outcome: 'unknown', cause: settled.cause };
    case 'notDone': {
      const { reason, cause } = settled.answer;
      return reason === 'missing' || reason === 'tooLarge'
        ? notDone(reason, cause)
        : reason === 'rejected'
          ? notDone('failed', cause)
          : notDone('moved', cause);
    }
    case 'seen': {
      const seen = settled.snapshot;
      if (seen === undefined) return notDone('missing');
      const isOurs =
        seen.epoch >= (raise?.epoch ?? expect.epoch) &&
        seen.attempt === (raise?.attempt ?? seen.attempt) &&
        seen.entries.get(LEDGER_KEY) === entries.get(LEDGER_KEY);
      return isOurs ? DONE : notDone('moved');
    }
  }
}
