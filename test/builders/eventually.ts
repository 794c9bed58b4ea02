/** Waiting for what happens on its own. */

/** Resolves when the condition holds; fails after the deadline. For what the operating system or a server does on its own. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
  intervalMs = 5,
): Promise<void> {
  const stop = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > stop) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
