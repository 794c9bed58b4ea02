import { FlinkJobError } from '../lib/errors.ts';

/** Thrown with everything that is wrong with a configuration. */
export class OperatorConfigError extends FlinkJobError {
  /** One sentence each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super('OPERATOR_CONFIG', `the configuration has ${count}\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.problems = problems;
  }
}
