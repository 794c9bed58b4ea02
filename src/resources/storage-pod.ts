/**
 * A short-lived pod that works in the storage of a job, under the job's account and with what its template gives to a pod of
 * it: volumes, variables, Secrets, nodes. It is no pod of an attempt: it has no number of one, serves nothing, is not
 * selected by the job's Service, budget or policies, and speaks to no API server.
 */
import { LABELS, POD_VARIABLES } from '../api/index.ts';
import { encodeStorageOrder } from '../lib/storage-work.ts';
import { DEFAULT_RESOURCES, MAIN_CONTAINER, RESOURCE_FOLDER, RESTRICTED_CONTAINER, RESTRICTED_POD } from './job-pod.ts';
import type { Manifest } from './manifest.ts';
import { merged } from './merge.ts';
import { ownedMetadata } from './metadata.ts';
import { objectNames, storagePodName } from './names.ts';
import type { StoragePodFacts } from './object-facts.ts';
import { RESOURCE_KEY } from './revision-config-map.ts';

/** Value of `app.kubernetes.io/component`, by which such a pod is told from one of an attempt. */
export const STORAGE_COMPONENT = 'storage';

/** The pod that carries out one order. Its answer is its termination message. */
export function storagePod(facts: StoragePodFacts): Manifest {
  const { name, order, revision } = facts;
  const template = facts.job.spec.jobManager?.podTemplate;
  const owned = ownedMetadata(facts, storagePodName(name, order.do), {
    [LABELS.component]: STORAGE_COMPONENT,
    [LABELS.revision]: revision,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: merged(template?.metadata, owned) as Manifest['metadata'],
    spec: merged(merged(defaults(facts), template?.spec), fixed(facts)),
  };
}

function defaults({ job }: StoragePodFacts): object {
  return {
    terminationGracePeriodSeconds: 5,
    securityContext: RESTRICTED_POD,
    containers: [
      {
        name: MAIN_CONTAINER,
        args: ['run-job'],
        resources: job.spec.jobManager?.resources ?? DEFAULT_RESOURCES,
        securityContext: RESTRICTED_CONTAINER,
      },
    ],
  };
}

function fixed({ job, name, revision, image, order, deadlineSeconds }: StoragePodFacts): object {
  const { secretRef } = job.spec.storage;
  return {
    restartPolicy: 'Never',
    activeDeadlineSeconds: deadlineSeconds,
    serviceAccountName: objectNames(name).account,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        name: MAIN_CONTAINER,
        image,
        env: [
          { name: POD_VARIABLES.resource, value: `${RESOURCE_FOLDER}/${RESOURCE_KEY}` },
          { name: POD_VARIABLES.storageOrder, value: encodeStorageOrder(order) },
        ],
        ...(secretRef === undefined ? {} : { envFrom: [{ secretRef: { name: secretRef.name } }] }),
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        // Nothing of it listens: a probe that a template has for the job would end it.
        livenessProbe: null,
        readinessProbe: null,
        startupProbe: null,
        volumeMounts: [
          { name: 'job', mountPath: RESOURCE_FOLDER, readOnly: true },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'job', configMap: { name: revision } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}
