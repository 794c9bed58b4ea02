import { DEFAULT_REST_PORT, LABELS } from '../api/index.ts';
import type { Manifest } from './manifest.ts';
import { ownedMetadata, podSelector } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';
import { OPERATOR_NAME } from './operator-role.ts';

/** From where the pods of jobs are spoken to, besides each other. */
export interface NetworkFacts {
  /** Where the operator runs. */
  readonly operatorNamespace: string;
  /** Addresses that the API server speaks from, in CIDR notation: it passes on what `flinkjob query` and others ask. */
  readonly apiServer: readonly string[];
}

/**
 * Who may speak to the pods of a job: its own pods (one that stands by passes on what it is asked), the operator, and the API
 * server where its addresses are known, all on the REST port. Nobody else, on no port: Flink's REST API asks nobody who he is.
 * What kubelets ask is let through by Kubernetes itself. A job with `spec.ingress` is meant to be asked from outside, by a
 * controller that may run anywhere: its REST port is open.
 *
 * What a job may reach is not said here. Its sources, sinks and storage are known to its author alone; a rule that guesses
 * would cut off a job that works. Whoever wants one adds a policy of his own: policies add up.
 */
export function networkPolicy(facts: ObjectFacts, network: NetworkFacts): Manifest {
  const from = facts.job.spec.ingress === undefined ? { from: speakers(facts, network) } : {};
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(facts, objectNames(facts.name).account),
    spec: {
      podSelector: { matchLabels: podSelector(facts) },
      policyTypes: ['Ingress'],
      ingress: [{ ...from, ports: [{ protocol: 'TCP', port: DEFAULT_REST_PORT }] }],
    },
  };
}

function speakers(facts: ObjectFacts, { operatorNamespace, apiServer }: NetworkFacts): object[] {
  return [
    { podSelector: { matchLabels: podSelector(facts) } },
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
      podSelector: { matchLabels: { [LABELS.name]: OPERATOR_NAME } },
    },
    ...apiServer.map((cidr) => ({ ipBlock: { cidr } })),
  ];
}
