/** What a job may do in Kubernetes: a Role that names its two objects, each verb that it grants used, and no other needed. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect } from 'vitest';
import { type HighAvailabilityServices, openKubernetesHaServices } from '../../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../../src/ha/kubernetes/index.ts';
import { type ApiClient, CONFIG_MAPS, LEASES } from '../../../src/kube/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { AJob, aCheckpoint, granted, JOB } from '../../builders/ha.ts';
import { aClient, aConfigMap, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

const LEASE_VERBS = ['get', 'list', 'watch', 'update'];
const CONFIG_MAP_VERBS = ['get', 'list', 'watch', 'patch'];

/** The Role of a job: its Lease and its ConfigMap, by name. */
const roleOf = (job: string, without: { readonly resource?: string; readonly verb?: string } = {}) => {
  const verbs = (resource: string, all: readonly string[]) =>
    all.filter((verb) => resource !== without.resource || verb !== without.verb);
  return [
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [`${job}-leader`],
      verbs: verbs('leases', LEASE_VERBS),
    },
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [`${job}-ha`],

      verbs: verbs('configmaps', CONFIG_MAP_VERBS),
    },
  ];
};

/** A job as the operator leaves it to its pods: both objects are there, and an account that may touch just them. */
async function aRestrictedJob(without?: { readonly resource: string; readonly verb: string }) {
  const there = cluster ?? expect.fail('no cluster');
  const namespace = await there.namespace();
  const job = `job-${randomBytes(3).toString('hex')}`;
  const operator = aClient(tokenConnection(there));
  await new ConfigMapHandleBackend({ client: operator, namespace, name: `${job}-ha` }).create(0);
  await operator.create(LEASES, { metadata: { namespace, name: `${job}-leader` }, spec: {} }, { signal });
  const user = await there.serviceAccount(namespace, 'job', roleOf(job, without));
  const token = await there.tokenFor(namespace, 'job');
  const client = aClient(tokenConnection(there, { token: () => token }));
  return { there, namespace, job, operator, user, client };
}

/** The services as a pod of the job opens them; files are of no interest here. */
const open = (client: ApiClient, namespace: string, job: string, files: AJob): Promise<HighAvailabilityServices> =>
  openKubernetesHaServices({
    client,
    namespace,
    job,
    jobId: JOB,
    storage: files.storage,
    identity: `pod-${randomBytes(3).toString('hex')}`,
    clock: systemClock,
    random: () => 0.5,
    lease: { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 },
  });

test('a job leads, writes, is watched and hands over with rights to two objects by name, and uses all of them', async () => {
  const { there, namespace, job, user, client } = await aRestrictedJob();
  const files = new AJob();
  const first = await open(client, namespace, job, files);
  await granted(first);
  const second = await open(client, namespace, job, files);
  const takenOver = granted(second);
  const found: (string | null)[] = [];
  const retriever = second.getDispatcherLeaderRetriever();
  retriever.start({ notifyLeaderAddress: (address) => found.push(address), handleError: () => {} });

  const store = await first.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 1);
  for (const id of [1, 2]) await store.addCheckpointAndSubsumeOldestOne(await aCheckpoint(files, id));
  // Longer than a renewal takes to be due.
  const leaseOf = () => client.get(LEASES, { namespace, name: `${job}-leader` }, { signal });
  const taken = (await leaseOf())?.spec?.renewTime;
  await expect.poll(async () => (await leaseOf())?.spec?.renewTime, { timeout: 10_000 }).not.toBe(taken);
  await first.close();
  expect((await takenOver).epoch).toBe(2);
  const recovered = await second.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB, 1);
  expect(recovered.getLatestCheckpointId()).toBe(2);
  await retriever.stop();
  await second.close();

  const events = await there.auditEventsOnceThere(10, (event) => event.user.username === user);
  expect(events.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
  const used = (resource: string) => [
    ...new Set(events.filter(({ objectRef }) => objectRef?.resource === resource).map(({ verb }) => verb)),
  ];
  expect(used('leases').sort()).toEqual([...LEASE_VERBS].sort());
  expect(used('configmaps').sort()).toEqual([...CONFIG_MAP_VERBS].sort());
  expect(new Set(events.map(({ objectRef }) => objectRef?.resource))).toEqual(new Set(['leases', 'configmaps']));
});

test('the Role permits nothing beyond: no other object, no list of all, no making and no removing', async () => {
  const { namespace, job, operator, client } = await aRestrictedJob();
  await operator.create(CONFIG_MAPS, aConfigMap(namespace, 'other-ha'), { signal });
  const mine = { namespace, name: `${job}-ha` };
  const others = { namespace, name: 'other-ha' };
  const patch = [{ op: 'add', path: '/data', value: {} }] as const;
  expect(await client.get(CONFIG_MAPS, mine, { signal })).toBeDefined();
  for (const forbidden of [
    () => client.get(CONFIG_MAPS, others, { signal }),
    () => client.jsonPatch(CONFIG_MAPS, others, [...patch], { signal }),
    () => client.list(CONFIG_MAPS, { namespace, signal }),
    () => client.list(CONFIG_MAPS, { namespace, fieldSelector: 'metadata.name=other-ha', signal }),
    () => client.list(LEASES, { namespace, signal }),
    () => client.create(CONFIG_MAPS, aConfigMap(namespace, 'new'), { signal }),
    () => client.create(LEASES, { metadata: { namespace, name: 'new' }, spec: {} }, { signal }),
    () => client.delete(CONFIG_MAPS, mine, { signal }),
    () => client.delete(LEASES, { namespace, name: `${job}-leader` }, { signal }),
  ]) {
    expect(await failureOf(forbidden())).toMatchObject({ status: 403 });
  }
});

test.for([
  { resource: 'configmaps', verb: 'list' },
  { resource: 'leases', verb: 'list' },
])('without the right to $verb $resource nothing is watched, although watching is permitted', async (without) => {
  const { there, namespace, job, user, client } = await aRestrictedJob(without);
  const services = await open(client, namespace, job, new AJob());
  const leading = await open(client, namespace, job, new AJob());
  await granted(leading);
  const waiting = granted(services);
  const refused = await there.auditEventsOnceThere(
    1,
    ({ user: { username }, verb, objectRef, responseStatus }) =>
      username === user && verb === 'list' && objectRef?.resource === without.resource && responseStatus?.code === 403,
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(
    there.auditEvents(
      ({ user: { username }, verb, objectRef }) =>
        username === user && verb === 'watch' && objectRef?.resource === without.resource,
    ),
  ).toEqual([]);
  await leading.close();
  // It still takes over: a lease can be asked for, and the fence is a patch.
  await waiting;
  await services.close();
});
