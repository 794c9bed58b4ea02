/** The chart, rendered by the real helm. */
import { readFileSync } from 'node:fs';
import { test as anyTest, describe, expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findProgram, outputOf } from '../../rendering/programs.ts';

const helm = await findProgram('helm', { build: false });
if ('missing' in helm) console.log(`skipped: ${helm.missing}`);
const test = anyTest.skipIf('missing' in helm);

const CHART = 'charts/flinkjob-operator';

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds are looked at field by field.
type Json = any;

const objectsIn = (yaml: string): Json[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS())
    .filter((object) => object !== null);

async function rendered(...values: readonly string[]): Promise<Json[]> {
  const set = values.flatMap((value) => ['--set-json', value]);
  const args = ['template', 'operator', CHART, '--namespace', 'flinkjob', '--kube-version', '1.36.3', ...set];
  return objectsIn(await outputOf(helm as { path: string }, args));
}

const ofKind = (objects: readonly Json[], kind: string): Json[] => objects.filter((object) => object.kind === kind);
const deploymentIn = (objects: readonly Json[]): Json => ofKind(objects, 'Deployment')[0];
const settingsIn = (objects: readonly Json[]): Json => parse(ofKind(objects, 'ConfigMap')[0].data['operator.yaml']);
const failure = async (...values: readonly string[]): Promise<string> => {
  return rendered(...values).then(
    () => 'rendered',
    (error: { stderr: string }) => error.stderr,
  );
};

/** What the two ways of installing name differently on purpose. */
function withoutRelease(object: Json): Json {
  const copy = JSON.parse(
    JSON.stringify(object).replaceAll(/flinkjob-operator-settings-\w{10}"/g, 'flinkjob-operator-settings"'),
  );
  for (const metadata of [copy.metadata, copy.spec?.template?.metadata].filter((part) => part !== undefined)) {
    delete metadata.namespace;
    delete metadata.labels['helm.sh/chart'];
    delete metadata.labels['app.kubernetes.io/instance'];
    delete metadata.annotations?.['checksum/configuration'];
  }
  const container = copy.spec?.template?.spec?.containers[0];
  if (container !== undefined) delete container.imagePullPolicy;
  if (copy.kind === 'ConfigMap') copy.data = parse(copy.data['operator.yaml']);
  return copy;
}

const sorted = (objects: readonly Json[]): Json[] =>
  objects.toSorted((left, right) =>
    `${left.kind}/${left.metadata.name}` < `${right.kind}/${right.metadata.name}` ? -1 : 1,
  );

test('lint has nothing to say', async () => {
  expect(await outputOf(helm as { path: string }, ['lint', '--strict', CHART])).toContain('0 chart(s) failed');
});

test('with the default values it installs what manifests/install.yaml installs', async () => {
  const manifest = objectsIn(readFileSync('manifests/install.yaml', 'utf8'));
  expect(sorted(await rendered()).map(withoutRelease)).toEqual(sorted(manifest).map(withoutRelease));
});

test('cluster-wide it gets the rights of manifests/install-cluster.yaml, and is told', async () => {
  const manifest = objectsIn(readFileSync('manifests/install-cluster.yaml', 'utf8'));
  const objects = await rendered('clusterWide=true');
  const rights = (all: readonly Json[]): Json[] =>
    sorted(all.filter(({ kind }) => /Role/.test(kind))).map(withoutRelease);
  expect(rights(objects)).toEqual(rights(manifest));
  expect(settingsIn(objects).watch).toEqual({ allNamespaces: true });
});

test('each namespace that is named gets a role and a binding to the account of the release', async () => {
  const objects = await rendered('namespaces=["flights","payments"]');
  const bindings = ofKind(objects, 'RoleBinding').filter(({ metadata }) => metadata.name === 'flinkjob-operator');
  expect(bindings.map(({ metadata }) => metadata.namespace)).toEqual(['flights', 'payments']);
  expect(bindings.map(({ subjects }) => subjects[0].namespace)).toEqual(['flinkjob', 'flinkjob']);
  expect(ofKind(objects, 'Role').map(({ metadata }) => metadata.namespace)).toEqual(
    expect.arrayContaining(['flights', 'payments']),
  );
  expect(ofKind(objects, 'ClusterRole')).toEqual([]);
  expect(settingsIn(objects).watch).toEqual({ namespaces: ['flights', 'payments'] });
});

describe('values', () => {
  test('where the pod runs, and what it takes, is as asked', async () => {
    const toleration = { key: 'infra', operator: 'Exists' };
    const pod = deploymentIn(
      await rendered(
        'nodeSelector={"pool":"infra"}',
        `tolerations=${JSON.stringify([toleration])}`,
        'affinity={"nodeAffinity":{}}',
        'resources={"requests":{"cpu":"1"}}',
        'priorityClassName="important"',
        'imagePullSecrets=[{"name":"registry"}]',
      ),
    ).spec.template.spec;
    expect(pod).toMatchObject({
      nodeSelector: { pool: 'infra' },
      tolerations: [toleration],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'important',
      imagePullSecrets: [{ name: 'registry' }],
    });
    expect(pod.containers[0].resources.requests.cpu).toBe('1');
  });

  test('an image counts for the operator and for jobs that name none; a digest counts before a tag', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const image = JSON.stringify({ repository: 'example.org/flinkjob', tag: '1', digest });
    const objects = await rendered(`image=${image}`);
    expect(deploymentIn(objects).spec.template.spec.containers[0].image).toBe(`example.org/flinkjob@${digest}`);
    expect(settingsIn(objects).jobs.image).toBe(`example.org/flinkjob@${digest}`);
  });

  test('other settings make other pods', async () => {
    const checksum = async (...values: readonly string[]): Promise<string> =>
      deploymentIn(await rendered(...values)).spec.template.metadata.annotations['checksum/configuration'];
    expect(await checksum()).toBe(await checksum());
    expect(await checksum('configuration={"log":{"level":"debug"}}')).not.toBe(await checksum());
  });

  test('one replica needs no budget: it would hold up every drain', async () => {
    expect(ofKind(await rendered('replicas=1'), 'PodDisruptionBudget')).toEqual([]);
  });

  test('what is misspelled or cannot be is refused', async () => {
    expect(await failure('replica=3')).toMatch(/replica/);
    expect(await failure('replicas=0')).toMatch(/minimum/);
    expect(await failure('image={"digest":"latest"}')).toMatch(/pattern/);
    expect(await failure('clusterWide=true', 'namespaces=["a"]')).toMatch(/exclude each other/);
  });
});
