/** `flinkjob ha inspect` against a real API server that holds what real Flink wrote. */
import { test as anyTest, expect } from 'vitest';
import { kubeconfigFile } from '../../builders/kubeconfig.ts';
import { flinkjob } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { type Capture, capture } from '../../flink/captures.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

/** A namespace with the ConfigMaps of a capture. */
async function captured({ configMaps }: Capture): Promise<string> {
  const namespace = await cluster!.namespace();
  for (const { metadata, data } of configMaps.items) {
    const { name, labels, annotations } = metadata;
    const object = { metadata: { name, labels, annotations }, data };
    await cluster!.call('POST', `/api/v1/namespaces/${namespace}/configmaps`, object);
  }
  return namespace;
}

test('a cluster is shown as a file with its ConfigMaps is', async () => {
  const running = capture('2.3.0/06-five-checkpoints');
  const namespace = await captured(running);
  using kubeconfig = kubeconfigFile(cluster!.access, namespace);
  const fromCluster = await flinkjob(['ha', 'inspect', 'ha-230', '--kubeconfig', kubeconfig.path, '-o', 'json']);
  expect(fromCluster).toMatchObject({ code: 0, stderr: '' });
  const fromFile = await flinkjob(['ha', 'inspect', '-f', '-', '-o', 'json'], {
    stdin: JSON.stringify(running.configMaps),
  });
  const resourceVersion = expect.stringMatching(/^\d+$/);
  const expected = JSON.parse(fromFile.stdout);
  expect(JSON.parse(fromCluster.stdout)).toEqual({
    ...expected,
    namespace,
    configMaps: expected.configMaps.map((each: object) => ({ ...each, resourceVersion })),
  });
});

test('ConfigMaps without labels, and beside many others, are found; other clusters are left out', async () => {
  const namespace = await captured(capture('1.18.1/06-five-checkpoints'));
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  for (let i = 0; i < 60; i++) await cluster!.call('POST', path, { metadata: { name: `other-${i}` } });
  await cluster!.call('POST', path, { metadata: { name: 'z-cluster-config-map' }, data: {} });
  await cluster!.call(
    'PATCH',
    `${path}/ha-1181-cluster-config-map`,
    { metadata: { labels: null } },
    'application/merge-patch+json',
  );
  using kubeconfig = kubeconfigFile(cluster!.access, 'default');
  const options = ['-n', namespace, '--kubeconfig', kubeconfig.path];
  const one = await flinkjob(['ha', 'inspect', 'ha-1181', ...options]);
  expect(one.stdout).toMatch(new RegExp(`^cluster ha-1181 in namespace ${namespace}: 2 ConfigMaps`));
  expect(one.stdout).not.toContain('cluster z');
  const sameByFullName = await flinkjob(['ha', 'inspect', `${namespace}/ha-1181`, '--kubeconfig', kubeconfig.path]);
  expect(sameByFullName).toEqual(one);
  const all = await flinkjob(['ha', 'inspect', ...options]);
  expect(all.stdout.match(/^cluster \S+ in namespace/gm)).toHaveLength(2);
  expect(await flinkjob(['ha', 'inspect', 'gone', ...options])).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: there is no cluster gone in namespace ${namespace}; name one of: ${namespace}/ha-1181, ${namespace}/z\n`,
  });
});

test('a namespace without HA data, and a user without rights, are told apart', async () => {
  const namespace = await cluster!.namespace();
  using kubeconfig = kubeconfigFile(cluster!.access, namespace);
  expect(await flinkjob(['ha', 'inspect', 'flights', '--kubeconfig', kubeconfig.path])).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: there is no cluster flights in namespace ${namespace}; it has no HA data of Apache Flink\n`,
  });
  await cluster!.serviceAccount(namespace, 'nobody', []);
  const adminToken = await cluster!.tokenFor(namespace, 'nobody');
  using weak = kubeconfigFile({ ...cluster!.access, adminToken }, namespace);
  const refused = await flinkjob(['ha', 'inspect', 'flights', '--kubeconfig', weak.path]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^error: list configmaps .*answered 403.*grant it with a Role and a RoleBinding$/m);
});

test('whoever may only get ConfigMaps sees those of the cluster that is named', async () => {
  const namespace = await captured(capture('2.3.0/06-five-checkpoints'));
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
  await cluster!.serviceAccount(namespace, 'reader', rules);
  const adminToken = await cluster!.tokenFor(namespace, 'reader');
  using kubeconfig = kubeconfigFile({ ...cluster!.access, adminToken }, namespace);
  const options = ['--kubeconfig', kubeconfig.path, '-o', 'json'];
  const { code, stdout, stderr } = await flinkjob(['ha', 'inspect', 'ha-230', ...options]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `ConfigMaps of namespace ${namespace} may not be listed: only those that ha-230 names are looked at\n`,
  });
  expect(JSON.parse(stdout)).toMatchObject({ clusterId: 'ha-230', jobs: [{ checkpoints: [{}], counter: 7 }] });
  expect(await flinkjob(['ha', 'inspect', 'gone', ...options])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('answered 403'),
  });
});

test('without any cluster the error says how to name one', async () => {
  const { code, stderr } = await flinkjob(['ha', 'inspect', 'flights']);
  expect(code).toBe(1);
  expect(stderr).toContain('name a file with --kubeconfig');
});
