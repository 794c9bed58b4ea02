/** Waiting for what happens on its own. */

/** Between two looks: a twentieth of what was waited, so that waiting takes no time from what is waited for. */
const SHARE = 20;
const LONGEST_PAUSE_MS = 50;

/** Resolves when the condition holds; fails after the deadline. For what the operating system or a server does on its own. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
  intervalMs = 5,
): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > deadlineMs) throw new Error('the condition did not come true in time');
    await pauseBetweenLooks(begun, intervalMs);
  }
}

/**
 * The pause of whoever looks again and again, since then by `performance.now()`: short for what comes soon, longer for what
 * takes its time. Whatever is looked at would else do little but answer.
 */
export function pauseBetweenLooks(sinceMs: number, leastMs = 5): Promise<void> {
  const grown = Math.min((performance.now() - sinceMs) / SHARE, LONGEST_PAUSE_MS);
  return new Promise((resolve) => setTimeout(resolve, Math.max(leastMs, grown)));
}
