import { API_VERSION, KIND, LABELS, semanticSpec } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { ownedMetadata } from './metadata.ts';
import type { RevisionFacts } from './object-facts.ts';

/** Key of the FlinkJob in it, and name of the file in the pod. */
export const RESOURCE_KEY = 'job.json';

/**
 * The spec of one revision, inline source included, as its pods read it: without the fields that take effect while the job
 * runs, and without defaults, so that the same revision is always the same object. Immutable: a pod that is made again tomorrow runs
 * what its attempt began with, whatever the FlinkJob says by then.
 */
export function revisionConfigMap(facts: RevisionFacts): Manifest {
  const { job, name, namespace, revision, image } = facts;
  const resource = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, namespace },
    spec: { ...semanticSpec(job.spec), image },
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(facts, revision, { [LABELS.revision]: revision }),
    immutable: true,
    data: { [RESOURCE_KEY]: JSON.stringify(resource) },
  };
}
