/** Operators as pods run them, each a process: one after another over the same jobs, killed or of another version; and one over many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, expect } from 'vitest';
import { numberFromEnvironment } from '../../../scripts/number-from-environment.ts';
import { CONFIG_MAPS, FLINK_JOBS, type FlinkJobObject, PODS } from '../../../src/kube/index.ts';
import { AppliedJob, definedFlinkJobs } from '../../builders/flinkjob-operator.ts';
import { aClient, tokenConnection } from '../../builders/kube.ts';
import { aNodeSimulator } from '../../builders/node-simulator.ts';
import {
  anotherVersion,
  OperatorProcess,
  PLACES,
  podVariables,
  startOperator,
} from '../../builders/operator-process.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { type AuditEvent, clusterForTests } from '../../cluster/index.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

/** Played jobs in so many namespaces, all of one name and with one storage. */
async function setUp(count: number) {
  await definedFlinkJobs(cluster!);
  const namespaces = await Promise.all(Array.from({ length: count }, () => cluster!.namespace()));
  await aNodeSimulator(cluster!, { namespaces, played: playedJobs() });
  return { namespaces, jobs: namespaces.map((namespace) => new AppliedJob(cluster!, namespace)) };
}

const podsOf = async ({ client, namespace }: AppliedJob) =>
  (await client.list(PODS, { signal, namespace })).items.map(({ metadata, spec }) => ({
    uid: metadata?.uid,
    image: (spec as { containers?: readonly { image?: string }[] } | undefined)?.containers?.[0]?.image,
  }));

const LEASE_MS = 2_000;
/** After the lease has run out: what the Apache operator takes, whose lease is of 15 s. */
const MOST_AFTER_MS = 4_400;
const ELECTION = [
  ...['--leader-election-lease-duration', `${LEASE_MS}ms`],
  ...['--leader-election-renew-deadline', '1500ms', '--leader-election-retry-period', '200ms'],
];
const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

test('a leader that is killed is followed when its lease has run out, and neither writes again nor has a job restarted', async () => {
  const { namespaces, jobs } = await setUp(1);
  const [namespace = ''] = namespaces;
  const [job] = jobs as [AppliedJob];
  const replica = async (name: string) => {
    const user = await cluster!.serviceAccount(namespace, name);
    const adminToken = await cluster!.tokenFor(namespace, name);
    return { user, operator: startOperator({ ...cluster!.access, adminToken }, namespace, ...ELECTION) };
  };
  const first = await replica('first');
  await first.operator.says('leads');
  const second = await replica('second');
  await second.operator.says('stands by for the lease');
  await second.operator.isReady();
  await job.apply();
  const before = await job.phase('Running');
  const pods = await podsOf(job);
  const killedAt = Date.now();
  first.operator.kill('SIGKILL');
  await job.apply({ deletion: { mode: 'Cancel' } });
  await job.phase('Running', LEASE_MS + MOST_AFTER_MS);

  const isWrite = ({ verb, user, responseStatus, objectRef }: AuditEvent) =>
    WRITES.includes(verb) && (responseStatus?.code ?? 0) < 300 && objectRef?.resource !== 'events' && user.username;
  const ofSecond = (event: AuditEvent) => isWrite(event) === second.user;
  const [write] = await cluster!.auditEventsOnceThere(1, (event) => ofSecond(event) && isOfJob(event));
  const writtenAt = Date.parse(write?.requestReceivedTimestamp ?? '');
  expect(writtenAt - killedAt).toBeGreaterThan(LEASE_MS / 2);
  expect(writtenAt - killedAt).toBeLessThan(LEASE_MS + MOST_AFTER_MS);
  const ofFirst = cluster!.auditEvents((event) => isWrite(event) === first.user);
  expect(ofFirst.length).toBeGreaterThan(0);
  expect(ofFirst.filter((event) => Date.parse(event.requestReceivedTimestamp) >= writtenAt)).toEqual([]);
  expect(await job.status()).toMatchObject({ attempt: before.attempt, restarts: { count: 0 } });
  expect(await podsOf(job)).toEqual(pods);
});

