/** What the container of a job runs: one pod of one attempt. */
import { jsonLogger } from '../../observability/index.ts';
import { runPod } from './run-job.ts';

const stop = new AbortController();
// PID 1 has no default for signals. The first one stops in order; the kubelet's SIGKILL comes after the grace period.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const level = process.env['FLINKJOB_LOG_LEVEL'];
const log = jsonLogger({
  to: 2,
  level: level === 'debug' || level === 'warn' || level === 'error' ? level : 'info',
});
const exitCode = await runPod({
  variables: process.env,
  workingDirectory: process.cwd(),
  stop: stop.signal,
  log,
});
// What functions have printed gets out first.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit(exitCode);
