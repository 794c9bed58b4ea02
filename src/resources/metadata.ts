/** Labels and owner of everything that belongs to a job. Nothing is copied from the FlinkJob: labels there belong to others. */
import { API_VERSION, KIND, LABELS } from '../api/index.ts';
import type { ManifestMetadata } from './manifest.ts';
import type { ObjectFacts } from './object-facts.ts';

/** Value of `app.kubernetes.io/managed-by`; the operator watches what has it. */
export const MANAGED_BY = 'flinkjob-operator';
/** Field manager and value of `app.kubernetes.io/name`. */
export const APP_NAME = 'flinkjob';

/** What selects the pods of a job. */
export function podSelector({ name }: Pick<ObjectFacts, 'name'>): Readonly<Record<string, string>> {
  return { [LABELS.job]: name, [LABELS.component]: 'job-manager' };
}

/** Labels of an object of a job. */
export function labelsOf({ name }: Pick<ObjectFacts, 'name'>): Readonly<Record<string, string>> {
  return {
    [LABELS.name]: APP_NAME,
    [LABELS.instance]: name,
    [LABELS.partOf]: APP_NAME,
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.job]: name,
  };
}

/** Metadata of an object that goes when its FlinkJob goes. */
export function ownedMetadata(
  facts: Pick<ObjectFacts, 'name' | 'namespace' | 'uid'>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): ManifestMetadata {
  const owner = {
    apiVersion: API_VERSION,
    kind: KIND,
    name: facts.name,
    uid: facts.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  return { name, namespace: facts.namespace, labels: { ...labelsOf(facts), ...labels }, ownerReferences: [owner] };
}
