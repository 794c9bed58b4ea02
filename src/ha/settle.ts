/**
 * Sends a patch until it is known what became of it.
 *
 *     send ──► done
 *       ├────► not done (moved, rejected, …)
 *       └────► no answer ──► read again ──► another version: it was applied, or it never will be; the reader can tell
 *                  ▲               └──────► the same version: it may still arrive. Send the same patch again:
 *                  └───────────────────────  both carry one seq, so at most one of them is applied.
 *
 * Once an answer was lost, only a read of another version or a `done` settles it; a refusal of the second copy says
 * nothing of the first.
 */
import type { Clock } from '../lib/clock.ts';
import {
  type HandleBackend,
  type HaPatch,
  type HaSnapshot,
  isExpected,
  type PatchAnswer,
  patched,
} from './handle-backend.ts';

export type Settled =
  | { readonly settled: 'done'; readonly snapshot: HaSnapshot }
  /** Refused at once. */
  | { readonly settled: 'notDone'; readonly answer: Extract<PatchAnswer, { answer: 'notDone' }> }
  /** An answer was lost; this version, read later, shows what became of the patch. Undefined: the object is gone. */
  | { readonly settled: 'seen'; readonly snapshot: HaSnapshot | undefined }
  | { readonly settled: 'unknown'; readonly cause: unknown };

/** How often, and how patiently, a lost answer is looked for. */
export interface Patience {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Requests after the first. */
  readonly retries: number;
}

/**
 * Sends `patch`, computed from `before`, until it is settled or the retries are used up. After a lost answer it looks at
 * least once; then only while `isWorthwhile`: who may not write any more has no use for a second try.
 */
export async function sendUntilSettled(
  backend: HandleBackend,
  before: HaSnapshot,
  patch: HaPatch,
  patience: Patience,
  isWorthwhile: () => boolean = () => true,
): Promise<Settled> {
  const first = await backend.patch(patch);
  if (first.answer === 'done') return { settled: 'done', snapshot: patched(before, patch) };
  if (first.answer === 'notDone') return { settled: 'notDone', answer: first };

  let cause = first.cause;
  for (let retry = 0; retry < patience.retries && (retry === 0 || isWorthwhile()); retry += 1) {
    await pauseBeforeRetry(patience, retry);
    try {
      const seen = await backend.read();
      if (seen === undefined || !isExpected(seen, patch.expect)) return { settled: 'seen', snapshot: seen };
    } catch (error) {
      cause = error;
      continue;
    }
    const again = await backend.patch(patch);
    if (again.answer === 'done') return { settled: 'done', snapshot: patched(before, patch) };
    if (again.answer === 'unknown') cause = again.cause;
  }
  return { settled: 'unknown', cause };
}

/** A random wait of up to 10 ms, doubling, at most 100 ms: about twice what a write takes. */
export function pauseBeforeRetry({ clock, random }: Patience, retry: number): Promise<void> {
  const delayMs = random() * Math.min(100, 10 * 2 ** retry);
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
