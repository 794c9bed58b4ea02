import { test as anyTest, expect } from 'vitest';
import {
  ApiError,
  apiVersionOf,
  CONFIG_MAPS,
  type ConfigMap,
  defineResource,
  NAMESPACES,
  pointerPart,
} from '../../../src/kube/index.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { aClient, aConfigMap, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function setUp() {
  const namespace = await cluster!.namespace();
  const client = aClient(tokenConnection(cluster!));
  const ref = (name: string) => ({ namespace, name });
  return { namespace, client, ref };
}

const apiErrorOf = async (work: Promise<unknown>): Promise<ApiError> => {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

test('an object is created, read, and gone after it was deleted', async () => {
  const { client, namespace, ref } = await setUp();
  expect(await client.get(CONFIG_MAPS, ref('a'), { signal })).toBeUndefined();
  const made = await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a', { key: 'value' }), { signal });
  expect(made.metadata?.uid).toBeDefined();
  expect((await client.get(CONFIG_MAPS, ref('a'), { signal }))?.data).toEqual({ key: 'value' });
  expect(await client.delete(CONFIG_MAPS, ref('a'), { signal })).toBe(true);
  expect(await client.delete(CONFIG_MAPS, ref('a'), { signal })).toBe(false);
});

test('a name that is taken is told from a version that is not the newest', async () => {
  const { client, namespace } = await setUp();
  const made = await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  const taken = await apiErrorOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }));
  expect(taken).toMatchObject({ isAlreadyExists: true, isConflict: false, outcome: 'notApplied' });
  await client.replace(CONFIG_MAPS, { ...made, data: { key: 'first' } }, { signal });
  const late = await apiErrorOf(client.replace(CONFIG_MAPS, { ...made, data: { key: 'second' } }, { signal }));
  expect(late).toMatchObject({ isAlreadyExists: false, isConflict: true, outcome: 'notApplied' });
});

test('a namespace that does not exist is an error, not an absent object', async () => {
  const { client } = await setUp();
  const error = await apiErrorOf(client.create(CONFIG_MAPS, aConfigMap('nowhere', 'a'), { signal }));
  expect(error).toMatchObject({ isNotFound: true, objectName: 'nowhere' });
  expect(error.message).toBe(
    'create configmaps nowhere/a: the API server answered 404: namespaces "nowhere" not found',
  );
});

test('a kind that is not served is an error, not an absent object', async () => {
  const { client, namespace } = await setUp();
  const unknown = defineResource('nobody.example/v1', 'Thing', 'things');
  const error = await apiErrorOf(client.get(unknown, { namespace, name: 'a' }, { signal }));
  expect(error.isNotFound).toBe(true);
});

test('an apply sets what it names, keeps what others own, and takes back what it leaves out', async () => {
  const { client, namespace, ref } = await setUp();
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a', { theirs: '1' }), { signal, fieldManager: 'others' });
  const ours = (data: Record<string, string>) =>
    client.apply(CONFIG_MAPS, aConfigMap(namespace, 'a', data), { signal, fieldManager: 'ours' });
  await ours({ first: '1', second: '2' });
  await ours({ second: '2' });
  expect((await client.get(CONFIG_MAPS, ref('a'), { signal }))?.data).toEqual({ theirs: '1', second: '2' });
});

test('a field of another manager is a conflict, unless it is taken over on purpose', async () => {
  const { client, namespace } = await setUp();
  const apply = (value: string, fieldManager: string, force = false) =>
    client.apply(CONFIG_MAPS, aConfigMap(namespace, 'a', { key: value }), { signal, fieldManager, force });
  await apply('1', 'first');
  const error = await apiErrorOf(apply('2', 'second'));
  expect(error).toMatchObject({ isConflict: true, outcome: 'notApplied' });
  expect(error.causes[0]).toMatchObject({ reason: 'FieldManagerConflict', field: '.data.key' });
  expect((await apply('2', 'second', true)).data).toEqual({ key: '2' });
});

test('an apply with a uid never makes an object that is gone', async () => {
  const { client, namespace, ref } = await setUp();
  const made = await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  await client.delete(CONFIG_MAPS, ref('a'), { signal });
  const metadata = { namespace, name: 'a', uid: made.metadata?.uid ?? '' };
  expect(await apiErrorOf(client.apply(CONFIG_MAPS, { metadata }, { signal }))).toMatchObject({ isConflict: true });
});

test('a merge patch sets and removes', async () => {
  const { client, namespace, ref } = await setUp();
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a', { one: '1', two: '2' }), { signal });
  const patched = await client.mergePatch(CONFIG_MAPS, ref('a'), { data: { one: null, three: '3' } }, { signal });
  expect(patched.data).toEqual({ two: '2', three: '3' });
});

test('a JSON Patch is applied whole, or not at all when one of its tests fails', async () => {
  const { client, namespace, ref } = await setUp();
  const annotation = `/metadata/annotations/${pointerPart('flinkjob.dev/epoch')}`;
  const annotations = { 'flinkjob.dev/epoch': '7' };
  await client.create(
    CONFIG_MAPS,
    { metadata: { namespace, name: 'a', annotations }, data: { layout: '1' } },
    { signal },
  );
  const write = (epoch: string, value: string) =>
    client.jsonPatch(
      CONFIG_MAPS,
      ref('a'),
      [
        { op: 'add', path: '/data/key', value },
        { op: 'test', path: annotation, value: epoch },
      ],
      { signal },
    );
  expect((await write('7', 'current')).data).toEqual({ layout: '1', key: 'current' });
  expect(await apiErrorOf(write('6', 'old'))).toMatchObject({ isInvalid: true, outcome: 'notApplied' });
  expect((await client.get(CONFIG_MAPS, ref('a'), { signal }))?.data?.key).toBe('current');
});

