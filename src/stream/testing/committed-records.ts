/**
 * A stand-in for an outside system that takes transactions: what it has committed is what the world sees of a job. It
 * outlives crashes of the job, as such a system does.
 */
import { IllegalStateException } from '../../lib/java-errors.ts';
import { type TransactionContext, TwoPhaseCommitSinkFunction } from '../connectors/sink.ts';
import { Types } from '../types/index.ts';

interface Transaction<T> {
  readonly records: T[];
  state: 'open' | 'preCommitted' | 'committed';
}

export class CommittedRecords<T> {
  readonly #transactions = new Map<string, Transaction<T>>();
  readonly #records: T[] = [];

  /** Committed records in the order of their commits. */
  get records(): readonly T[] {
    return this.#records;
  }

  /** Records that were promised and not committed: garbage once the job has finished, never seen by anybody. */
  get uncommitted(): readonly T[] {
    return [...this.#transactions.values()].flatMap(({ state, records }) => (state === 'committed' ? [] : records));
  }

  /** A sink that writes into this. Make one per `addSink`. */
  sink(): TwoPhaseCommitSinkFunction<T, string> {
    return new CommittingSink<T>(this.#transactions, this.#records);
  }
}

class CommittingSink<T> extends TwoPhaseCommitSinkFunction<T, string> {
  readonly transactionType = Types.STRING;
  readonly #transactions: Map<string, Transaction<T>>;
  readonly #committed: T[];

  constructor(transactions: Map<string, Transaction<T>>, committed: T[]) {
    super();
    this.#transactions = transactions;
    this.#committed = committed;
  }

  beginTransaction({ uid, subtaskIndex, epoch, checkpointId }: TransactionContext): string {
    const id = `${uid}/${subtaskIndex}/${epoch}/${checkpointId}`;
    if (this.#transactions.has(id))
      throw new IllegalStateException(`transaction ${id} was begun before: make new CommittedRecords for each job`);
    this.#transactions.set(id, { records: [], state: 'open' });
    return id;
  }

  invoke(id: string, value: T): void {
    this.#transaction(id, 'open').records.push(value);
  }

  preCommit(id: string): string | undefined {
    const transaction = this.#transaction(id, 'open');
    if (transaction.records.length === 0) {
      this.#transactions.delete(id);
      return undefined;
    }
    transaction.state = 'preCommitted';
    return id;
  }

  commit(id: string): void {
    const transaction = this.#transactions.get(id);
    // Told again after a restore: it is done.
    if (transaction?.state === 'committed') return;
    const { records } = this.#transaction(id, 'preCommitted');
    this.#committed.push(...records);
    this.#transactions.set(id, { records: [], state: 'committed' });
  }

  abort(id: string): void {
    this.#transactions.delete(id);
  }

  #transaction(id: string, state: Transaction<T>['state']): Transaction<T> {
    const transaction = this.#transactions.get(id);
    if (transaction?.state === state) return transaction;
    throw new IllegalStateException(`transaction ${id} is ${transaction?.state ?? 'unknown'}, not ${state}`);
  }
}
