import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, expect } from 'vitest';
import {
  CONFIG_MAPS,
  inClusterConnection,
  KubeConfigError,
  kubeconfigConnection,
  openConnection,
} from '../../../src/kube/index.ts';
import { aClient, aConfigMap, aProxy } from '../../builders/kube.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { certificateAuthority, clusterForTests, issueCertificate } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Writes a kubeconfig for one user; answers its path. */
function aKubeconfig(
  folder: string,
  user: object,
  more: { server?: string; ca?: string; namespace?: string } = {},
): string {
  const server = more.server ?? cluster!.access.server;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'certificate-authority-data': base64(more.ca ?? cluster!.access.ca) } },
    ],
    users: [{ name: 'user', user }],
    contexts: [
      {
        name: 'test',
        context: { cluster: 'test', user: 'user', ...(more.namespace && { namespace: more.namespace }) },
      },
    ],
    'current-context': 'test',
  };
  const path = join(folder, 'config');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** The user as the server's record names it, of a read that nobody else makes. */
async function readAs(connect: Parameters<typeof aClient>[0]): Promise<string | undefined> {
  const client = aClient(connect);
  const name = `asked-by-${crypto.randomUUID()}`;
  await client.get(CONFIG_MAPS, { namespace: 'default', name }, { signal });
  const [event] = await cluster!.auditEventsOnceThere(1, ({ objectRef }) => objectRef?.name === name);
  return event?.user.username;
}

test('a kubeconfig with a token', async () => {
  const path = aKubeconfig(aTemporaryDirectory(), { token: cluster!.access.adminToken }, { namespace: 'flights' });
  const connection = await kubeconfigConnection({ files: [path] });
  expect(connection.namespace).toBe('flights');
  expect(await readAs(connection)).toBe('test-admin');
});

test('a kubeconfig with a client certificate', async () => {
  const { cert, key } = cluster!.certificateFor('anna', ['system:masters']);
  const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
  const connection = await kubeconfigConnection({ files: [aKubeconfig(aTemporaryDirectory(), user)] });
  expect(await readAs(connection)).toBe('anna');
});

test('the fault proxy passes on who a client with a certificate is', async () => {
  const proxy = await aProxy(cluster!);
  const { cert, key } = cluster!.certificateFor('berta', ['system:masters']);
  const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
  const connection = await kubeconfigConnection({
    files: [aKubeconfig(aTemporaryDirectory(), user, { server: proxy.url })],
  });
  expect(await readAs(connection)).toBe('berta');
  expect(proxy.count({ identity: 'berta' })).toBe(1);
});

test('a kubeconfig with an exec plugin, which is asked again only when its token was refused', async () => {
  const folder = aTemporaryDirectory();
  const namespace = await cluster!.namespace();
  await cluster!.serviceAccount(namespace, 'plugin-user');
  const [count, token, plugin] = ['count', 'token', 'plugin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(count, '');
  writeFileSync(token, await cluster!.tokenFor(namespace, 'plugin-user'));
  const answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}';
  writeFileSync(plugin, `#!/bin/sh\nprintf x >> ${count}\nprintf '${answer}' "$(cat ${token})"\n`);
  chmodSync(plugin, 0o755);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
  const proxy = await aProxy(cluster!);
  const path = aKubeconfig(folder, { exec }, { server: proxy.url });
  const client = aClient(await kubeconfigConnection({ files: [path] }));
  for (let index = 0; index < 3; index += 1) await client.list(CONFIG_MAPS, { signal, namespace });
  expect(readFileSync(count, 'utf8')).toBe('x');
  proxy.inject({ verb: 'list', fault: { do: 'answer', status: 401, reason: 'Unauthorized' } });
  await client.list(CONFIG_MAPS, { signal, namespace });
  expect(readFileSync(count, 'utf8')).toBe('xx');
  expect(proxy.count({ identity: `system:serviceaccount:${namespace}:plugin-user` })).toBe(5);
});

test('a plugin that fails is told of with what it said', async () => {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', 'echo log in first >&2; exit 1'],
  };
  const connection = await kubeconfigConnection({ files: [aKubeconfig(aTemporaryDirectory(), { exec })] });
  const client = aClient(connection);
  const call = client.get(CONFIG_MAPS, { namespace: 'default', name: 'a' }, { signal });
  await expect(call).rejects.toThrow(/credentials of user user cannot be had: log in first/);
});

test.each([
  ['a server that is no URL', { server: 'not a url' }, /server of cluster test is no URL: not a url$/],
  ['broken YAML', 'clusters: [\n', /cannot be read: [^\n]+$/],
  ['nothing', 'null', /cannot be read: it is no kubeconfig$/],
])('a kubeconfig with %s is refused in one line', async (_, content, message) => {
  const folder = aTemporaryDirectory();
  const path = aKubeconfig(folder, {}, typeof content === 'string' ? {} : content);
  if (typeof content === 'string') writeFileSync(path, content);
  const failed = await kubeconfigConnection({ files: [path] }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: KubeConfigError.name, message: expect.stringMatching(message) });
});

test('a plugin that fails without a word is told of all the same', async () => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/false', interactiveMode: 'Never' };
  const path = aKubeconfig(aTemporaryDirectory(), { exec });
  const connection = await kubeconfigConnection({ files: [path] });
  await expect(connection.credentials(false)).rejects.toThrow(/cannot be had: its plugin failed and did not say why$/);
});

