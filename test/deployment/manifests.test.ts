/** What is installed, held against the rules of scanners and of Pod Security "restricted", without a cluster. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { OPERATOR_LEASE, OPERATOR_RIGHTS } from '../../src/resources/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds are looked at field by field.
type Json = any;

const objectsOf = (file: string): Json[] =>
  parseAllDocuments(readFileSync(join('manifests', file), 'utf8')).map((document) => document.toJS());
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const INSTALLS = ['install.yaml', 'install-cluster.yaml'];

describe.each(INSTALLS)('%s', (file) => {
  const objects = objectsOf(file);
  const one = (kind: string): Json => {
    const found = objects.filter((object) => object.kind === kind);
    expect(found, kind).toHaveLength(1);
    return found[0];
  };
  const deployment = one('Deployment');
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  const selected = deployment.spec.selector.matchLabels;

  test('the pod meets Pod Security "restricted"', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.securityContext.runAsUser).toBeGreaterThanOrEqual(10_000);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const forbidden = ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers', 'ephemeralContainers'];
    expect(forbidden.filter((field) => field in pod)).toEqual([]);
    expect(pod.volumes.map((volume: object) => Object.keys(volume).find((key) => key !== 'name'))).toEqual([
      'configMap',
      'emptyDir',
    ]);
  });

  test('the root is read-only, and there is a place for temporary files', () => {
    expect(container.volumeMounts).toContainEqual({ name: 'tmp', mountPath: '/tmp' });
  });

  test('the image has a version, that of the package, and so has everything that says one', () => {
    expect(container.image).toBe(`flinkjob:${version}`);
    expect(new Set(objects.map(({ metadata }) => metadata.labels['app.kubernetes.io/version']))).toEqual(
      new Set([version]),
    );
    const settings = parse(one('ConfigMap').data['operator.yaml']);
    expect(settings.jobs.image).toBe(container.image);
  });

  test('processor and memory are asked for, memory is bounded, and the heap ends below it', () => {
    expect(container.resources).toEqual({ requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } });
    const heap = /--max-old-space-size=(\d+)/.exec(container.env[0].value)?.[1];
    expect(Number(heap)).toBeLessThan(256 * 0.75);
  });

  test('life and readiness are asked for apart, on a port that has a name', () => {
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
    expect(container.ports.map(({ name, containerPort }: Json) => [name, containerPort])).toEqual([
      ['metrics', 8080],
      ['health', 8081],
    ]);
  });

  test('two replicas are spread, budgeted, and select what they make', () => {
    expect(deployment.spec.replicas).toBe(2);
    expect(pod.topologySpreadConstraints[0].labelSelector.matchLabels).toEqual(selected);
    expect(one('PodDisruptionBudget').spec).toMatchObject({ minAvailable: 1, selector: { matchLabels: selected } });
    expect(one('Service').spec.selector).toEqual(selected);
    expect(one('NetworkPolicy').spec.podSelector.matchLabels).toEqual(selected);
    expect(deployment.spec.template.metadata.labels).toMatchObject(selected);
  });

  test('a pod is given more time to end than the work in it', () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(30);
  });

  test('nothing comes in but scrapers, nothing goes out but to the API server, to names and to jobs', () => {
    const { policyTypes, ingress, egress } = one('NetworkPolicy').spec;
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ingress.map(({ ports }: Json) => ports.map(({ port }: Json) => port))).toEqual([['metrics']]);
    expect(egress.map(({ ports }: Json) => ports.map(({ port }: Json) => port))).toEqual([
      [443, 6443],
      [53, 53],
      [8081],
    ]);
    expect(egress[2].to[0].podSelector.matchLabels).toEqual({ 'app.kubernetes.io/managed-by': 'flinkjob-operator' });
  });

  test('the token is mounted where it is needed, and nowhere else', () => {
    expect(one('ServiceAccount').automountServiceAccountToken).toBe(false);
    expect(pod).toMatchObject({ serviceAccountName: 'flinkjob-operator', automountServiceAccountToken: true });
  });

  test('every object says what it belongs to', () => {
    for (const { kind, metadata } of objects)
      expect(metadata.labels, kind).toMatchObject({
        'app.kubernetes.io/name': 'flinkjob-operator',
        'app.kubernetes.io/part-of': 'flinkjob',
      });
  });

  test('the settings are named after what they say', () => {
    const { name } = one('ConfigMap').metadata;
    expect(name).toMatch(/^flinkjob-operator-settings-[a-z0-9]{10}$/);
    expect(pod.volumes[0].configMap.name).toBe(name);
  });
});

test('the default install holds nothing of the whole cluster', () => {
  const kinds = objectsOf('install.yaml').map(({ kind }) => kind);
  expect(kinds.filter((kind) => /^Cluster|Namespace|CustomResourceDefinition|PriorityClass/.test(kind))).toEqual([]);
});

test('no manifest hands on a right that nobody should have', () => {
  for (const file of readdirSync('manifests')) {
    const text = readFileSync(join('manifests', file), 'utf8');
    expect(text.match(/"\*"|escalate|bind\b|impersonate|pods\/exec|secrets|cluster-admin/g), file).toBeNull();
  }
});

test('the roles of a manifest are the table, and the same for one namespace and for all', () => {
  const rulesOf = (file: string, kind: string, name: string): Json =>
    objectsOf(file).find((object) => object.kind === kind && object.metadata.name === name)?.rules;
  const rules = rulesOf('install.yaml', 'Role', 'flinkjob-operator');
  expect(rulesOf('install-cluster.yaml', 'ClusterRole', 'flinkjob-operator')).toEqual(rules);
  expect(rulesOf('rbac.yaml', 'Role', 'flinkjob-operator')).toEqual(rules);
  const granted = rules.flatMap(({ apiGroups, resources, verbs }: Json) =>
    verbs.map((verb: string) => `${apiGroups[0]} ${resources[0]} ${verb}`),
  );
  const needed = OPERATOR_RIGHTS.filter(({ where }) => where === 'jobs').flatMap(({ apiGroup, resource, verbs }) =>
    verbs.map((verb) => `${apiGroup} ${resource} ${verb}`),
  );
  expect(granted.sort()).toEqual([...new Set(needed)].sort());
  const election = rulesOf('install.yaml', 'Role', 'flinkjob-operator-election');
  expect(election[1].resourceNames).toEqual([OPERATOR_LEASE]);
});

test('the chart is of the version of the package', () => {
  expect(parse(readFileSync('charts/flinkjob-operator/Chart.yaml', 'utf8'))).toMatchObject({
    version,
    appVersion: version,
  });
});
