/**
 * What every high-availability backend owes the services written over it, faults included. A backend passes by calling
 * this from a test file, with the fixture it passes the election with.
 */
import { afterEach } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { AJob } from '../../builders/ha.ts';
import type { ElectionFixture } from '../election/index.ts';
import { checkpointStoreConformance } from './checkpoint-store.ts';
import { ledgerStoreConformance } from './ledger-store.ts';
import { runningJobsRegistryConformance } from './running-jobs-registry.ts';
import { servicesConformance } from './services.ts';
import { storesConformance } from './stores.ts';

export function haServicesConformance(name: string, makeFixture: () => Promise<ElectionFixture>): void {
  const disposals: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });
  const newJob = async (): Promise<AJob> => {
    const fixture = await makeFixture();
    const job = new AJob({
      handles: fixture.open(systemClock).handles,
      createElector: (identity) => fixture.open(systemClock).createElector(identity),
      emptyLease: () => fixture.emptyLease(),
    });
    disposals.push(async () => fixture.dispose?.());
    disposals.push(() => job.close());
    return job;
  };
  servicesConformance(name, newJob);
  storesConformance(name, newJob);
  checkpointStoreConformance(name, newJob);
  ledgerStoreConformance(name, newJob);
  runningJobsRegistryConformance(name, newJob);
}
