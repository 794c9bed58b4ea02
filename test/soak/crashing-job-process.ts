/** What a job process of the soak test runs: the product's own, with a point at which it kills itself. */
import { decodeJobOrder, JOB_ORDER_VARIABLE } from '../../src/cli/job-process/job-order.ts';
import { runJobProcess } from '../../src/cli/job-process/job-process.ts';
import { faultsFromEnvironment } from './crash-point.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.on('disconnect', () => process.exit(1));

const exitCode = await runJobProcess(decodeJobOrder(process.env[JOB_ORDER_VARIABLE]), {
  tell: (message) => void (process.connected && process.send?.(message)),
  stop: stop.signal,
  faults: faultsFromEnvironment(),
  workerEntry: new URL(`./crashing-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
});
process.exit(exitCode);
