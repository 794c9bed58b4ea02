import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';

/** How often watchers look for themselves, should the machine not tell them of changes. */
const POLL_MS = 500;
/** The events of one change come within this time. */
const SETTLE_MS = 10;

/**
 * Looks at once, and again soon after a directory changed: told by the machine where it can, and at intervals anyway. One
 * look at a time, so that what one finds is never older than what the one before found. The result ends it.
 */
export function watchDirectory(
  directory: string,
  clock: Clock,
  look: (isEnded: () => boolean) => Promise<void>,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  let cancel = (): void => {};
  let isLooking = false;
  let isStale = false;
  let isSoon = false;

  const lookWhileStale = async (): Promise<void> => {
    isLooking = true;
    while (isStale && !signal.aborted) {
      isStale = false;
      await look(() => signal.aborted);
    }
    isLooking = false;
  };
  const now = (): void => {
    isStale = true;
    // A look says itself what went wrong with it.
    if (!isLooking) lookWhileStale().catch(() => {});
  };
  const lookIn = (delayMs: number): void => {
    cancel();
    cancel = clock.setTimer(delayMs, () => {
      isSoon = false;
      lookIn(POLL_MS);
      now();
    });
  };
  // One change of a file is several events; they are one look.
  const soon = (): void => {
    if (isSoon || signal.aborted) return;
    isSoon = true;
    lookIn(SETTLE_MS);
  };
  const listen = (): void => {
    if (signal.aborted) return;
    try {
      const watcher = watch(directory, { persistent: false, signal }, soon);
      watcher.on('error', () => watcher.close());
    } catch {
      // The machine cannot tell us: looking at intervals is enough.
    }
  };

  now();
  lookIn(POLL_MS);
  mkdir(directory, { recursive: true }).then(listen, () => {});
  return () => {
    ending.abort();
    cancel();
  };
}
