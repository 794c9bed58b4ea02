/**
 * The one way a leader writes. It carries the epoch the leader raised when it took over, tests it with every write, and
 * stops for good when a later one exists.
 *
 *     submit ──► queue ──► decide each on the copy ──► one patch ──► done: the copy is the new version
 *                  ▲                                      ├────────► moved, same epoch: read, decide each anew, alone
 *                  └── arrives while one is in flight     ├────────► moved, other epoch: lost, all are refused
 *                                                         └────────► no answer: settle.ts finds out, or unknown
 *
 * One request is in flight; operations that arrive meanwhile share the next one, each with its own outcome.
 */
import { LeaderElectionException } from './errors.ts';
import type { Entries, EntryChanges, Epoch, HandleBackend, HaSnapshot } from './handle-backend.ts';
import { type Patience, pauseBeforeRetry, type Settled, sendUntilSettled } from './settle.ts';
import { caughtUp, isBehind, NO_PAST, type StoredPast } from './stored-past.ts';
import { type Member, type Plan, planned, settleAll, settleEach, type WriteOperation } from './write-batch.ts';
import { notDone, type WriteOutcome } from './write-outcome.ts';

/** Entries of one job's object are kept below this: each change rewrites the whole object. */
export const OBJECT_LIMIT_BYTES = 16 * 1024;

export interface FencedWriterOptions extends Patience {
  readonly backend: HandleBackend;
  readonly limitBytes?: number;
}

/** What came of raising the epoch. */
export type TakeOver =
  | {
      readonly taken: true;
      readonly epoch: Epoch;
      readonly entries: Entries;
      /** More has been than the object knew: its pointers are gone from it, and it counts on. */
      readonly wasBehind: boolean;
    }
  /**
   * moved: somebody else was first, ask the lease again · attempt: this process belongs to another attempt · refused: the
   * store would not, or the lease had run out · missing · unknown.
   */
  | {
      readonly taken: false;
      readonly reason: 'moved' | 'attempt' | 'missing' | 'refused' | 'unknown';
      readonly cause?: unknown;
    };

const NO_CHANGES: EntryChanges = new Map();

export class FencedWriter {
  readonly backend: HandleBackend;
  readonly limitBytes: number;
  private readonly patience: Patience;
  private identity = '';
  private term: { readonly epoch: Epoch; readonly uid: string; seq: number } | undefined;
  private copy: HaSnapshot | undefined;
  /** The seq that was shown last. */
  private observed: number | undefined;
  private queue: Member[] = [];
  private running: Promise<void> | undefined;
  private gate: () => boolean = () => true;
  private lost: (cause: unknown) => void = () => {};
  /** What the server said, where the last write was refused because it was busy. */
  private busy: unknown;

  constructor({ backend, limitBytes = OBJECT_LIMIT_BYTES, clock, random, retries }: FencedWriterOptions) {
    this.backend = backend;
    this.limitBytes = limitBytes;
    this.patience = { clock, random, retries };
  }

  /** The epoch this process leads with; undefined before it leads, and for good once it has lost. */
  get epoch(): Epoch | undefined {
    return this.term?.epoch;
  }

  /** Whether a write would be tried: this process has raised the epoch, and its lease has not run out. */
  get leads(): boolean {
    return this.term !== undefined && this.gate();
  }

