import { FlinkJobError } from '../lib/errors.ts';

/** What became of the request that failed: it never will be applied, or nobody knows. */
export type RequestOutcome = 'notApplied' | 'unknown';

/** The root of what the ZooKeeper client throws. */
export class ZooKeeperError extends FlinkJobError {
  readonly outcome: RequestOutcome;

  constructor(
    code: string,
    message: string,
    options: { readonly outcome: RequestOutcome; readonly cause?: unknown; readonly retryable?: boolean },
  ) {
    super(code, message, options);
    this.outcome = options.outcome;
  }
}

/** What ZooKeeper calls its answers that are no success; those not listed are known by number. */
const REFUSALS: Readonly<Record<number, string>> = {
  [-1]: 'SystemError',
  [-2]: 'RuntimeInconsistency',
  [-3]: 'DataInconsistency',
  [-4]: 'ConnectionLoss',
  [-5]: 'MarshallingError',
  [-6]: 'Unimplemented',
  [-7]: 'OperationTimeout',
  [-8]: 'BadArguments',
  [-101]: 'NoNode',
  [-102]: 'NoAuth',
  [-103]: 'BadVersion',
  [-108]: 'NoChildrenForEphemerals',
  [-110]: 'NodeExists',
  [-111]: 'NotEmpty',
  [-112]: 'SessionExpired',
  [-114]: 'InvalidACL',
  [-115]: 'AuthFailed',
  [-118]: 'SessionMoved',
  [-119]: 'NotReadOnly',
  [-121]: 'NoWatcher',
  [-125]: 'QuotaExceeded',
  [-127]: 'ThrottledOp',
};

/**
 * Refusals after which a write has surely not happened and never will. Flink's ZooKeeperStateHandleStore trusts the same
 * ones; NotEmpty is added, since a node that has children is not deleted.
 */
const DEFINITE = new Set([
  'NodeExists',
  'BadArguments',
  'NoNode',
  'NoAuth',
  'BadVersion',
  'AuthFailed',
  'InvalidACL',
  'SessionMoved',
  'NotReadOnly',
  'NotEmpty',
]);

/** Thrown when the server answered that it would not, or could not, do what was asked. */
export class RefusedError extends ZooKeeperError {
  /** ZooKeeper's name of the answer: `NoNode`, `BadVersion`, … */
  readonly refusal: string;
  /** Which operation of a transaction was refused; 0 outside of transactions. */
  readonly index: number;

  constructor(number: number, what: string, index = 0) {
    const refusal = REFUSALS[number] ?? `error ${number}`;
    super('ZOOKEEPER_REFUSED', `ZooKeeper refused ${what}: ${refusal}`, {
      outcome: DEFINITE.has(refusal) ? 'notApplied' : 'unknown',
    });
    this.refusal = refusal;
    this.index = index;
  }
}

/** Thrown when no answer came: there is no connection, it broke, or time ran out. */
export class ConnectionLossError extends ZooKeeperError {
  constructor(what: string, why: string, options: { readonly outcome: RequestOutcome; readonly cause?: unknown }) {
    super('ZOOKEEPER_CONNECTION', `ZooKeeper did not answer ${what}: ${why}`, { ...options, retryable: true });
  }
}

/** Thrown when the client was closed, or may not use the ensemble: it makes no connection any more. */
export class ClientClosedError extends ZooKeeperError {
  constructor(why: string, outcome: RequestOutcome = 'notApplied') {
    super('ZOOKEEPER_CLOSED', `the ZooKeeper client is closed: ${why}`, { outcome });
  }
}

/** Whether an error is this refusal of the server. */
export function isRefusal(error: unknown, refusal: string): error is RefusedError {
  return error instanceof RefusedError && error.refusal === refusal;
}

/** The error for an answer that says nothing which the server of such a request would say. */
export function senselessAnswer(
  { what, isRead }: { readonly what: string; readonly isRead: boolean },
  cause: RangeError,
): ConnectionLossError {
  const why = `its answer is not that of a ZooKeeper server: ${cause.message}`;
  return new ConnectionLossError(what, why, { outcome: isRead ? 'notApplied' : 'unknown', cause });
}
