import { DEFAULT_REST_PORT } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { ownedMetadata, podSelector } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';

/** The REST API of a job under one name. It may reach any pod: those that stand by pass on what they are asked. */
export function restService(facts: ObjectFacts): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(facts, objectNames(facts.name).rest),
    spec: {
      type: 'ClusterIP',
      selector: podSelector(facts),
      ports: [{ name: 'rest', port: DEFAULT_REST_PORT, targetPort: 'rest', protocol: 'TCP' }],
    },
  };
}
