import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { CONFIG_MAPS, NAMESPACES } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { aClient, aConfigMap, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

test('all test files of a run share one server', async () => {
  expect((await clusterForTests())?.access.server).toBe(cluster!.access.server);
});

test('the record of the server says who did what, with which answer, and not what the server does for itself', async () => {
  const namespace = await cluster!.namespace();
  const client = aClient(tokenConnection(cluster!));
  await client.create(CONFIG_MAPS, aConfigMap(namespace, 'a', { secret: 'content' }), { signal });
  const events = await cluster!.auditEventsOnceThere(
    1,
    ({ objectRef }) => objectRef?.namespace === namespace && objectRef.name === 'a',
  );
  expect(events).toMatchObject([{ verb: 'create', user: { username: 'test-admin' }, responseStatus: { code: 201 } }]);
  expect(JSON.stringify(events)).not.toContain('content');
  expect(cluster!.auditEvents(({ user }) => user.username === 'system:apiserver')).toEqual([]);
});

/** The garbage collector stands still for half a minute at a time when kinds come and go, as they do in other tests. */
const COLLECTED_WITHIN_MS = 120_000;

test('with the controller manager owned objects go with their owner, and namespaces end', {
  timeout: 2 * COLLECTED_WITHIN_MS,
}, async () => {
  const whole = await clusterForTests({ controllerManager: true });
  const namespace = await whole!.namespace();
  const client = aClient(tokenConnection(whole!));
  const owner = await client.create(CONFIG_MAPS, aConfigMap(namespace, 'owner'), { signal });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata?.uid ?? '' }];
  await client.create(CONFIG_MAPS, { metadata: { namespace, name: 'owned', ownerReferences } }, { signal });
  await client.delete(CONFIG_MAPS, { namespace, name: 'owner' }, { signal });
  await eventually(
    async () => (await client.get(CONFIG_MAPS, { namespace, name: 'owned' }, { signal })) === undefined,
    COLLECTED_WITHIN_MS,
  );
  await client.delete(NAMESPACES, { name: namespace }, { signal });
  await eventually(
    async () => (await client.get(NAMESPACES, { name: namespace }, { signal })) === undefined,
    COLLECTED_WITHIN_MS,
  );
});

test('a run that is killed leaves no process and no file, and does not touch the server of another run', async () => {
  const script = join(import.meta.dirname, 'cluster-owner.ts');
  const owner = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void owner.kill('SIGKILL'));
  const [line] = await Promise.race([
    once(owner.stdout),
    new Promise<string[]>((resolve) => owner.once('exit', () => resolve(['{}']))),
  ]);
  const { folder, server } = JSON.parse(line ?? '{}') as { folder: string; server: string };
  expect(existsSync(folder)).toBe(true);
  expect(server).not.toBe(cluster!.access.server);
  owner.kill('SIGKILL');
  await eventually(() => !existsSync(folder));
  await expect(fetch(server)).rejects.toThrow();
  await cluster!.namespace();
});

const once = async (stream: NodeJS.ReadableStream): Promise<string[]> => {
  for await (const line of createInterface({ input: stream })) return [line];
  return [];
};
