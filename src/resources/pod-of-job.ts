/**
 * What pods of a job have in common, whether they run it or work in its storage: its account without a token, its template,
 * its Secret, its resource. Three layers: what we say unless somebody says otherwise, `podTemplate` over it, and over both what a
 * pod cannot do without, or what keeps it safe.
 */
import { LABELS, POD_VARIABLES } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { merged } from './merge.ts';
import { ownedMetadata } from './metadata.ts';
import { objectNames } from './names.ts';
import type { RevisionFacts } from './object-facts.ts';
import { RESOURCE_KEY } from './revision-config-map.ts';

/** The container that runs the command. */
export const MAIN_CONTAINER = 'job';

/** Where the resource is mounted. */
const RESOURCE_FOLDER = '/etc/flinkjob/job';

/** What a small job takes, with room to spare. */
const DEFAULT_RESOURCES = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } };

/** Pod Security "restricted", of a pod and of a container. */
const RESTRICTED_POD = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
const RESTRICTED_CONTAINER = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** What one kind of pod has of its own: fields of the pod and of its main container. */
export interface PodParts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The template may say otherwise. */
  readonly usual: { readonly pod: object; readonly container?: object };
  /** The template may not. */
  readonly fixed: {
    readonly pod?: object;
    readonly container: object;
    readonly env: readonly object[];
    readonly volumeMounts?: readonly object[];
    readonly volumes?: readonly object[];
  };
}

/** A pod of one revision of a job. */
export function podOfJob(facts: RevisionFacts, { name, labels, usual, fixed }: PodParts): Manifest {
  const template = facts.job.spec.jobManager?.podTemplate;
  const owned = ownedMetadata(facts, name, { ...labels, [LABELS.revision]: facts.revision });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: merged(template?.metadata, owned) as Manifest['metadata'],
    spec: merged(merged(under(facts, usual), template?.spec), over(facts, fixed)),
  };
}

function under({ job }: RevisionFacts, { pod, container }: PodParts['usual']): object {
  return {
    ...pod,
    securityContext: RESTRICTED_POD,
    containers: [
      {
        name: MAIN_CONTAINER,
        args: ['run-job'],
        resources: job.spec.jobManager?.resources ?? DEFAULT_RESOURCES,
        securityContext: RESTRICTED_CONTAINER,
        ...container,
      },
    ],
  };
}

function over({ job, name, revision, image }: RevisionFacts, fixed: PodParts['fixed']): object {
  const { secretRef } = job.spec.storage;
  const { pod, container, env, volumeMounts = [], volumes = [] } = fixed;
  return {
    ...pod,
    restartPolicy: 'Never',
    serviceAccountName: objectNames(name).account,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        ...container,
        name: MAIN_CONTAINER,
        image,
        env: [{ name: POD_VARIABLES.resource, value: `${RESOURCE_FOLDER}/${RESOURCE_KEY}` }, ...env],
        ...(secretRef === undefined ? {} : { envFrom: [{ secretRef: { name: secretRef.name } }] }),
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [
          { name: 'job', mountPath: RESOURCE_FOLDER, readOnly: true },
          ...volumeMounts,
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [{ name: 'job', configMap: { name: revision } }, ...volumes, { name: 'tmp', emptyDir: {} }],
  };
}
