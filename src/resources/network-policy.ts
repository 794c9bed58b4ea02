import { DEFAULT_REST_PORT, LABELS } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { ownedMetadata, podSelector } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';
import { OPERATOR_NAME } from './operator-role.ts';

/**
 * Who may speak to the pods of a job: its own pods (one that stands by passes on what it is asked) and the operator, both on
 * the REST port. Nobody else, on no port: Flink's REST API asks nobody who he is. What kubelets ask is let through by
 * Kubernetes itself.
 *
 * What a job may reach is not said here. Its sources, sinks and storage are known to its author alone; a rule that guesses
 * would cut off a job that works. Whoever wants one adds a policy of his own: policies add up.
 *
 * @param operatorNamespace where the operator runs
 */
export function networkPolicy(facts: ObjectFacts, operatorNamespace: string): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(facts, objectNames(facts.name).account),
    spec: {
      podSelector: { matchLabels: podSelector(facts) },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: podSelector(facts) } },
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
              podSelector: { matchLabels: { [LABELS.name]: OPERATOR_NAME } },
            },
          ],
          ports: [{ protocol: 'TCP', port: DEFAULT_REST_PORT }],
        },
      ],
    },
  };
}
