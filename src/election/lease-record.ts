/**
 * The record in a Lease, as client-go's elector writes and reads it, so that `kubectl get lease` and electors of other
 * programs understand it; and what a contender does about it. Pure.
 *
 * A time in the record is for people. Contenders measure on their own monotonic clock how long the record has not changed,
 * so clocks that differ by hours do no harm.
 */
import type { LeaseSpec } from '../kube/index.ts';

/** What a contender knows when it decides. */
export interface LeaseFacts {
  /** The record; undefined when there is no Lease, or one without a record. */
  readonly record: LeaseSpec | undefined;
  readonly me: string;
  /** How long this contender has been seeing the same version of it. */
  readonly unchangedMs: number;
  readonly ownDurationMs: number;
}

export type LeaseDecision =
  | { readonly do: 'take' }
  /** It names this contender already: renew it. */
  | { readonly do: 'renew' }
  | { readonly do: 'wait'; readonly ms: number };

/** A record that claims to last longer than so many of our own leases has been tampered with. */
const LONGEST_LEASES = 4;
/** The API server takes no higher number; a record that somebody set so high counts no further. */
const MOST_TRANSITIONS = 0x7fff_ffff;

/** Take the lease, renew it, or wait until it may have run out. */
export function decideLease({ record, me, unchangedMs, ownDurationMs }: LeaseFacts): LeaseDecision {
  const holder = record?.holderIdentity ?? '';
  if (holder === '') return { do: 'take' };
  if (holder === me) return { do: 'renew' };
  const lastsMs = record?.leaseDurationSeconds === undefined ? ownDurationMs : record.leaseDurationSeconds * 1000;
  const leftMs = Math.min(lastsMs, LONGEST_LEASES * ownDurationMs) - unchangedMs;
  return leftMs < 0 ? { do: 'take' } : { do: 'wait', ms: leftMs + 1 };
}

/** The record after taking or renewing. Transitions count each change of hands, as client-go counts them. */
export function heldRecord(
  before: LeaseSpec | undefined,
  {
    me,
    now,
    ownDurationMs,
    leastTransitions,
  }: { me: string; now: number; ownDurationMs: number; leastTransitions: number },
): Required<LeaseSpec> {
  const isRenewal = before?.holderIdentity === me;
  const counted = before?.leaseTransitions ?? 0;
  // A Lease made for the first time counts from 0; one that existed has changed hands.
  const transitions = before === undefined || isRenewal ? counted : counted + 1;
  return {
    holderIdentity: me,
    // Whole seconds: rounded up, so that others wait rather too long than too short.
    leaseDurationSeconds: Math.ceil(ownDurationMs / 1000),
    acquireTime: isRenewal && before.acquireTime !== undefined ? before.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: Math.min(Math.max(transitions, leastTransitions), MOST_TRANSITIONS),
  };
}

/** The record of a lease given back: nobody holds it, and it lasts no time. */
export function releasedRecord(before: LeaseSpec, now: number): Required<LeaseSpec> {
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: before.leaseTransitions ?? 0,
  };
}

/** Kubernetes' MicroTime: six digits of a second, always. */
export function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}