test('a token file that is replaced is read again', async () => {
  const folder = aTemporaryDirectory();
  const namespace = await cluster!.namespace();
  await cluster!.serviceAccount(namespace, 'first');
  await cluster!.serviceAccount(namespace, 'second');
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, await cluster!.tokenFor(namespace, 'first'));
  const connection = await kubeconfigConnection({ files: [aKubeconfig(folder, { tokenFile })] });
  const bearer = async () => (await connection.credentials(false)).headers.authorization;
  const before = await bearer();
  writeFileSync(tokenFile, await cluster!.tokenFor(namespace, 'second'));
  const after = await bearer();
  expect(after).not.toBe(before);
  expect(after).toBe(`Bearer ${readFileSync(tokenFile, 'utf8')}`);
});

/** The files of a pod's service account. */
async function aPod() {
  const folder = aTemporaryDirectory();
  const namespace = await cluster!.namespace();
  const user = await cluster!.serviceAccount(namespace, 'job');
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('namespace', `${namespace}\n`);
  write('token', await cluster!.tokenFor(namespace, 'job'));
  write('ca.crt', cluster!.access.ca);
  return { folder, namespace, user, write };
}

test('a pod reads its token, its authority and its namespace from files', async () => {
  const { folder, namespace, user } = await aPod();
  const { hostname: host, port } = new URL(cluster!.access.server);
  const connection = await inClusterConnection({ host, port, folder });
  expect(connection.namespace).toBe(namespace);
  const client = aClient(connection);
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a'), { signal });
  const [event] = await cluster!.auditEventsOnceThere(
    1,
    (seen) => seen.objectRef?.namespace === namespace && seen.user.username === user,
  );
  expect(event?.verb).toBe('create');
});

test('a token in a pod that expired is read again, and the call succeeds', async () => {
  const { folder, namespace, write } = await aPod();
  const { hostname: host, port } = new URL(cluster!.access.server);
  const client = aClient(await inClusterConnection({ host, port, folder }));
  const proxyless = () => client.list(CONFIG_MAPS, { signal, namespace });
  write('token', await cluster!.tokenFor(namespace, 'job', -120_000));
  await expect(proxyless()).rejects.toMatchObject({ isUnauthorized: true });
  write('token', await cluster!.tokenFor(namespace, 'job'));
  expect((await proxyless()).items).toEqual([]);
});

test('an authority that is replaced while the process runs is trusted from then on, and the old one no more', async () => {
  const { folder, namespace, write } = await aPod();
  const other = certificateAuthority('another-ca');
  const { port } = new URL(cluster!.access.server);
  const connection = await inClusterConnection({ host: '127.0.0.1', port, folder });
  write('ca.crt', other.cert);
  // No time passes between asking: each call asks.
  const client = aClient(connection, { clock: everLater() });
  const failed = client.list(CONFIG_MAPS, { signal, namespace, deadlineMs: 3_000 });
  await expect(failed).rejects.toThrow(/certificate.*nothing was sent/);
  write('ca.crt', `${other.cert}${cluster!.access.ca}`);
  expect((await client.list(CONFIG_MAPS, { signal, namespace })).items).toEqual([]);
  expect(issueCertificate(other, { commonName: 'x' }).cert).not.toBe(cluster!.access.ca);
});

/** A clock by which a minute passes between any two looks. */
function everLater() {
  let now = 0;
  const later = () => {
    now += 61_000;
    return now;
  };
  return {
    now: () => Date.now(),
    monotonic: later,
    setTimer: (delayMs: number, callback: () => void) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

anyTest('a pod without a service account is told what to set', async () => {
  const connection = inClusterConnection({ host: '127.0.0.1', port: '1', folder: aTemporaryDirectory() });
  await expect(connection).rejects.toThrow(/set automountServiceAccountToken/);
});

anyTest('where no cluster is known the message says where was looked', async () => {
  const nowhere = openConnection({ environment: { HOME: aTemporaryDirectory() } });
  await expect(nowhere).rejects.toThrow(KubeConfigError);
  const missing = openConnection({ environment: { KUBECONFIG: '/nowhere/a:/nowhere/b' } });
  await expect(missing).rejects.toThrow('KUBECONFIG names /nowhere/a, /nowhere/b, and none of them exists');
});

anyTest('a context that does not exist is told of with those that do', async () => {
  const path = join(aTemporaryDirectory(), 'config');
  const cluster = { name: 'c', cluster: { server: 'https://localhost:1' } };
  const context = { name: 'dev', context: { cluster: 'c', user: 'u' } };
  writeFileSync(
    path,
    JSON.stringify({ clusters: [cluster], users: [], contexts: [context], 'current-context': 'dev' }),
  );
  const connection = kubeconfigConnection({ files: [path], context: 'prod' });
  await expect(connection).rejects.toThrow(/has no context prod with a cluster; its contexts are: dev/);
});

anyTest('several files of KUBECONFIG are one, and the first to name something wins', async () => {
  const folder = aTemporaryDirectory();
  const write = (name: string, server: string, context: string) => {
    const path = join(folder, name);
    const clusters = [{ name: 'shared', cluster: { server } }];
    const contexts = [{ name: context, context: { cluster: 'shared', user: 'u' } }];
    const users = [{ name: 'u', user: { token: 't' } }];
    writeFileSync(path, JSON.stringify({ clusters, users, contexts, 'current-context': context }));
    return path;
  };
  const files = [write('a', 'https://first:1', 'one'), write('b', 'https://second:2', 'two')];
  const environment = { KUBECONFIG: files.join(':') };
  expect((await openConnection({ environment })).server).toBe('https://first:1');
  expect((await openConnection({ environment, context: 'two' })).server).toBe('https://first:1');
});
