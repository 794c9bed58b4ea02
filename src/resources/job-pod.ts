/**
 * A pod of a job with the TypeScript runtime. Three layers: what we say unless somebody says otherwise, `podTemplate` over
 * it, and over both what a job cannot run without, or what keeps it safe.
 */
import { DEFAULT_REST_PORT, LABELS, POD_VARIABLES } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { merged } from './merge.ts';
import { ownedMetadata, podSelector } from './metadata.ts';
import { objectNames, podName } from './names.ts';
import type { PodFacts } from './object-facts.ts';
import { RESOURCE_KEY } from './revision-config-map.ts';

/** The container that runs the job. */
export const MAIN_CONTAINER = 'job';

/** Where the resource is mounted. */
export const RESOURCE_FOLDER = '/etc/flinkjob/job';
const SOURCE_FOLDER = '/etc/flinkjob/source';
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What a small job takes, with room to spare. */
export const DEFAULT_RESOURCES = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } };

/** Pod Security "restricted", of a pod and of a container. */
export const RESTRICTED_POD = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
export const RESTRICTED_CONTAINER = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** One pod of an attempt. */
export function jobPod(facts: PodFacts): Manifest {
  const { name, attempt, index, revision } = facts;
  const template = facts.job.spec.jobManager?.podTemplate;
  const owned = ownedMetadata(facts, podName(name, attempt, index), {
    ...podSelector(facts),
    [LABELS.jobUid]: facts.uid,
    [LABELS.attempt]: String(attempt),
    [LABELS.revision]: revision,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: merged(template?.metadata, owned) as Manifest['metadata'],
    spec: merged(merged(defaults(facts), template?.spec), fixed(facts)),
  };
}

function defaults(facts: PodFacts): object {
  return {
    terminationGracePeriodSeconds: 30,
    securityContext: RESTRICTED_POD,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        // A standby on the same node is better than none.
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: podSelector(facts) },
      },
    ],
    containers: [
      {
        name: MAIN_CONTAINER,
        args: ['run-job'],
        resources: facts.job.spec.jobManager?.resources ?? DEFAULT_RESOURCES,
        securityContext: RESTRICTED_CONTAINER,
        readinessProbe: { httpGet: { path: '/readyz', port: 'rest' }, periodSeconds: 2, timeoutSeconds: 2 },
        livenessProbe: {
          httpGet: { path: '/livez', port: 'rest' },
          initialDelaySeconds: 10,
          periodSeconds: 10,
          timeoutSeconds: 5,
          failureThreshold: 6,
        },
      },
    ],
  };
}

/** Judging the end of a pod, and fencing it, rest on these. */
function fixed(facts: PodFacts): object {
  const { spec } = facts.job;
  const { secretRef } = spec.storage;
  return {
    restartPolicy: 'Never',
    serviceAccountName: objectNames(facts.name).account,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        name: MAIN_CONTAINER,
        image: facts.image,
        env: variables(facts),
        ...(secretRef === undefined ? {} : { envFrom: [{ secretRef: { name: secretRef.name } }] }),
        ports: [{ name: 'rest', containerPort: DEFAULT_REST_PORT, protocol: 'TCP' }],
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: mounts(facts),
      },
    ],
    volumes: volumes(facts),
  };
}

function variables({ job, jobId, attempt, since, restoreFrom }: PodFacts): object[] {
  const source = job.spec.typescript?.configMap;
  const given: Readonly<Record<string, string>> = {
    [POD_VARIABLES.resource]: `${RESOURCE_FOLDER}/${RESOURCE_KEY}`,
    ...(source === undefined ? {} : { [POD_VARIABLES.source]: `${SOURCE_FOLDER}/${source.key}` }),
    [POD_VARIABLES.jobId]: jobId,
    [POD_VARIABLES.attempt]: String(attempt),
    [POD_VARIABLES.since]: since,
    ...(restoreFrom === undefined ? {} : { [POD_VARIABLES.restoreFrom]: restoreFrom }),
  };
  const ofPod = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    ...Object.entries(given).map(([name, value]) => ({ name, value })),
    ofPod(POD_VARIABLES.podUid, 'metadata.uid'),
    ofPod(POD_VARIABLES.podIp, 'status.podIP'),
  ];
}

function mounts({ job }: PodFacts): object[] {
  return [
    { name: 'job', mountPath: RESOURCE_FOLDER, readOnly: true },
    { name: 'token', mountPath: TOKEN_FOLDER, readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    ...(job.spec.typescript?.configMap === undefined
      ? []
      : [{ name: 'source', mountPath: SOURCE_FOLDER, readOnly: true }]),
  ];
}

function volumes({ job, revision }: PodFacts): object[] {
  const source = job.spec.typescript?.configMap;
  return [
    { name: 'job', configMap: { name: revision } },
    { name: 'token', projected: { sources: TOKEN_SOURCES } },
    { name: 'tmp', emptyDir: {} },
    ...(source === undefined ? [] : [{ name: 'source', configMap: { name: source.name } }]),
  ];
}

/** What Kubernetes would mount by itself, for this pod alone. */
const TOKEN_SOURCES = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3_607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
];