const isOfJob = ({ objectRef }: AuditEvent) => objectRef?.resource === 'flinkjobs';

test('another version with other settings takes over: it looks after one more namespace, and no job restarts', async () => {
  const { namespaces, jobs } = await setUp(2);
  const [own = ''] = namespaces;
  const [job, other] = jobs as [AppliedJob, AppliedJob];
  const start = (settings: string, command?: string) => {
    const file = join(aTemporaryDirectory(), 'operator.yaml');
    writeFileSync(file, settings);
    return new OperatorProcess(['--config', file, ...PLACES], podVariables(cluster!.access, own), command);
  };
  const before = start(`watch: { namespaces: [${own}] }`, anotherVersion('0.0.1'));
  await before.says('leads');
  for (const each of jobs) await each.apply({ storage: { uri: 's3://bucket/jobs' } });
  const running = await job.phase('Running');
  const pods = await podsOf(job);
  expect(pods).toMatchObject([{ image: 'flinkjob:0.0.1' }]);
  expect(await other.status()).toMatchObject({ observedGeneration: -1 });

  const after = start(`watch: { namespaces: [${namespaces}] }\nlog: { level: debug }`);
  await after.isReady();
  before.kill('SIGTERM');
  const added = await other.phase('Running', 20_000);
  expect((await before.ended).code).toBe(0);
  expect(added.jobId).not.toBe(running.jobId);
  expect(await podsOf(other)).not.toMatchObject(pods.map(({ image }) => ({ image })));

  await job.apply({ deletion: { mode: 'Cancel' } });
  const still = await job.phase('Running', 20_000);
  expect(still).toMatchObject({ attempt: running.attempt, revision: running.revision, restarts: { count: 0 } });
  expect(still.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  expect(await podsOf(job)).toEqual(pods);
  const levels = [before, after].map(({ log }) => log.some(({ level }) => level === 'debug'));
  expect(levels).toEqual([false, true]);
});

/** JOBS=1000 for the whole of it. */
const JOBS = numberFromEnvironment('JOBS', 10);
const MOST_FOR_ALL_MS = 300_000;
const SPEC = {
  typescript: { module: 'job.js' },
  storage: { uri: 's3://bucket/jobs' },
  highAvailability: { standbys: 0 },
  deletion: { mode: 'Cancel' },
};

test('jobs that are applied all at once all run in time, and end in time', {
  timeout: 2 * MOST_FOR_ALL_MS,
}, async () => {
  const { namespaces } = await setUp(1);
  const [namespace = ''] = namespaces;
  const operator = startOperator(cluster!.access, namespace);
  await operator.says('leads');
  const client = aClient(tokenConnection(cluster!), { fieldManager: 'kubectl' });
  const refs = Array.from({ length: JOBS }, (_, at) => ({ namespace, name: `counts-${at}` }));
  const all = async () => (await client.list(FLINK_JOBS, { signal, namespace })).items;
  const inTime = { timeout: MOST_FOR_ALL_MS, interval: 200 };
  for (const metadata of refs) await client.apply(FLINK_JOBS, { metadata, spec: SPEC } as FlinkJobObject, { signal });
  const running = async () => (await all()).filter(({ status }) => status?.phase === 'Running').length;
  await expect.poll(running, inTime).toBe(JOBS);
  expect((await all()).filter(({ status }) => status?.attempt?.number !== 1)).toEqual([]);
  for (const ref of refs) await client.delete(FLINK_JOBS, ref, { signal });
  await expect.poll(async () => (await all()).length, inTime).toBe(0);
  const { items } = await client.list(CONFIG_MAPS, { signal, namespace });
  expect(items.filter(({ metadata }) => metadata?.name?.endsWith('-ha'))).toEqual([]);
});
