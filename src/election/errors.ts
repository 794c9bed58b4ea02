import { FlinkJobError } from '../lib/errors.ts';

/** Handed to a holder whose lease is lost: it writes nothing any more, and does not contend again. */
export class LeaseLostError extends FlinkJobError {
  constructor(lease: string, why: string, options: { cause?: unknown } = {}) {
    super('ELECTION_LEASE_LOST', `${lease} is lost: ${why}`, options);
  }
}
