/**
 * Drives a two-phase sink in one subtask, so that what it writes becomes visible exactly once. Follows Flink's
 * TwoPhaseCommitSinkFunction.
 *
 *   invoke …  │ snapshot(n)                       │ durable          │ complete(n)
 *   open txn  │ preCommit → pending, into state   │ makeDurable      │ commit all pending ≤ n, in order
 *             │ begin the next txn                │ before the ack   │
 *
 * What a crash leaves:
 *  - before n is complete: the restore goes to an older checkpoint, which does not know the transaction of n; it is
 *    never committed, and `recoverAndAbort` of the successor removes it.
 *  - after n is complete: the transaction is in the state of n, so the successor (maybe at another parallelism, maybe
 *    another subtask) commits it again before anything else. `commit` is idempotent, so twice is once.
 *  - and n is damaged: the restore falls back to an older checkpoint, after which the records of n come again.
 *    `recoverAndAbort` takes back what was committed; should n be mended and restored, `prepareRecovery` undoes that.
 * An old leader that still breathes can commit only what is complete, which its successor restores and commits too.
 */
import { IllegalStateException } from '../../lib/java-errors.ts';
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import type { ListState } from '../state/state.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { TransactionContext, TwoPhaseCommitSinkFunction } from './sink.ts';

/** A pre-committed transaction and the checkpoint that closed it. */
interface PendingTransaction<TXN> {
  readonly checkpointId: number;
  readonly transaction: TXN;
}

/** Which subtask of which operator commits. */
export type TransactionOwner = Omit<TransactionContext, 'checkpointId'>;

/** Name of the even-split list that holds pre-committed transactions. */
export const TRANSACTIONS_STATE = 'transactions';

const NOT_OPEN = 'no transaction is open: the sink was not opened, or is closed.';

/** All calls come one at a time, except that `snapshot` and `invoke` may come while a commit is under way. */
export class TwoPhaseCommitter<T, TXN> {
  readonly #sink: TwoPhaseCommitSinkFunction<T, TXN>;
  readonly #owner: TransactionOwner;
  readonly #durable = new Map<PendingTransaction<TXN>, Promise<void>>();
  #stored: ListState<PendingTransaction<TXN>> | undefined;
  #pending: PendingTransaction<TXN>[] = [];
  #open: { readonly transaction: TXN } | undefined;
  #nextCheckpointId = 1;
  #lostDurability: { readonly error: unknown } | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(sink: TwoPhaseCommitSinkFunction<T, TXN>, owner: TransactionOwner) {
    this.#sink = sink;
    this.#owner = owner;
  }

  /** Takes over the transactions of the restored checkpoint. Nothing is committed yet. */
  initializeState(context: FunctionInitializationContext): void {
    this.#stored = context
      .getOperatorStateStore()
      .getListState(
        new ListStateDescriptor<PendingTransaction<TXN>>(TRANSACTIONS_STATE, pendingType(this.#sink.transactionType)),
      );
    this.#pending = [...this.#stored.get()].sort(byCheckpoint);
    this.#nextCheckpointId = (context.getRestoredCheckpointId() ?? 0) + 1;
  }

  /**
   * Commits what the restored checkpoint promised, sweeps what older epochs left open, opens the first transaction. Call
   * it after the sink's own `open` and before the first record.
   */
  async open(): Promise<void> {
    const context = { ...this.#owner, checkpointId: this.#nextCheckpointId };
    await this.#sink.prepareRecovery?.(context);
    await this.#commitUpTo(Number.POSITIVE_INFINITY);
    await this.#sink.recoverAndAbort?.(context);
    this.#begin(this.#nextCheckpointId);
  }

  /** Writes a record into the open transaction. */
  invoke(value: T, timestamp: number | undefined): void {
    if (this.#open === undefined) throw new IllegalStateException(NOT_OPEN);
    this.#sink.invoke(this.#open.transaction, value, timestamp);
  }

  /**
   * Synchronous part of the capture of `checkpointId`: closes the transaction, stores all that is not committed yet and
   * opens the next one. The result must have resolved before the capture is acknowledged; it rejects when anything in
   * the stored state might not survive a crash.
   * @throws when an earlier transaction could not be made durable: its records are lost, only a restart brings them back
   */
  snapshot(checkpointId: number): Promise<void> | undefined {
    if (this.#lostDurability !== undefined) throw this.#lostDurability.error;
    if (this.#open === undefined) throw new IllegalStateException(NOT_OPEN);
    const transaction = this.#sink.preCommit(this.#open.transaction);
    if (transaction !== undefined) this.#addPending({ checkpointId, transaction });
    this.#stored?.update(this.#pending);
    this.#begin(checkpointId + 1);
    const durable = this.#pending.flatMap((pending) => this.#durable.get(pending) ?? []);
    return durable.length === 0 ? undefined : allWatched(durable);
  }

  /** Commits every pending transaction up to `checkpointId`, in order. Repeating it does nothing. */
  notifyComplete(checkpointId: number): Promise<void> {
    // One after the other, so that a later notification does not overtake an earlier one's commits.
    const after = this.#committing.then(() => this.#commitUpTo(checkpointId));
    this.#committing = after.catch(() => {});
    return after;
  }

  /** Drops the open transaction. Pending ones stay: they are in a checkpoint that may be complete. */
  async close(): Promise<void> {
    await this.#committing;
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) await this.#sink.abort(open.transaction);
  }

  #begin(checkpointId: number): void {
    this.#open = { transaction: this.#sink.beginTransaction({ ...this.#owner, checkpointId }) };
  }

  #addPending(pending: PendingTransaction<TXN>): void {
    this.#pending.push(pending);
    const durable = this.#sink.makeDurable?.(pending.transaction);
    if (durable === undefined) return;
    durable.catch((error: unknown) => {
      this.#lostDurability ??= { error };
    });
    this.#durable.set(pending, durable);
  }

  async #commitUpTo(checkpointId: number): Promise<void> {
    for (const pending of this.#pending.filter((candidate) => candidate.checkpointId <= checkpointId)) {
      await this.#sink.commit(pending.transaction);
      this.#durable.delete(pending);
      this.#pending = this.#pending.filter((other) => other !== pending);
    }
  }
}

/** Rejects as soon as one rejects. Nobody needs to listen: a capture that was given up meanwhile is no failure. */
function allWatched(promises: readonly Promise<void>[]): Promise<void> {
  const all = Promise.all(promises).then(() => {});
  all.catch(() => {});
  return all;
}

function byCheckpoint<TXN>(left: PendingTransaction<TXN>, right: PendingTransaction<TXN>): number {
  return left.checkpointId - right.checkpointId;
}

function pendingType<TXN>(transactionType: TypeInformation<TXN>): TypeInformation<PendingTransaction<TXN>> {
  const fields = { checkpointId: Types.SAFE_LONG, transaction: transactionType as unknown as TypeInformation<never> };
  return Types.OBJECT(fields) as unknown as TypeInformation<PendingTransaction<TXN>>;
}
