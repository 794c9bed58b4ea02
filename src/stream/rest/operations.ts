/**
 * Operations that take longer than a request: begun by a POST, asked after by GETs, remembered for a while. The caller
 * may choose the id; the same id twice is the same operation, so a POST whose answer got lost can be sent again.
 * Follows Flink's asynchronous operation handlers. A crash forgets them; the caller then finds its trigger unknown.
 */
import { randomUUID } from 'node:crypto';
import type { AsyncOperationResult, SerializedThrowable } from '../../flink/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { causeChain, FlinkJobError, messageOf } from '../../lib/errors.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';

/** Operations share ids within a kind only; a stop is asked after where savepoints are. */
export type OperationKind = 'savepoint' | 'checkpoint';

/** Limits of {@link Operations}. */
export interface OperationsOptions {
  readonly clock: Clock;
  /** How long a result is kept. @default 300000, Flink's rest.async.store-duration */
  readonly keepMs?: number;
  /** How many operations may be under way at once. @default 100 */
  readonly maxInProgress?: number;
}

type Outcome = { readonly location: string } | { readonly checkpointId: number };

interface Operation {
  outcome: Outcome | { readonly 'failure-cause': SerializedThrowable } | undefined;
  read: boolean;
}

/** The operations of one server. */
export class Operations {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #maxInProgress: number;
  readonly #operations = new Map<string, Operation>();
  readonly #timers = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor({ clock, keepMs = 300_000, maxInProgress = 100 }: OperationsOptions) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#maxInProgress = maxInProgress;
  }

  /** Begins an operation, unless one with this id exists, and returns its id. @throws RestError 503 when too many run */
  begin(kind: OperationKind, triggerId: string | undefined, carryOut: () => Promise<Outcome>): string {
    const id = triggerId ?? randomUUID().replaceAll('-', '');
    const key = `${kind}/${id}`;
    if (this.#operations.has(key)) return id;
    const inProgress = [...this.#operations.values()].filter(({ outcome }) => outcome === undefined).length;
    if (inProgress >= this.#maxInProgress) {
      throw new RestError(503, `${inProgress} operations are under way; wait for one to end.`, {
        'Retry-After': RETRY_AFTER_S,
      });
    }
    const operation: Operation = { outcome: undefined, read: false };
    this.#operations.set(key, operation);
    const end = (outcome: Operation['outcome']): void => {
      operation.outcome = outcome;
      this.#forgetLater(key);
    };
    // Started in a later turn, so that a command which throws at once fails the operation and not the POST.
    Promise.resolve()
      .then(carryOut)
      .then(end, (error: unknown) => end({ 'failure-cause': failureCause(error) }));
    return id;
  }

  /** What became of an operation, or undefined for an id that is unknown or forgotten. */
  read(kind: OperationKind, triggerId: string): AsyncOperationResult<object> | undefined {
    const operation = this.#operations.get(`${kind}/${triggerId}`);
    if (operation === undefined) return undefined;
    if (operation.outcome === undefined) return { status: { id: 'IN_PROGRESS' }, operation: null };
    operation.read = true;
    for (const check of this.#waiting) check();
    return { status: { id: 'COMPLETED' }, operation: operation.outcome };
  }

  /**
   * Resolves true when somebody has read the result of every operation, or false after `timeoutMs`: a process that ends
   * with a savepoint stays until its caller knows where the savepoint lies.
   */
  allRead(timeoutMs: number): Promise<boolean> {
    const areRead = (): boolean => [...this.#operations.values()].every(({ read }) => read);
    if (areRead()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        this.#waiting.delete(check);
        cancelTimer();
        resolve(result);
      };
      const check = (): void => {
        if (areRead()) finish(true);
      };
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => finish(false));
      this.#waiting.add(check);
    });
  }

  /** Cancels timers; results stay readable until the object goes. */
  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #forgetLater(key: string): void {
    const cancel = this.#clock.setTimer(this.#keepMs, () => {
      this.#timers.delete(cancel);
      this.#operations.delete(key);
      for (const check of this.#waiting) check();
    });
    this.#timers.add(cancel);
  }
}

/** An error in Flink's form: class and a trace of messages, without places in our source; our code beside it. */
function failureCause(error: unknown): SerializedThrowable {
  const lines = causeChain(error).map((one) => `${one instanceof Error ? one.name : 'Error'}: ${messageOf(one)}`);
  return {
    class: error instanceof Error ? error.name : 'Error',
    'stack-trace': lines.join('\nCaused by: '),
    'serialized-throwable': null,
    ...(error instanceof FlinkJobError ? { code: error.code } : {}),
  };
}
