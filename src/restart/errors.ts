import { IllegalArgumentException, IllegalStateException } from '../lib/java-errors.ts';

/** Thrown when a restart strategy has values outside its limits; `violations` holds one text per limit, in Flink's words. */
export class InvalidRestartStrategyException extends IllegalArgumentException {
  readonly violations: readonly string[];

  constructor(violations: readonly string[]) {
    super(violations.join(' '));
    this.violations = violations;
  }
}

/** Thrown when options written for Flink name no restart strategy or hold a value that cannot be read. */
export class InvalidRestartOptionException extends IllegalArgumentException {
  /** The option that was at fault. */
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** Thrown when a delay is asked for before the first failure, which is what draws it. */
export class NoFailureYetException extends IllegalStateException {
  constructor() {
    super('Please call notifyFailure first.');
  }
}
