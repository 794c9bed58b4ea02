import { expect, test } from 'vitest';
import { POD_VARIABLES } from '../../src/api/index.ts';
import { jobPod, type PodFacts } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

interface PodSpec {
  readonly [field: string]: unknown;
  readonly containers: readonly {
    readonly name: string;
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
    readonly [field: string]: unknown;
  }[];
  readonly volumes: readonly { readonly name: string }[];
}

const specOf = (facts: PodFacts) => jobPod(facts).spec as PodSpec;
const mainOf = (facts: PodFacts) => specOf(facts).containers.find(({ name }) => name === 'job')!;

test('a pod is named after job, attempt and index, and carries job, attempt and revision', () => {
  const { metadata } = jobPod(aPodOf({}, { attempt: 4, index: 2 }));
  expect(metadata.name).toBe('flights-4-2');
  expect(metadata.labels).toMatchObject({
    'flinkjob.dev/job': 'flights',
    'flinkjob.dev/job-uid': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'flinkjob.dev/attempt': '4',
    'flinkjob.dev/revision': 'flights-6c7f5d',
    'app.kubernetes.io/managed-by': 'flinkjob-operator',
  });
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'FlinkJob', name: 'flights', controller: true }]);
});

test('a pod is told its job, its attempt and itself', () => {
  const { env } = mainOf(aPodOf());
  expect(env).toContainEqual({ name: POD_VARIABLES.jobId, value: 'a'.repeat(32) });
  expect(env).toContainEqual({ name: POD_VARIABLES.attempt, value: '3' });
  expect(env).toContainEqual({ name: POD_VARIABLES.podUid, valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } });
  expect(env?.map(({ name }) => name)).not.toContain(POD_VARIABLES.source);
});

test('a program in a ConfigMap is mounted, and the pod is told where', () => {
  const facts = aPodOf({ typescript: { configMap: { name: 'sources', key: 'job.ts' } } });
  expect(specOf(facts).volumes).toContainEqual({ name: 'source', configMap: { name: 'sources' } });
  expect(mainOf(facts).env).toContainEqual({ name: POD_VARIABLES.source, value: '/etc/flinkjob/source/job.ts' });
});

test('credentials reach the pod as environment, and are nowhere in its manifest', () => {
  const facts = aPodOf({ storage: { uri: 's3://bucket/jobs', secretRef: { name: 's3-credentials' } } });
  expect(mainOf(facts)['envFrom']).toEqual([{ secretRef: { name: 's3-credentials' } }]);
});

test('the template of a job adds to its pods: variables, volumes, a sidecar, labels', () => {
  const facts = aPodOf({
    jobManager: {
      podTemplate: {
        metadata: { labels: { team: 'data' }, annotations: { 'example.org/scrape': 'true' } },
        spec: {
          nodeSelector: { disk: 'fast' },
          containers: [
            { name: 'job', env: [{ name: 'TZ', value: 'UTC' }], volumeMounts: [{ name: 'data', mountPath: '/data' }] },
            { name: 'sidecar', image: 'example.org/sidecar:1' },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
        },
      },
    },
  });
  expect(jobPod(facts).metadata).toMatchObject({
    labels: { team: 'data', 'flinkjob.dev/job': 'flights' },
    annotations: { 'example.org/scrape': 'true' },
  });
  expect(specOf(facts)).toMatchObject({ nodeSelector: { disk: 'fast' } });
  expect(specOf(facts).containers.map(({ name }) => name)).toEqual(['job', 'sidecar']);
  expect(specOf(facts).volumes.map(({ name }) => name)).toEqual(['data', 'job', 'token', 'tmp']);
  const main = mainOf(facts);
  expect(main.env).toContainEqual({ name: 'TZ', value: 'UTC' });
  expect(main.env).toContainEqual({ name: POD_VARIABLES.attempt, value: '3' });
  expect(main['volumeMounts']).toContainEqual({ name: 'data', mountPath: '/data' });
  expect(main['args']).toEqual(['run-job']);
});

test('the template cannot take from a pod what judging its end and fencing it rest on', () => {
  const facts = aPodOf({
    jobManager: {
      podTemplate: {
        metadata: { name: 'mine', labels: { 'flinkjob.dev/job': 'another' } },
        spec: {
          restartPolicy: 'Always',
          serviceAccountName: 'admin',
          automountServiceAccountToken: true,
          containers: [
            {
              name: 'job',
              image: 'example.org/another',
              env: [{ name: POD_VARIABLES.attempt, value: '9' }],
              terminationMessagePolicy: 'File',
            },
          ],
        },
      },
    },
  });
  expect(jobPod(facts).metadata).toMatchObject({ name: 'flights-3-0', labels: { 'flinkjob.dev/job': 'flights' } });
  expect(specOf(facts)).toMatchObject({
    restartPolicy: 'Never',
    serviceAccountName: 'flights-pods',
    automountServiceAccountToken: false,
  });
  expect(mainOf(facts)).toMatchObject({
    image: 'example.org/flights:1.4.2',
    terminationMessagePolicy: 'FallbackToLogsOnError',
  });
  expect(mainOf(facts).env?.filter(({ name }) => name === POD_VARIABLES.attempt)).toEqual([
    { name: POD_VARIABLES.attempt, value: '3' },
  ]);
});

test('resources are those of the job, else what a small job takes', () => {
  const resources = { limits: { memory: '2Gi' } };
  expect(mainOf(aPodOf({ jobManager: { resources } }))['resources']).toEqual(resources);
  expect(mainOf(aPodOf())['resources']).toEqual({
    requests: { cpu: '100m', memory: '256Mi' },
    limits: { memory: '512Mi' },
  });
});

test('the same facts make the same pod, to the byte', () => {
  expect(JSON.stringify(jobPod(aPodOf()))).toBe(JSON.stringify(jobPod(aPodOf())));
});
