/** Leader election on a Kubernetes Lease. See README.md. */

export { LeaseLostError } from './errors.ts';
export { LeaseElector, type LeaseElectorOptions } from './lease-elector.ts';
export {
  decideLease,
  heldRecord,
  type LeaseDecision,
  type LeaseFacts,
  microTime,
  releasedRecord,
} from './lease-record.ts';
