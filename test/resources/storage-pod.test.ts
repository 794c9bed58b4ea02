import { expect, test } from 'vitest';
import { POD_VARIABLES } from '../../src/api/index.ts';
import type { StorageOrder } from '../../src/lib/storage-work.ts';
import { podSelector, storagePod } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

const order: StorageOrder = { do: 'removeBytes', uid: 'uid', attempts: 2, jobIds: ['a'.repeat(32)], keep: [] };
const podOf = (spec: Readonly<Record<string, unknown>> = {}) =>
  storagePod({ ...aPodOf(spec), order, deadlineSeconds: 90 });

interface Container {
  readonly name: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}
const containersOf = (spec: unknown) => (spec as { readonly containers: readonly Container[] }).containers;

test('its name follows from the job and the work, and it goes with the job', () => {
  const { metadata } = podOf();
  expect(metadata.name).toBe('flights-storage-remove');
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'FlinkJob', name: 'flights', controller: true }]);
});

test('the operator sees it, and nobody takes it for a pod of an attempt', () => {
  const { labels = {} } = podOf().metadata;
  expect(labels).toMatchObject({
    'app.kubernetes.io/managed-by': 'flinkjob-operator',
    'app.kubernetes.io/component': 'storage',
  });
  expect(labels).not.toHaveProperty('flinkjob.dev/attempt');
  expect(labels).not.toMatchObject(podSelector({ name: 'flights' }));
});

test('it runs once, restricted, under the account of the job and without its token, and not beyond its time', () => {
  const { spec } = podOf();
  expect(spec).toMatchObject({
    restartPolicy: 'Never',
    activeDeadlineSeconds: 90,
    serviceAccountName: 'flights-pods',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        image: 'example.org/flights:1.4.2',
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      },
    ],
  });
  expect(JSON.stringify(spec)).not.toContain('serviceAccountToken');
});

test('it is told what to do and where the resource lies, and no more', () => {
  const [main] = containersOf(podOf().spec);
  expect(main?.env).toEqual([
    { name: POD_VARIABLES.resource, value: '/etc/flinkjob/job/job.json' },
    { name: POD_VARIABLES.storageOrder, value: JSON.stringify(order) },
  ]);
});

test('it reaches the storage as the pods of the job do: volumes, variables, credentials; without their probes', () => {
  const probe = { httpGet: { path: '/', port: 1 } };
  const { spec } = podOf({
    storage: { uri: 's3://bucket/jobs', secretRef: { name: 's3' } },
    jobManager: {
      podTemplate: {
        spec: {
          nodeSelector: { disk: 'fast' },
          containers: [
            {
              name: 'job',
              env: [{ name: 'REGION', value: 'eu' }],
              livenessProbe: probe,
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'jobs' } }],
        },
      },
    },
  });
  expect(spec).toMatchObject({ nodeSelector: { disk: 'fast' } });
  const [main] = containersOf(spec);
  expect(main).toMatchObject({
    envFrom: [{ secretRef: { name: 's3' } }],
    livenessProbe: null,
    readinessProbe: null,
  });
  expect(main?.env).toContainEqual({ name: 'REGION', value: 'eu' });
  expect(main).toHaveProperty('volumeMounts', expect.arrayContaining([{ name: 'data', mountPath: '/data' }]));
});
