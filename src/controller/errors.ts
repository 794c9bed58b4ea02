import { FlinkJobError } from '../lib/errors.ts';

/**
 * Thrown by a reconcile that cannot succeed until somebody changes the object, or something else that is watched: it is not
 * tried again by itself. Follows controller-runtime's TerminalError.
 */
export class TerminalError extends FlinkJobError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('CONTROLLER_TERMINAL', message, options);
  }
}

/** A reconcile took longer than it may. Its calls were ended, and the key is tried again. */
export class ReconcileTimeoutError extends FlinkJobError {
  constructor(key: string, timeoutMs: number, options: { cause?: unknown } = {}) {
    const next = 'its calls were ended, and it is tried again';
    super('CONTROLLER_TIMEOUT', `the reconcile of ${key} took longer than ${timeoutMs / 1000} s; ${next}`, {
      ...options,
      retryable: true,
    });
  }
}

type ManagerErrorCode = 'MANAGER_NOT_SYNCED' | 'MANAGER_PART_ENDED';

/** The manager could not do what it is there for, and the process has to end so that another one takes over. */
export class ManagerError extends FlinkJobError {
  constructor(code: ManagerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { ...options, retryable: true });
  }
}