  /**
   * Raises the epoch, the first thing a new leader does: only after it are the entries worth reading. `identity` must be
   * unique to this term. With `attempt`, an object of another attempt is left alone.
   */
  async takeOver(facts: {
    readonly identity: string;
    readonly atLeast: Epoch;
    readonly attempt?: number;
    /** What the storage tells of earlier leaders: the epoch gets above it. @default nothing */
    readonly past?: StoredPast;
    /** Asked before each later write; false refuses it. */
    readonly gate?: () => boolean;
    /** Told once when a write finds that this term is over. */
    readonly lost?: (cause: unknown) => void;
  }): Promise<TakeOver> {
    let before: HaSnapshot | undefined;
    try {
      before = await this.backend.read();
    } catch (cause) {
      return { taken: false, reason: 'unknown', cause };
    }
    if (before === undefined) return { taken: false, reason: 'missing' };
    if (facts.attempt !== undefined && before.attempt !== facts.attempt) return { taken: false, reason: 'attempt' };
    const { past = NO_PAST } = facts;
    const epoch = Math.max(before.epoch + 1, facts.atLeast, past.epoch + 1);
    const wasBehind = isBehind(before, past);
    const patch = {
      expect: { uid: before.uid, epoch: before.epoch, seq: before.seq },
      entries: wasBehind ? caughtUp(before.entries, past) : NO_CHANGES,
      raise: { epoch, leader: facts.identity },
      writer: facts.identity,
    };
    const settled = await sendUntilSettled(this.backend, before, patch, this.patience, facts.gate);
    const after = raised(settled, facts.identity, epoch);
    if (after === undefined) return refusedTakeOver(settled);
    this.identity = facts.identity;
    this.term = { epoch, uid: after.uid, seq: after.seq };
    this.copy = after;
    this.gate = facts.gate ?? this.gate;
    this.lost = facts.lost ?? this.lost;
    return { taken: true, epoch, entries: after.entries, wasBehind };
  }

  /** Writes, and says what became of it. Never throws. */
  submit(operation: WriteOperation): Promise<WriteOutcome> {
    return new Promise((resolve) => {
      this.queue.push({ operation, settle: resolve });
      this.running ??= this.drain();
    });
  }

  /**
   * Shows versions that were read for another purpose, in the order in which they came to be, all from after this term began;
   * they may be older than the last write. One of another epoch, of another object, or older than the one shown before ends
   * the term without a write.
   */
  observe(seen: HaSnapshot): void {
    if (this.term === undefined) return;
    const { epoch, uid } = this.term;
    const wentBack = seen.seq < (this.observed ?? seen.seq);
    this.observed = seen.seq;
    if (wentBack || seen.epoch !== epoch || seen.uid !== uid) this.lose(seen, this.term);
  }

  /** Ends the term on purpose: what is queued is written first, what comes later is refused. */
  async end(): Promise<void> {
    await this.running;
    this.term = undefined;
  }

