import { expect, test } from 'vitest';
import { restIngress } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

const ingressOf = (ingress: Readonly<Record<string, unknown>>) =>
  restIngress(aPodOf({ ingress }, { namespace: 'airport' })) as unknown as {
    metadata: Record<string, unknown>;
    spec: Record<string, unknown>;
  };
const ruleOf = (template: string) => {
  const [rule] = ingressOf({ template }).spec['rules'] as {
    host?: string;
    http: { paths: { path: string; pathType: string; backend: unknown }[] };
  }[];
  return { host: rule?.host, path: rule?.http.paths[0]?.path };
};

test.each([
  ['{{name}}.flink.example.org', 'flights.flink.example.org', '/'],
  ['flink.example.org/{{namespace}}/{{name}}', 'flink.example.org', '/airport/flights'],
  ['/{{name}}/', undefined, '/flights/'],
])('template %s leads from host and path', (template, host, path) => {
  expect(ruleOf(template)).toEqual({ host, path });
});

test('it leads to the Service of the job', () => {
  const { spec } = ingressOf({ template: '/{{name}}' });
  const backend = { service: { name: 'flights-rest', port: { name: 'rest' } } };
  expect(spec).toEqual({ rules: [{ http: { paths: [{ path: '/flights', pathType: 'Prefix', backend }] } }] });
});

test('class and annotations are those that are asked for, and nothing else is', () => {
  const annotations = { 'nginx.ingress.kubernetes.io/auth-type': 'basic' };
  const { metadata, spec } = ingressOf({ template: '/x', className: 'nginx', annotations });
  expect(metadata['annotations']).toEqual(annotations);
  expect(spec['ingressClassName']).toBe('nginx');
  expect(ingressOf({ template: '/x' }).metadata).not.toHaveProperty('annotations');
});

test('a job that asks for none has none', () => {
  expect(restIngress(aPodOf())).toBeUndefined();
});
