/** An order for the first process of a job, whose attempt is open. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { JobOrder } from '../../src/cli/job-process/job-order.ts';
import { openAttempt, openEmbeddedHaServices } from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStorage } from '../../src/storage/index.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

/** The order, and the services as the supervisor of the job has them. */
export async function aJobOrder(rest: JobOrder['rest'] = { host: '127.0.0.1', port: 0 }) {
  const directory = aTemporaryDirectory();
  const storageUri = pathToFileURL(join(directory, 'storage')).href;
  const jobId = 'a'.repeat(32);
  const services = await openEmbeddedHaServices({
    directory,
    storage: openStorage(storageUri),
    jobId,
    clock: systemClock,
    identity: 'supervisor',
  });
  onTestFinished(() => services.close());
  const ledgers = services.getLedgerStore();
  const view = (await ledgers.read())!;
  await ledgers.write(view, openAttempt(view.ledger, { at: 1, epoch: view.nextEpoch }), 'supervisor');
  const order: JobOrder = {
    jobId,
    jobName: 'job',
    attempt: 1,
    program: { module: { kind: 'inline', source: '' }, workingDirectory: directory, args: [], parallelism: 1 },
    storageUri,
    highAvailability: { backend: 'Embedded', directory },
    checkpoints: { timeoutMs: 1, minPauseMs: 0, tolerableFailures: 0, retained: 1, onCancel: 'Retain' },
    allowNonRestoredState: false,
    terminationLog: join(directory, 'termination.json'),
    rest,
  };
  return { order, ledgers, directory };
}
