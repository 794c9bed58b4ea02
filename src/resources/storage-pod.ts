/**
 * A short-lived pod that works in the storage of a job, under the job's account and with what its template gives to a pod of
 * it: volumes, variables, Secrets, nodes. It is no pod of an attempt: it has no number of one, serves nothing, is not
 * selected by the job's Service, budget or policies, and speaks to no API server.
 */
import { LABELS, POD_VARIABLES } from '../api/index.ts';
import { encodeStorageOrder } from '../lib/storage-work.ts';
import type { Manifest } from './manifest.ts';
import { storagePodName } from './names.ts';
import type { StoragePodFacts } from './object-facts.ts';
import { podOfJob } from './pod-of-job.ts';

/** Value of `app.kubernetes.io/component`, by which such a pod is told from one of an attempt. */
export const STORAGE_COMPONENT = 'storage';

/** The pod that carries out one order. Its answer is its termination message. */
export function storagePod(facts: StoragePodFacts): Manifest {
  const { name, order, deadlineSeconds } = facts;
  return podOfJob(facts, {
    name: storagePodName(name, order.do),
    labels: { [LABELS.component]: STORAGE_COMPONENT },
    usual: { pod: { terminationGracePeriodSeconds: 5 } },
    fixed: {
      pod: { activeDeadlineSeconds: deadlineSeconds },
      // Nothing of it listens: a probe that a template has for the job would end it.
      container: { livenessProbe: null, readinessProbe: null, startupProbe: null },
      env: [{ name: POD_VARIABLES.storageOrder, value: encodeStorageOrder(order) }],
    },
  });
}
