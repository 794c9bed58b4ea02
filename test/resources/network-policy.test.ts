import { expect, test } from 'vitest';
import { networkPolicy } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

interface Spec {
  readonly policyTypes: readonly string[];
  readonly ingress: readonly { readonly from: readonly object[]; readonly ports: readonly object[] }[];
}

const specOf = () => networkPolicy(aPodOf(), 'operators')['spec'] as Spec;

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
