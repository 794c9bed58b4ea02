/** What a job may do in Kubernetes: a Role that names its two objects, each verb that it grants used, and no other needed. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect } from 'vitest';
import { type HighAvailabilityServices, openKubernetesHaServices } from '../../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../../src/ha/kubernetes/index.ts';
import { type ApiClient, CONFIG_MAPS, LEASES } from '../../../src/kube/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { HANDLES_VERBS, jobRole, LEASE_VERBS } from '../../../src/resources/index.ts';
import { failureOf } from '../../builders/failure-of.ts';
import { AJob, aCheckpoint, granted, JOB } from '../../builders/ha.ts';
import { aPodOf } from '../../builders/job-facts.ts';
import { aClient, aConfigMap, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

interface PolicyRule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The Role of a job, or one that lacks a verb. */
const roleOf = (job: string, without: { readonly resource?: string; readonly verb?: string } = {}) => {
  const rules = jobRole(aPodOf({}, { name: job }))['rules'] as PolicyRule[];
  return rules.map((rule) => ({
    ...rule,
    verbs: rule.verbs.filter((verb) => !rule.resources.includes(without.resource ?? '') || verb !== without.verb),
  }));
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
  expect(used('configmaps').sort()).toEqual([...HANDLES_VERBS].sort());
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
