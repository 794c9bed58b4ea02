import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown when the operator cannot listen where it is to be asked. */
export class OperatorPortError extends FlinkJobError {
  constructor(what: string, why: string, options: { cause?: unknown } = {}) {
    super('OPERATOR_PORT', `${what}: ${why}; choose another port, or 0 for one that is free`, options);
  }
}
