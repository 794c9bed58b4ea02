/**
 * How records leave a job exactly once: the interface of transactional sinks. The runtime keeps one open transaction per
 * subtask; at a capture it is pre-committed and its handle stored with the state; when the checkpoint is known to be
 * complete it is committed. Follows Flink's TwoPhaseCommitSinkFunction.
 */
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import { RichFunction } from '../functions/functions.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** Who a transaction belongs to. All parts go into the names of what it writes, so that nothing of another epoch is touched. */
export interface TransactionContext {
  readonly jobId: string;
  readonly uid: string;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly epoch: number;
  /** What this attempt of the job goes on from. */
  readonly origin: AttemptOrigin;
  /** The checkpoint that is expected to close it; grows strictly within an epoch. */
  readonly checkpointId: number;
}

/**
 * A sink that commits with the checkpoint.
 *
 * Owed by the implementer: a pre-committed transaction survives the process; `commit` is idempotent and uses up what it
 * commits ("already committed" is success), because it is called again after a restore, maybe by another subtask.
 */
export abstract class TwoPhaseCommitSinkFunction<T, TXN> extends RichFunction {
  /** How a transaction handle is stored. */
  abstract readonly transactionType: TypeInformation<TXN>;
  /** Opens a transaction. Must create nothing that anybody else could see. */
  abstract beginTransaction(context: TransactionContext): TXN;
  abstract invoke(transaction: TXN, value: T, timestamp: number | undefined): void;
  /**
   * Synchronous part of a capture: hands everything written to the operating system and returns the handle to store, or
   * undefined when nothing was written.
   */
  abstract preCommit(transaction: TXN): TXN | undefined;
  /** Asynchronous part: resolves when the pre-committed transaction survives a crash. The capture waits for it. */
  makeDurable?(transaction: TXN): Promise<void>;
  abstract commit(transaction: TXN): void | Promise<void>;
  /** Drops a transaction that will not be committed. */
  abstract abort(transaction: TXN): void | Promise<void>;
  /**
   * At the start of every attempt, before the restored transactions are committed: put back what an earlier attempt has
   * taken back though the restored state knows it.
   */
  prepareRecovery?(context: TransactionContext): void | Promise<void>;
  /** After a restore, once the restored transactions are committed: sweep what older epochs left open. */
  recoverAndAbort?(context: TransactionContext): void | Promise<void>;
}
