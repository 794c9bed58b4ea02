/** Whether a process is alive, and whether it is ready. Pure, and without a question to the API server. */

/** What liveness rests on. */
export interface LivenessFacts {
  /** The longest time for which the process has not come to do anything else, since it was last asked. */
  readonly eventLoopDelayMs: number;
  /** Of a leader: how old its lease is, and how long leases last. */
  readonly lease: { readonly ageMs: number; readonly durationMs: number } | undefined;
}

/** What readiness rests on. Leadership is no part of it: a standby is ready. */
export interface ReadinessFacts {
  readonly isStopping: boolean;
  readonly informers: readonly {
    readonly resource: { readonly plural: string };
    readonly hasSynced: boolean;
    readonly silentMs: number;
  }[];
}

/** Good, or not, and then why. */
export interface Verdict {
  readonly isGood: boolean;
  readonly why: readonly string[];
}

/** A process that is busy for longer does not renew its lease either. */
const LONGEST_DELAY_MS = 5_000;
/** A leader whose lease has run out for so long should have ended; that it has not is a fault only a restart mends. */
const LEASE_GRACE_MS = 20_000;
/** The server sends bookmarks every minute or two, and ends watches after ten minutes at the latest. */
const LONGEST_SILENCE_MS = 600_000;

/** Not alive: it has to be started again. */
export function liveness({ eventLoopDelayMs, lease }: LivenessFacts): Verdict {
  const why: string[] = [];
  if (eventLoopDelayMs > LONGEST_DELAY_MS) why.push(`the event loop was blocked for ${seconds(eventLoopDelayMs)}`);
  if (lease !== undefined && lease.ageMs > lease.durationMs + LEASE_GRACE_MS)
    why.push(`it believes to lead, and its lease is ${seconds(lease.ageMs)} old`);
  return { isGood: why.length === 0, why };
}

/** Not ready: it does not know enough, or is about to end. */
export function readiness({ isStopping, informers }: ReadinessFacts): Verdict {
  const why = isStopping ? ['it is stopping'] : [];
  for (const { resource, hasSynced, silentMs } of informers) {
    if (!hasSynced) why.push(`the copy of ${resource.plural} is not whole yet`);
    else if (silentMs > LONGEST_SILENCE_MS)
      why.push(`nothing was heard of ${resource.plural} for ${seconds(silentMs)}`);
  }
  return { isGood: why.length === 0, why };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
