/** How long a job was in its phases, and on its way between the states in which it may stay. Pure. */
import type { Phase } from '../../api/index.ts';

/** Where a job is between two states in which it may stay. */
export interface Journey {
  readonly phase: Phase;
  /** Undefined: before anybody looked. */
  readonly since: number | undefined;
  readonly under: { readonly transition: string; readonly since: number } | undefined;
  /** Phases that have just been left, and transitions that have just ended. */
  readonly left: readonly { readonly phase: Phase; readonly seconds: number }[];
  readonly arrived: readonly { readonly transition: string; readonly seconds: number }[];
}

/** A job may stay here; everything else is on the way. */
const SETTLED: readonly Phase[] = ['Running', 'Suspended', 'Succeeded', 'Failed'];

const TRANSITIONS: Readonly<Partial<Record<Phase, string>>> = {
  Pending: 'start',
  Starting: 'start',
  Restarting: 'restart',
  Upgrading: 'upgrade',
  Rescaling: 'rescale',
  RollingBack: 'rollback',
  Suspending: 'suspend',
};

/** What has ended with the phase that is told of now. Pure. */
export function nextJourney(
  before: Journey | undefined,
  { phase, phaseSince }: { readonly phase: Phase; readonly phaseSince?: number },
  now: number,
): Journey {
  if (before?.phase === phase) return { ...before, left: [], arrived: [] };
  const since = phaseSince ?? (before === undefined ? undefined : now);
  const at = since ?? now;
  const left = before?.since === undefined ? [] : [{ phase: before.phase, seconds: secondsBetween(before.since, at) }];
  const under = before?.under;
  if (SETTLED.includes(phase)) {
    const arrived =
      under === undefined ? [] : [{ transition: under.transition, seconds: secondsBetween(under.since, at) }];
    return { phase, since, under: undefined, left, arrived };
  }
  return { phase, since, under: transitionInto(phase, before, since), left, arrived: [] };
}

function transitionInto(phase: Phase, before: Journey | undefined, since: number | undefined): Journey['under'] {
  const under = before?.under;
  // An upgrade that is rolled back is a rollback from its beginning.
  if (under !== undefined) return phase === 'RollingBack' ? { ...under, transition: 'rollback' } : under;
  const transition = before?.phase === 'Suspended' && phase === 'Starting' ? 'resume' : TRANSITIONS[phase];
  return transition === undefined || since === undefined ? undefined : { transition, since };
}

/** Never less than none: clocks are set back. */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
