/** A pod of a job with the TypeScript runtime. */
import { DEFAULT_REST_PORT, LABELS, POD_VARIABLES } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { podSelector } from './metadata.ts';
import { podName } from './names.ts';
import type { PodFacts } from './object-facts.ts';
import { podOfJob } from './pod-of-job.ts';

const SOURCE_FOLDER = '/etc/flinkjob/source';
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** One pod of an attempt. */
export function jobPod(facts: PodFacts): Manifest {
  const { name, attempt, index } = facts;
  return podOfJob(facts, {
    name: podName(name, attempt, index),
    labels: { ...podSelector(facts), [LABELS.jobUid]: facts.uid, [LABELS.attempt]: String(attempt) },
    usual: { pod: usualPod(facts), container: PROBES },
    // Judging the end of a pod, and fencing it, rest on these.
    fixed: {
      container: { ports: [{ name: 'rest', containerPort: DEFAULT_REST_PORT, protocol: 'TCP' }] },
      env: variables(facts),
      volumeMounts: mounts(facts),
      volumes: volumes(facts),
    },
  });
}

function usualPod(facts: PodFacts): object {
  return {
    terminationGracePeriodSeconds: 30,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        // A standby on the same node is better than none.
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: podSelector(facts) },
      },
    ],
  };
}

const PROBES = {
  readinessProbe: { httpGet: { path: '/readyz', port: 'rest' }, periodSeconds: 2, timeoutSeconds: 2 },
  livenessProbe: {
    httpGet: { path: '/livez', port: 'rest' },
    initialDelaySeconds: 10,
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 6,
  },
};

function variables({ job, jobId, attempt, since, restoreFrom }: PodFacts): object[] {
  const source = job.spec.typescript?.configMap;
  const given: Readonly<Record<string, string>> = {
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
    { name: 'token', mountPath: TOKEN_FOLDER, readOnly: true },
    ...(job.spec.typescript?.configMap === undefined
      ? []
      : [{ name: 'source', mountPath: SOURCE_FOLDER, readOnly: true }]),
  ];
}

function volumes({ job }: PodFacts): object[] {
  const source = job.spec.typescript?.configMap;
  return [
    { name: 'token', projected: { sources: TOKEN_SOURCES } },
    ...(source === undefined ? [] : [{ name: 'source', configMap: { name: source.name } }]),
  ];
}

/** What Kubernetes would mount by itself, for this pod alone. */
const TOKEN_SOURCES = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3_607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
];
