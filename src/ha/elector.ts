export { checkedLeaseTimes, DEFAULT_LEASE_TIMES, type Elector, type LeaseTimes } from '../election/index.ts';
