import type { Manifest } from './manifest.ts';
import { ownedMetadata } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';

/** The Lease that the pods of a job contend for. Made empty; from then on it is theirs. */
export function leaderLease(facts: ObjectFacts): Manifest {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: ownedMetadata(facts, objectNames(facts.name).lease),
    spec: {},
  };
}
