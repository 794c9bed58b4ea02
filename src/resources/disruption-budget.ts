import type { Manifest } from './manifest.ts';
import { ownedMetadata, podSelector } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';

/**
 * Keeps a drain from taking all pods of a job at once. Only where one stands by: a job with a single pod would hold up every
 * drain. An integer, since a share needs a controller that can be scaled.
 */
export function disruptionBudget(facts: ObjectFacts): Manifest | undefined {
  if (facts.job.spec.highAvailability.standbys === 0) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(facts, objectNames(facts.name).budget),
    spec: { minAvailable: 1, selector: { matchLabels: podSelector(facts) } },
  };
}
