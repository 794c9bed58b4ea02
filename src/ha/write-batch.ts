/** The operations that share one patch: decided in turn, each on the entries as the ones before it leave them. */
import { type Entries, type EntryChanges, sizeOf, withChanges } from './handle-backend.ts';
import { DONE, notDone, type WriteOutcome } from './write-outcome.ts';

/** What an operation wants, given what is there. */
export type Verdict =
  /** Change these; `outcome` holds once that is done. */
  | { readonly do: 'write'; readonly changes: EntryChanges; readonly outcome?: WriteOutcome }
  /** It is so already. */
  | { readonly do: 'nothing' }
  | { readonly do: 'refuse'; readonly outcome: WriteOutcome };

/** One change, able to be decided again when another write came first. */
export interface WriteOperation {
  /** May read and discard state, but changes no entry itself. What it throws is the cause of outcome `failed`. */
  decide(entries: Entries): Verdict | Promise<Verdict>;
  /**
   * Whether this very write shows in a version read after its answer was lost. `isSameTerm`: nobody else has led since it
   * was sent, so that what only a leader writes was written by this process.
   */
  isApplied(entries: Entries, seen: { readonly isSameTerm: boolean }): boolean;
  /** Whether it must keep to the size limit. Marks, removals and results may not be stopped by a full object. */
  readonly grows: boolean;
}

/** An operation, and who waits for it. */
export interface Member {
  readonly operation: WriteOperation;
  readonly settle: (outcome: WriteOutcome) => void;
}

/** One patch, and what each member is told once it is written. */
export interface Plan {
  readonly changes: EntryChanges;
  /** Members whose changes are in the patch. */
  readonly writers: readonly (readonly [Member, WriteOutcome])[];
  /** Members that change nothing. */
  readonly others: readonly (readonly [Member, WriteOutcome])[];
  /** Members that touch an entry another one changes; they wait for the next patch. */
  readonly later: readonly Member[];
}

/** The patch for a batch. The size limit is asked of each member that grows the object. */
export async function planned(batch: readonly Member[], before: Entries, limitBytes: number): Promise<Plan> {
  const changes = new Map<string, string | undefined>();
  const writers: [Member, WriteOutcome][] = [];
  const others: [Member, WriteOutcome][] = [];
  let entries = before;
  for (const [index, member] of batch.entries()) {
    const verdict = withinLimit(await decided(member.operation, entries), member.operation, entries, limitBytes);
    if (verdict.do !== 'write') {
      others.push([member, verdict.do === 'refuse' ? verdict.outcome : DONE]);
      continue;
    }
    if ([...verdict.changes.keys()].some((key) => changes.has(key))) {
      return { changes, writers, others, later: batch.slice(index) };
    }
    entries = withChanges(entries, verdict.changes);
    for (const [key, value] of verdict.changes) changes.set(key, value);
    writers.push([member, verdict.outcome ?? DONE]);
  }
  return { changes, writers, others, later: [] };
}

export function settleEach(outcomes: readonly (readonly [Member, WriteOutcome])[]): void {
  for (const [member, outcome] of outcomes) member.settle(outcome);
}

export function settleAll(members: readonly Member[], outcome: WriteOutcome): void {
  for (const member of members) member.settle(outcome);
}

async function decided(operation: WriteOperation, entries: Entries): Promise<Verdict> {
  try {
    return await operation.decide(entries);
  } catch (error) {
    return { do: 'refuse', outcome: notDone('failed', error) };
  }
}

function withinLimit(verdict: Verdict, { grows }: WriteOperation, entries: Entries, limitBytes: number): Verdict {
  if (verdict.do !== 'write' || !grows || sizeOf(withChanges(entries, verdict.changes)) <= limitBytes) return verdict;
  return { do: 'refuse', outcome: notDone('tooLarge') };
}
