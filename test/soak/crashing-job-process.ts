/**
 * What a job process of the soak test runs: the product's own, with a point at which it kills itself, and with fewer worker
 * threads than the machine would get where the environment says so.
 */
import { decodeJobOrder, JOB_ORDER_VARIABLE } from '../../src/cli/job-process/job-order.ts';
import { runJobProcess } from '../../src/cli/job-process/job-process.ts';
import { faultsFromEnvironment, WORKERS_VARIABLE } from './crash-point.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.on('disconnect', () => process.exit(1));

const workers = Number(process.env[WORKERS_VARIABLE] ?? 0);
const exitCode = await runJobProcess(decodeJobOrder(process.env[JOB_ORDER_VARIABLE]), {
  tell: (message) => void (process.connected && process.send?.(message)),
  stop: stop.signal,
  faults: faultsFromEnvironment(),
  ...(workers === 0 ? {} : { workers }),
  workerEntry: new URL(`./crashing-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
});
process.exit(exitCode);
