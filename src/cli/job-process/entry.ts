/** What a child process of `flinkjob run` runs: one attempt of one job. */
import { decodeJobOrder, JOB_ORDER_VARIABLE } from './job-order.ts';
import { runJobProcess } from './job-process.ts';
import type { FromJobProcess } from './messages.ts';

const stop = new AbortController();
// The first signal stops in order, the second at once: Node's default takes over when the handler is gone.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const tell = (message: FromJobProcess): void => {
  if (process.connected) process.send?.(message);
  else if (message.type === 'log') process.stderr.write(`${message.message}\n`);
};
// A supervisor that is gone cannot start the next attempt; the job would run on unseen. It stops instead, in order.
process.on('disconnect', () => stop.abort());

// Functions may print, and whoever read that may be gone: the job is not at fault.
process.stdout.on('error', () => {});

const exitCode = await runJobProcess(decodeJobOrder(process.env[JOB_ORDER_VARIABLE]), { tell, stop: stop.signal });
// What functions have printed gets out first.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit(exitCode);
