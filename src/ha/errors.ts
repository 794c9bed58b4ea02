import { FlinkJobError, messageOf } from '../lib/errors.ts';

/** The root of what the high availability stores throw. */
export class HaError extends FlinkJobError {
  /** Failures of the clean-up that this error made necessary; they hide nothing and change nothing. */
  suppressed: readonly unknown[] = [];
}

/** Thrown by an add when the name holds another state already. Flink's StateHandleStore.AlreadyExistException. */
export class AlreadyExistException extends HaError {
  constructor(key: string, store: string) {
    super('HA_ALREADY_EXISTS', `${key} already exists in ${store}`);
  }
}

/** Thrown when a name holds no state, or one that is being removed. Flink's StateHandleStore.NotExistException. */
export class NotExistException extends HaError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('HA_NOT_EXIST', message, options);
  }
}

/**
 * Thrown when it could not be found out whether a write happened. Nothing was discarded: the state may be the one that
 * is pointed to. Flink's PossibleInconsistentStateException.
 */
export class PossibleInconsistentStateException extends HaError {
  constructor(what: string, store: string, cause: unknown) {
    super(
      'HA_POSSIBLE_INCONSISTENT_STATE',
      `it is unclear whether ${what} was written to ${store} (${messageOf(cause)}); no state was discarded: ` +
        'read the store again before deciding, or let the next leader recover',
      { cause, retryable: true },
    );
  }
}

/** Thrown when a write was refused because this process does not lead, or no longer does. What it uploaded is gone. */
export class NotLeaderException extends HaError {
  constructor(what: string, store: string, options: { cause?: unknown } = {}) {
    super(
      'HA_NOT_LEADER',
      `${what} was not written to ${store}: this process does not lead the job, or no longer does; it must exit`,
      options,
    );
  }
}

/** Thrown before a write that would make the object of a job larger than it may be. */
export class StateTooLargeException extends HaError {
  constructor(what: string, store: string, limitBytes: number) {
    super(
      'HA_STATE_TOO_LARGE',
      `${what} was not written to ${store}: the object would exceed ${limitBytes} bytes; ` +
        'retain fewer checkpoints, or remove entries that are no longer needed',
    );
  }
}

/** Thrown when the object of a job is gone although somebody works with it. */
export class HaObjectMissingException extends HaError {
  constructor(store: string) {
    super('HA_OBJECT_MISSING', `${store} does not exist. It may be deleted externally.`);
  }
}

/** Thrown when the store could not be asked, or refused a write for a reason of its own (see the cause). */
export class HaStoreException extends HaError {
  constructor(what: string, store: string, cause: unknown) {
    super('HA_STORE', `${what} failed on ${store}: ${messageOf(cause)}`, { cause, retryable: true });
  }
}

/** Thrown when the object of a job cannot be understood. */
export class HaObjectCorruptException extends HaError {
  constructor(store: string, reason: string, options: { cause?: unknown } = {}) {
    super('HA_OBJECT_CORRUPT', `${store} cannot be read: ${reason}`, options);
  }
}

/** Thrown when removing states went wrong for some of them; those stay marked, and the same call finishes the work. */
export class RemovalFailedException extends HaError {
  constructor(store: string, failures: readonly unknown[]) {
    super('HA_REMOVAL_FAILED', `Could not properly remove all state handles of ${store}.`, {
      cause: failures[0],
      retryable: true,
    });
    this.suppressed = failures.slice(1);
  }
}

/** Handed to contenders when the election itself broke. Flink's LeaderElectionException. */
export class LeaderElectionException extends HaError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('HA_LEADER_ELECTION', message, options);
  }
}

/** Thrown by closing and cleaning up: the first failure, after every step was tried. */
export class HaServicesException extends HaError {
  constructor(message: string, failures: readonly unknown[]) {
    super('HA_SERVICES', `${message}: ${messageOf(failures[0])}`, { cause: failures[0], retryable: true });
    this.suppressed = failures.slice(1);
  }
}

/** The error, carrying failures that came after it. */
export function withSuppressed<E>(error: E, failures: readonly unknown[]): E {
  if (failures.length > 0 && error instanceof Error) {
    const known = (error as { suppressed?: readonly unknown[] }).suppressed ?? [];
    Object.assign(error, { suppressed: [...known, ...failures] });
  }
  return error;
}

/** Runs every step, also after one that failed; answers the failures in order. */
export async function tryAll(steps: readonly (() => Promise<unknown> | unknown)[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}
