/** What this folder throws. Violations are values; only a caller that wants one valid job gets an exception. */
import { FlinkJobError } from '../lib/errors.ts';
import { formatViolation, type Violation } from './violation.ts';

/** Thrown when a FlinkJob was needed and the text holds none, several, or an invalid one. Trying again does not help. */
export class InvalidFlinkJobError extends FlinkJobError {
  /** Everything that is wrong, in the order of the text. */
  readonly violations: readonly Violation[];

  constructor(source: string, violations: readonly Violation[]) {
    const lines = violations.map((violation) => `  ${formatViolation(violation)}`);
    super('INVALID_FLINK_JOB', [`${source} is not a valid FlinkJob:`, ...lines].join('\n'));
    this.violations = violations;
  }
}
