/** Leader election, and the services over it, on a Lease and a ConfigMap of a real API server. */
import { test as anyTest, expect } from 'vitest';
import type { LeaseTimes } from '../../src/ha/index.ts';
import { clusterForTests } from '../cluster/index.ts';
import { electionConformance, PATIENT_TIMES } from './election/index.ts';
import { haServicesConformance } from './ha-services/index.ts';
import { KUBERNETES_TIMES, kubernetesFixture } from './kubernetes-fixture.ts';

const cluster = await clusterForTests();

if (cluster === undefined) anyTest.skip('no Kubernetes API server can be had here', () => expect.unreachable());
else {
  const namespace = await cluster.namespace();
  const fixture = (times: LeaseTimes) => async () => kubernetesFixture(cluster, namespace, times);
  electionConformance('Kubernetes', fixture(KUBERNETES_TIMES), KUBERNETES_TIMES);
  haServicesConformance('Kubernetes', fixture(PATIENT_TIMES));
}
