export { checkedLeaseTimes, DEFAULT_LEASE_TIMES, type Elector, type LeaseTimes } from '../lib/elector.ts';
