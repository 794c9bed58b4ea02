import { FlinkJobError } from './errors.ts';

/**
 * The exceptions of Apache Flink's contracts that users of Flink know by name. Ours carry the same names and texts so
 * that a message found here leads to the right page there. None of them is worth a retry: the caller has to change.
 */
function javaError(code: string): new (message: string, options?: { cause?: unknown }) => FlinkJobError {
  return class extends FlinkJobError {
    constructor(message: string, options: { cause?: unknown } = {}) {
      super(code, message, options);
    }
  };
}

/** A value that must be there is null or undefined. */
export class NullPointerException extends javaError('NULL_POINTER') {}
/** An argument is outside what the contract allows. */
export class IllegalArgumentException extends javaError('ILLEGAL_ARGUMENT') {}
/** The call is not allowed in the state the object is in. */
export class IllegalStateException extends javaError('ILLEGAL_STATE') {}
/** An index lies outside its range. */
export class IndexOutOfBoundsException extends javaError('INDEX_OUT_OF_BOUNDS') {}
/** The object does not offer this operation, on purpose. */
export class UnsupportedOperationException extends javaError('UNSUPPORTED_OPERATION') {}
/** Bytes could not be read, written or understood. */
export class IOException extends javaError('IO') {}
/** The job graph or a function in it is not one that can run. */
export class InvalidProgramException extends javaError('INVALID_PROGRAM') {}
/** Stored state cannot be read with the types the job declares now. */
export class StateMigrationException extends javaError('STATE_MIGRATION') {}
/** A key, element or element of a collection does not exist. */
export class NoSuchElementException extends javaError('NO_SUCH_ELEMENT') {}
/** What Flink throws where no narrower class fits. */
export class FlinkRuntimeException extends javaError('FLINK_RUNTIME') {}

/**
 * Thrown by a job (or by the runtime on its behalf) when a restart cannot help: it ends the job at once, whatever the
 * restart strategy says. Follows Flink's SuppressRestartsException.
 */
export class SuppressRestartsException extends FlinkJobError {
  constructor(cause: unknown) {
    super(
      'SUPPRESS_RESTARTS',
      'Unrecoverable failure. This suppresses job restarts. Please check the stack trace for the root cause.',
      { cause },
    );
  }
}
