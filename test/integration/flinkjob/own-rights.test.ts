/** The operator's own rights in a namespace, under the roles it is installed with, while that namespace is deleted. */
import { readFileSync } from 'node:fs';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { TrackedClient } from '../../../src/controller/index.ts';
import {
  type ApiClient,
  defineResource,
  type KubeObject,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
} from '../../../src/kube/index.ts';
import { keepRights } from '../../../src/reconcilers/flinkjob/own-rights.ts';
import { eventually } from '../../builders/eventually.ts';
import { AppliedJob, definedFlinkJobs, startOperator } from '../../builders/flinkjob-operator.ts';
import { aClient, tokenConnection } from '../../builders/kube.ts';
import { aNodeSimulator } from '../../builders/node-simulator.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests({ controllerManager: true });
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;
const NAME = 'flinkjob-operator';
const LATE: ResourceDef = ROLE_BINDINGS;
const NAMESPACES = defineResource('v1', 'Namespace', 'namespaces', 'cluster');
/** The garbage collector stands still for half a minute at a time when kinds come and go, as they do in other tests. */
const COLLECTED_WITHIN_MS = 120_000;

/** Gives an account in one namespace what `manifests/rbac.yaml` gives the operator in another one; answers its client. */
async function installed(own: string, watched: string): Promise<ApiClient> {
  const account = await cluster!.call<KubeObject | undefined>('POST', `/api/v1/namespaces/${own}/serviceaccounts`, {
    metadata: { generateName: 'operator-' },
  });
  const name = account?.metadata?.name ?? '';
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${watched}`;
  for (const document of parseAllDocuments(readFileSync('manifests/rbac.yaml', 'utf8'))) {
    const { kind, metadata, subjects, ...rest } = document.toJS();
    if (metadata.name !== NAME || (kind !== 'Role' && kind !== 'RoleBinding')) continue;
    const bound = subjects === undefined ? {} : { subjects: [{ ...subjects[0], name, namespace: own }] };
    const plural = kind === 'Role' ? 'roles' : 'rolebindings';
    await cluster!.call('POST', `${rbac}/${plural}`, { ...rest, ...bound, metadata: { name: NAME } });
  }
  const token = await cluster!.tokenFor(own, name);
  return aClient(tokenConnection(cluster!, { token: () => token }), { fieldManager: NAME });
}

async function setUp() {
  const [own, watched] = await Promise.all([cluster!.namespace(), cluster!.namespace()]);
  const client = await installed(own, watched);
  const admin = aClient(tokenConnection(cluster!));
  const ref = { namespace: watched, name: NAME };
  const held = async () => Promise.all([ROLES, ROLE_BINDINGS].map((kind) => admin.get(kind, ref, { signal })));
  const finalizers = async () => (await held()).map((object) => object?.metadata?.finalizers);
  return { own, watched, client, admin, ref, held, finalizers };
}

const HELD = [['flinkjob.dev/jobs-left'], ['flinkjob.dev/jobs-left']];

test('role and binding are let go of together, although without either of them the other could be written no more', async () => {
  const { client, admin, ref, held } = await setUp();
  let isReleased = false;
  const mine = {
    get: (kind, of) => client.get(kind, of, { signal }),
    jsonPatch: async (kind, of, operations, options) => {
      // Its connection has to be made first, and whoever deletes a namespace does not wait for that.
      if (kind === LATE) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        if (isReleased) await admin.delete(LATE, ref, { signal });
      }
      return client.jsonPatch(kind, of, operations, { ...options, signal });
    },
  } as Pick<TrackedClient, 'get' | 'jsonPatch'>;
  await keepRights(mine, ref, true);
  await Promise.all(
    [ROLES, ROLE_BINDINGS].filter((kind) => kind !== LATE).map((kind) => admin.delete(kind, ref, { signal })),
  );
  isReleased = true;
  await keepRights(mine, ref, false);
  expect(await held()).toEqual([undefined, undefined]);
});

test('a namespace that is deleted with a job in it ends: the operator may take the finalizer of the job off', {
  timeout: 2 * COLLECTED_WITHIN_MS,
}, async () => {
  const { client, watched, admin, finalizers } = await setUp();
  await definedFlinkJobs(cluster!);
  const operator = await startOperator({ namespace: watched, client, keepsRights: true });
  onTestFinished(operator.stop);
  await aNodeSimulator(cluster!, { namespaces: [watched], played: playedJobs() });
  const job = new AppliedJob(cluster!, watched);
  await job.apply({ deletion: { mode: 'Cancel' } });
  await job.phase('Running');
  await expect.poll(finalizers).toEqual(HELD);
  await admin.delete(NAMESPACES, { name: watched }, { signal });
  await eventually(
    async () => (await admin.get(NAMESPACES, { name: watched }, { signal })) === undefined,
    COLLECTED_WITHIN_MS,
  ).catch((cause) => {
    throw new Error(operator.lines.filter((line) => !line.startsWith('debug')).join('\n'), { cause });
  });
  expect(operator.told.map(({ reason }) => reason)).toContain('Cleanup');
});