  private async drain(): Promise<void> {
    // Operations submitted in the same turn belong into the same patch.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      await this.write(batch);
    }
    this.running = undefined;
  }

  private async write(batch: readonly Member[]): Promise<void> {
    for (let retry = 0; ; retry += 1) {
      const prepared = await this.prepared(batch);
      if ('outcome' in prepared) {
        settleAll(batch, prepared);
        return;
      }
      const { before, plan } = prepared;
      const left = await this.carryOut(plan, before);
      if (left.length === 1 && batch.length === 1) {
        if (retry < this.patience.retries) {
          await pauseBeforeRetry(this.patience, retry);
          continue;
        }
        settleAll(left, notDone('moved', this.busy));
        return;
      }
      // What one member makes impossible must not stop the others: each is tried again alone.
      for (const member of left) await this.write([member]);
      if (plan.later.length > 0) await this.write(plan.later);
      return;
    }
  }

  /** What to send, or why nothing can be. */
  private async prepared(batch: readonly Member[]): Promise<{ before: HaSnapshot; plan: Plan } | WriteOutcome> {
    const isFresh = this.copy === undefined;
    const before = await this.version();
    if ('outcome' in before) return before;
    const plan = await planned(batch, before.entries, this.limitBytes);
    if (plan.changes.size > 0 || isFresh) return { before, plan };
    // A patch would have tested the copy. Without one, what is refused or found done is asked of the store itself.
    this.copy = undefined;
    return this.prepared(batch);
  }

  /** The version to decide on, or why nothing can be written. */
  private async version(): Promise<HaSnapshot | WriteOutcome> {
    if (!this.leads) return notDone('notLeader');
    try {
      this.copy ??= await this.backend.read();
    } catch (error) {
      return notDone('failed', error);
    }
    if (this.copy === undefined) return notDone('missing');
    return this.isMine(this.copy) ? this.copy : notDone('notLeader');
  }

  /** Sends the plan and settles what is settled; answers the members to be tried again. */
  private async carryOut(plan: Plan, before: HaSnapshot): Promise<readonly Member[]> {
    if (plan.changes.size === 0) {
      settleEach(plan.others);
      return [];
    }
    const expect = { uid: before.uid, epoch: before.epoch, seq: before.seq };
    const patch = { expect, entries: plan.changes, writer: this.identity };
    const settled = await sendUntilSettled(this.backend, before, patch, this.patience, () => this.leads);
    // What the others were told rests on changes that may not have happened; then they are asked again.
    const others = plan.others.map(([member]) => member);
    const writers = plan.writers.map(([member]) => member);
    switch (settled.settled) {
      case 'done':
        this.copy = settled.snapshot;
        settleEach(plan.writers);
        settleEach(plan.others);
        return [];
      case 'seen': {
        const { snapshot } = settled;
        this.copy = snapshot;
        const isSameTerm = snapshot?.uid === before.uid && snapshot.epoch === before.epoch;
        const landed = plan.writers.filter(
          ([{ operation }]) => snapshot && operation.isApplied(snapshot.entries, { isSameTerm }),
        );
        settleEach(landed);
        const done = new Set(landed.map(([member]) => member));
        return [...writers, ...others].filter((member) => !done.has(member));
      }
      case 'unknown':
        this.copy = undefined;
        settleAll(writers, { outcome: 'unknown', cause: settled.cause });
        return others;
      case 'notDone':
        return this.afterRefusal(settled.answer, writers, others);
    }
  }

  private afterRefusal(
    { reason, cause }: Extract<Settled, { settled: 'notDone' }>['answer'],
    writers: readonly Member[],
    others: readonly Member[],
  ): readonly Member[] {
    if (reason === 'moved' || reason === 'missing') this.copy = undefined;
    this.busy = reason === 'busy' ? cause : undefined;
    if (reason === 'moved' || reason === 'busy' || writers.length > 1) return [...writers, ...others];
    settleAll(writers, notDone(reason === 'rejected' ? 'failed' : reason, cause));
    return others;
  }

  /** A higher epoch, another object, or one that went back in time: whatever it is, this term is over. */
  private isMine(seen: HaSnapshot): boolean {
    if (this.term === undefined) return false;
    const { epoch, uid, seq } = this.term;
    if (seen.epoch === epoch && seen.uid === uid && seen.seq >= seq) {
      this.term.seq = seen.seq;
      return true;
    }
    this.lose(seen, this.term);
    return false;
  }

  private lose(seen: HaSnapshot, term: { readonly epoch: Epoch; readonly uid: string; readonly seq: number }): void {
    this.term = undefined;
    this.lost(new LeaderElectionException(whyLost(this.backend.name, seen, term)));
  }
}

/** The version in which the epoch is ours, when the bump is known to have happened. */
function raised(settled: Settled, identity: string, epoch: Epoch): HaSnapshot | undefined {
  if (settled.settled === 'done') return settled.snapshot;
  if (settled.settled !== 'seen' || settled.snapshot === undefined) return undefined;
  return settled.snapshot.leader === identity && settled.snapshot.epoch === epoch ? settled.snapshot : undefined;
}

function whyLost(name: string, seen: HaSnapshot, term: { epoch: Epoch; uid: string; seq: number }): string {
  if (seen.uid !== term.uid) return `${name} was deleted and made again`;
  if (seen.epoch !== term.epoch) return `${name} has epoch ${seen.epoch}, this process led with ${term.epoch}`;
  return `${name} went back in time: it has version ${seen.seq} after version ${term.seq}`;
}

function refusedTakeOver(settled: Settled): TakeOver {
  switch (settled.settled) {
    case 'unknown':
      return { taken: false, reason: 'unknown', cause: settled.cause };
    case 'notDone': {
      const { reason, cause } = settled.answer;
      if (reason === 'missing') return { taken: false, reason };
      return { taken: false, reason: reason === 'rejected' ? 'refused' : 'moved', cause };
    }
    case 'seen':
      return { taken: false, reason: settled.snapshot === undefined ? 'missing' : 'moved' };
    case 'done':
      return { taken: false, reason: 'moved' };
  }
}