test('the status of an object is written apart from the rest', async () => {
  const { client } = await setUp();
  const namespace = await cluster!.namespace();
  const quotas = defineResource<{ metadata: { namespace: string; name: string }; spec?: object; status?: object }>(
    'v1',
    'ResourceQuota',
    'resourcequotas',
  );
  const quota = { metadata: { namespace, name: 'a' }, spec: { hard: { configmaps: '5' } } };
  await client.create(quotas, quota, { signal });
  const status = { hard: { configmaps: '5' }, used: { configmaps: '3' } };
  const written = await client.apply(
    quotas,
    { metadata: quota.metadata, spec: { hard: { configmaps: '9' } }, status },
    { signal, subresource: 'status', force: true },
  );
  expect(written).toMatchObject({ spec: { hard: { configmaps: '5' } }, status });
});

test('a delete touches only the object that was looked at', async () => {
  const { client, namespace, ref } = await setUp();
  const made = await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  const other = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } };
  expect(await apiErrorOf(client.delete(CONFIG_MAPS, ref('a'), { signal, ...other }))).toMatchObject({
    isConflict: true,
  });
  const { uid = '', resourceVersion = '' } = made.metadata ?? {};
  await client.mergePatch(CONFIG_MAPS, ref('a'), { data: { key: 'changed' } }, { signal });
  const older = { preconditions: { uid, resourceVersion } };
  expect(await apiErrorOf(client.delete(CONFIG_MAPS, ref('a'), { signal, ...older }))).toMatchObject({
    isConflict: true,
  });
  expect(await client.delete(CONFIG_MAPS, ref('a'), { signal, preconditions: { uid } })).toBe(true);
});

test('an unknown field is refused, and the message names it', async () => {
  const { client, namespace } = await setUp();
  const wrong = { ...aConfigMap(namespace, 'a'), dta: {} } as ConfigMap;
  const error = await apiErrorOf(client.create(CONFIG_MAPS, wrong, { signal }));
  expect(error).toMatchObject({ status: 400, outcome: 'notApplied' });
  expect(error.message).toContain('unknown field "dta"');
});

test('a dry run checks and changes nothing', async () => {
  const { client, namespace, ref } = await setUp();
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal, dryRun: true });
  expect(await client.get(CONFIG_MAPS, ref('a'), { signal })).toBeUndefined();
});

test('a list is read page by page, as it was at one moment', async () => {
  const { client, namespace } = await setUp();
  const names = Array.from({ length: 7 }, (_, index) => `map-${index}`);
  for (const name of names) await client.create(CONFIG_MAPS, aConfigMap(namespace, name), { signal });
  const first = await client.listPage(CONFIG_MAPS, { signal, namespace, limit: 3 });
  expect(first.items).toHaveLength(3);
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'map-later'), { signal });
  const second = await client.listPage(CONFIG_MAPS, {
    signal,
    namespace,
    limit: 3,
    ...(first.next !== undefined && { next: first.next }),
  });
  expect(second.resourceVersion).toBe(first.resourceVersion);
  const all = await client.list(CONFIG_MAPS, { signal, namespace, limit: 3 });
  expect(all.items.map(({ metadata }) => metadata?.name)).toEqual([...names, 'map-later']);
});

test('a list selects by label and by field', async () => {
  const { client, namespace } = await setUp();
  for (const job of ['a', 'b']) {
    await client.create(CONFIG_MAPS, { metadata: { namespace, name: `of-${job}`, labels: { job } } }, { signal });
  }
  const byLabel = await client.list(CONFIG_MAPS, { signal, namespace, labelSelector: 'job=a' });
  const byField = await client.list(CONFIG_MAPS, { signal, namespace, fieldSelector: 'metadata.name=of-b' });
  expect([...byLabel.items, ...byField.items].map(({ metadata }) => metadata?.name)).toEqual(['of-a', 'of-b']);
});

test('objects that belong to no namespace are read as well', async () => {
  const { client, namespace } = await setUp();
  expect((await client.get(NAMESPACES, { name: namespace }, { signal }))?.metadata?.name).toBe(namespace);
  expect(apiVersionOf(NAMESPACES)).toBe('v1');
});

test('the server says its version', async () => {
  const { client } = await setUp();
  expect(await client.serverVersion({ signal })).toMatch(/^v1\.\d+\.\d+/);
});

test('a user without the right is refused, and told what to do', async () => {
  const { namespace } = await setUp();
  await cluster!.serviceAccount(namespace, 'reader', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]);
  const token = await cluster!.tokenFor(namespace, 'reader');
  const client = aClient(tokenConnection(cluster!, { token: () => token }));
  expect(await client.get(CONFIG_MAPS, { namespace, name: 'a' }, { signal })).toBeUndefined();
  const error = await apiErrorOf(client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal }));
  expect(error).toMatchObject({ isForbidden: true, outcome: 'notApplied', retryable: false });
  expect(error.message).toMatch(/grant it with a Role and a RoleBinding$/);
});
