import { expect, test } from 'vitest';
import { type NetworkFacts, networkPolicy } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

interface Spec {
  readonly policyTypes: readonly string[];
  readonly ingress: readonly { readonly from: readonly object[]; readonly ports: readonly object[] }[];
}

const NETWORK = { operatorNamespace: 'operators', apiServer: [] };
const specOf = (spec = {}, network: NetworkFacts = NETWORK) => networkPolicy(aPodOf(spec), network)['spec'] as Spec;

test('only the REST port of a job is open, and only to its own pods and to the operator', () => {
  expect(specOf().ingress).toEqual([
    {
      from: [
        {
          podSelector: { matchLabels: { 'flinkjob.dev/job': 'flights', 'app.kubernetes.io/component': 'job-manager' } },
        },
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'operators' } },
          podSelector: { matchLabels: { 'app.kubernetes.io/name': 'flinkjob-operator' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8081 }],
    },
  ]);
});

test('what a job may reach is left to its author', () => {
  expect(specOf().policyTypes).toEqual(['Ingress']);
});

test('the API server is let in from where it is known to speak', () => {
  const [rule] = specOf({}, { ...NETWORK, apiServer: ['172.18.0.0/16', 'fd00::/8'] }).ingress;
  expect(rule?.from.slice(2)).toEqual([{ ipBlock: { cidr: '172.18.0.0/16' } }, { ipBlock: { cidr: 'fd00::/8' } }]);
});

test('the REST port of a job that is published is open to whoever publishes it', () => {
  expect(specOf({ ingress: { template: '{{name}}.example.org' } }).ingress).toEqual([
    { ports: [{ protocol: 'TCP', port: 8081 }] },
  ]);
});
