/**
 * One call of a reconcile, from its beginning to its end or to the moment where nobody waits for it any more.
 *
 *     begun ──► returned, threw                                          ──► success, requeueAfter, failed, terminal
 *           └── time is up ──► signal ──► settles within the grace       ──► what it says; that it was late is counted
 *           └── told to stop ──► signal ──► settles within the grace     ──► the same
 *                                   └── does not                         ──► abandoned: its signal is spent, it can write
 *                                                                            nothing more, and it holds up nobody
 */
import type { Clock } from '../lib/clock.ts';
import { ReconcileTimeoutError, TerminalError } from './errors.ts';

/** Nothing more to do until something changes, or look again after a while. */
export type ReconcileResult = { readonly requeueAfterMs: number } | undefined;

/** How an attempt ended. `wasLate`: its time was up before. */
export type AttemptEnd =
  | { readonly how: 'success'; readonly wasLate: boolean }
  | { readonly how: 'requeueAfter'; readonly ms: number; readonly wasLate: boolean }
  | { readonly how: 'failed'; readonly error: unknown; readonly wasLate: boolean }
  | { readonly how: 'terminal'; readonly error: TerminalError; readonly wasLate: boolean }
  /** It was told to stop, and did not come to a result. */
  | { readonly how: 'stopped' }
  /** It does not settle; `settled` resolves if it ever does. */
  | { readonly how: 'abandoned'; readonly error: ReconcileTimeoutError; readonly settled: Promise<void> };

/** How long an attempt may take. */
export interface AttemptLimits {
  readonly timeoutMs: number;
  /** From the signal to giving it up. */
  readonly graceMs: number;
}

export interface AttemptFacts {
  /** For messages. */
  readonly key: string;
  readonly clock: Clock;
  readonly limits: AttemptLimits;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/** Calls `work` and answers how it went. Never throws. */
export async function attempt(
  work: (signal: AbortSignal) => Promise<ReconcileResult>,
  { key, clock, limits, stop }: AttemptFacts,
): Promise<AttemptEnd> {
  const end = new AbortController();
  const givenUp = Promise.withResolvers<'givenUp'>();
  let isLate = false;
  let cancelGrace = (): void => {};
  const stopNow = (): void => {
    if (end.signal.aborted) return;
    cancelGrace = clock.setTimer(limits.graceMs, () => givenUp.resolve('givenUp'));
    end.abort();
  };
  const cancelTimeout = clock.setTimer(limits.timeoutMs, () => {
    isLate = true;
    stopNow();
  });
  stop.addEventListener('abort', stopNow, { once: true });
  if (stop.aborted) stopNow();
  // A throw before the first await is the same as one after it.
  const working = (async () => work(end.signal))().then(ended, failed);
  const result = await Promise.race([working, givenUp.promise]);
  cancelTimeout();
  cancelGrace();
  stop.removeEventListener('abort', stopNow);
  if (result !== 'givenUp') return result({ key, limits, isLate, isStopped: stop.aborted });
  const error = new ReconcileTimeoutError(key, limits.timeoutMs);
  return { how: 'abandoned', error, settled: working.then(() => {}) };
}

/** What counts when an attempt has settled. */
interface Circumstances {
  readonly key: string;
  readonly limits: AttemptLimits;
  readonly isLate: boolean;
  readonly isStopped: boolean;
}

function ended(result: ReconcileResult): (circumstances: Circumstances) => AttemptEnd {
  return ({ isLate: wasLate }) =>
    result === undefined
      ? { how: 'success', wasLate }
      : { how: 'requeueAfter', ms: Math.max(0, result.requeueAfterMs), wasLate };
}

function failed(error: unknown): (circumstances: Circumstances) => AttemptEnd {
  return ({ key, limits, isLate, isStopped }) => {
    if (error instanceof TerminalError) return { how: 'terminal', error, wasLate: isLate };
    if (isLate)
      return {
        how: 'failed',
        error: new ReconcileTimeoutError(key, limits.timeoutMs, { cause: error }),
        wasLate: true,
      };
    return isStopped ? { how: 'stopped' } : { how: 'failed', error, wasLate: false };
  };
}
