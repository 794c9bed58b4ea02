/** Leader election: the port, and the Kubernetes Lease. See README.md. */
export { checkedLeaseTimes, DEFAULT_LEASE_TIMES, type Elector, type LeaseTimes } from './elector.ts';
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
