/** The life of a FlinkJob on a real API server, its pods run as processes: from kubectl apply to deletion. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test as anyTest, expect } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { checkpointIdOf } from '../../../src/ha/index.ts';
import { CONFIG_MAPS, FLINK_JOBS, PODS } from '../../../src/kube/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { AppliedJob, anOperator } from '../../builders/flinkjob-operator.ts';
import { anOperatedJob, hasCheckpointed, restoredBy, runsIn } from '../../builders/operated-job.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

const setUp = () => anOperatedJob(cluster!);

const conditionsOf = ({ conditions = [] }: FlinkJobStatus) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

const handlesOf = ({ client, namespace, name }: AppliedJob) =>
  client.get(CONFIG_MAPS, { namespace, name: `${name}-ha` }, { signal });

/** Directories in the storage of a job that begin so. */
const storedIn = ({ storageUri }: AppliedJob, prefix: string): string[] => {
  const directory = fileURLToPath(storageUri);
  return existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.split('/').at(-1)?.startsWith(prefix),
      )
    : [];
};

/** The id of the newest checkpoint of a job that runs, once that is another than the one in its status. */
async function furtherThanTold(job: AppliedJob): Promise<number> {
  const told = (await job.until(hasCheckpointed(1))).checkpoint?.latest?.id ?? 0;
  const newest = async () => Math.max(...Object.keys((await handlesOf(job))?.data ?? {}).map(checkpointIdOf));
  await eventually(async () => (await newest()) > told);
  return newest();
}

test('a job is applied, runs, finishes, and is removed; only an edit of what runs has it run again', async () => {
  const { operator, job } = await setUp();
  await job.apply();
  const running = await job.phase('Running');
  expect(running).toMatchObject({
    runtime: 'typescript',
    attempt: { number: 1, leader: 'counts-1-0' },
    tasks: { running: 1, total: 1 },
    restarts: { count: 0 },
  });
  expect(conditionsOf(running)).toMatchObject({ Ready: 'True Succeeded' });
  writeFileSync(job.gate, '');
  const finished = await job.phase('Succeeded');
  expect(conditionsOf(finished)).toMatchObject({ Ready: 'True Finished' });
  await job.apply({ deletion: { mode: 'Cancel' } });
  expect(await job.phase('Succeeded')).toMatchObject({ attempt: { number: 1 } });
  await job.apply({ parallelism: 2 });
  await job.until(({ phase, attempt }) => phase === 'Succeeded' && attempt?.number === 2);
  await job.delete();
  await job.untilGone();
  expect(await handlesOf(job)).toBeUndefined();
  expect(operator.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  const told = operator.told.map(({ reason }) => reason);
  expect(told.slice(0, 3)).toEqual(['Submit', 'JobStatusChanged', 'JobStatusChanged']);
  expect(told.at(-1)).toBe('Cleanup');
});

test('a job is suspended and resumed from its newest checkpoint, and says which that is', async () => {
  const { operator, job } = await setUp();
  await job.apply({ checkpoints: { interval: '300ms' } });
  const known = await furtherThanTold(job);
  await job.apply({ state: 'Suspended' });
  const suspended = await job.phase('Suspended');
  expect(conditionsOf(suspended)).toMatchObject({ Ready: 'True Suspended' });
  const { id = 0, uri = '' } = suspended.checkpoint?.latest ?? {};
  expect(id).toBeGreaterThanOrEqual(known);
  expect(operator.told.find(({ reason }) => reason === 'Suspended')?.note).toContain(`is kept in ${uri}.`);
  expect(await job.pods()).toEqual([]);
  await job.apply({ state: 'Running' });
  const resumed = await job.until(runsIn(2));
  expect(resumed).toMatchObject({ jobId: suspended.jobId, restarts: { count: 0 } });
});

test('whoever deletes a job without a savepoint is told where its newest state lies', async () => {
  const { operator, job } = await setUp();
  await job.apply({ checkpoints: { interval: '300ms' }, deletion: { mode: 'Cancel' } });
  const known = await furtherThanTold(job);
  await job.delete();
  await job.untilGone();
  const note = operator.told.find(({ reason }) => reason === 'Cleanup')?.note ?? '';
  expect(Number(/ lies at \S+\/chk-(\d+)-/.exec(note)?.[1])).toBeGreaterThanOrEqual(known);
});

test('with mode Savepoint a job is suspended with one, and resumes from exactly that, under another operator', async () => {
  const { namespace, operator, simulator, job } = await setUp();
  await job.apply({ upgrade: { mode: 'Savepoint' } });
  await job.phase('Running');
  const { log } = await simulator.pod('counts-1-0');
  expect(new Set(log.map((line) => line.job))).toEqual(new Set([`${namespace}/counts`]));
  await job.apply({ state: 'Suspended' });
  await job.phase('Suspended');
  expect(storedIn(job, 'savepoint-')).toHaveLength(1);
  // Told once the status is written: one that is stopped in between does not come to it.
  await eventually(() => operator.told.some(({ reason }) => reason === 'Suspended'));
  await operator.stop();
  const another = await anOperator(cluster!, { namespace });
  await job.apply({ state: 'Running' });
  await job.until(runsIn(2));
  const from = `${job.storageUri}/${storedIn(job, 'savepoint-')[0]}`;
  expect(restoredBy(await simulator.pod('counts-2-0'))).toMatchObject({ from });
  const reasons = () => [...operator.told, ...another.told].map(({ reason }) => reason);
  await expect
    .poll(reasons)
    .toEqual(['Submit', 'JobStatusChanged', 'SavepointCompleted', 'Suspended', 'Submit', 'JobStatusChanged']);
});

test('a changed spec runs with the state, a field that is hot changes nothing that runs', async () => {
  const { job } = await setUp();
  await job.apply();
  const before = await job.until(hasCheckpointed(1));
  await job.apply({ restart: { none: {} }, deletion: { mode: 'Cancel' } });
  expect(await job.phase('Running')).toMatchObject({ attempt: { number: 1 }, revision: before.revision });
  const annotations = { 'reconcile.fluxcd.io/requestedAt': '2026-01-02T03:04:05.678Z' };
  await job.client.mergePatch(
    FLINK_JOBS,
    { namespace: job.namespace, name: job.name },
    { metadata: { annotations } },
    { signal },
  );
  await job.until(({ lastHandledReconcileAt }) => lastHandledReconcileAt === '2026-01-02T03:04:05.678Z');
  await job.apply({ args: [job.gate, 'more'] });
  const after = await job.until(runsIn(2));
  expect(after.jobId).toBe(before.jobId);
  expect(after.revision).not.toBe(before.revision);
  expect(after.revision).toBe(after.desiredRevision);
  await job.until(({ upgrade }) => upgrade === undefined);
});

test('an upgrade without state begins another life of it', async () => {
  const { job } = await setUp();
  await job.apply({ upgrade: { mode: 'Stateless' } });
  const before = await job.until(hasCheckpointed(1));
  await job.apply({ args: [job.gate, 'more'] });
  const after = await job.until(runsIn(2));
  expect(after.jobId).not.toBe(before.jobId);
});

test('deletion takes a savepoint first, and says where it lies: another job begins from exactly that', async () => {
  const { namespace, operator, simulator, job } = await setUp();
  await job.apply();
  await job.phase('Running');
  await job.delete();
  await job.untilGone();
  expect(storedIn(job, 'savepoint-')).toHaveLength(1);
  const from = `${job.storageUri}/${storedIn(job, 'savepoint-')[0]}`;
  expect(operator.told.at(-1)).toMatchObject({ reason: 'Cleanup', note: expect.stringContaining(from) });
  const other = new AppliedJob(cluster!, namespace, 'others');
  await other.apply({ restoreFrom: from });
  await other.until(hasCheckpointed(1));
  expect(restoredBy(await simulator.pod('others-1-0'))).toMatchObject({ from });
});

test('an orphaned job leaves its pointers, and another one of its name goes on from them', async () => {
  const { namespace, operator, job } = await setUp();
  await job.apply({ deletion: { mode: 'Orphan' } });
  const { jobId } = await job.until(hasCheckpointed(1));
  await job.delete();
  await job.untilGone();
  expect(await handlesOf(job)).toBeDefined();
  await operator.stop();
  await anOperator(cluster!, { namespace });
  await job.apply();
  const again = await job.until(hasCheckpointed(2));
  expect(again).toMatchObject({ jobId, attempt: { number: 2 } });
});

test('a savepoint that a trigger asks for is taken once; scaled down then, the job goes on from a checkpoint', async () => {
  const { namespace, operator, simulator, job } = await setUp();
  await job.apply({ parallelism: 2 });
  const { jobId } = await job.until(hasCheckpointed(1));
  await job.apply({ triggers: { savepoint: 3 } });
  const { savepoints } = await job.until(({ handledTriggers }) => handledTriggers?.savepoint === 3);
  expect(savepoints).toMatchObject([{ trigger: 3, state: 'Completed', uri: expect.stringContaining('savepoint-') }]);
  await job.apply({ triggers: { savepoint: 2 } });
  await job.phase('Running');
  expect(storedIn(job, 'savepoint-')).toHaveLength(1);
  // As an autoscaler does.
  const scale = `/apis/flinkjob.dev/v1alpha1/namespaces/${namespace}/flinkjobs/counts/scale`;
  await cluster!.call('PATCH', scale, { spec: { replicas: 1 } }, 'application/merge-patch+json');
  const scaled = await job.until(runsIn(2));
  expect(scaled).toMatchObject({ jobId, parallelism: 1, restarts: { count: 0 } });
  expect(restoredBy(await simulator.pod('counts-2-0'))).toBeDefined();
  await expect.poll(() => operator.told.map(({ reason }) => reason)).toContain('Scaling');
});

test('a leader that is killed is followed by its standby within the attempt, and counts once', async () => {
  const { simulator, job } = await setUp();
  await job.apply({ highAvailability: { standbys: 1 } });
  const before = await job.until(hasCheckpointed(1));
  const leader = await simulator.pod(before.attempt?.leader ?? '');
  leader.kill();
  const after = await job.until(({ phase, attempt }) => phase === 'Running' && attempt?.leader !== leader.name);
  expect(after).toMatchObject({ jobId: before.jobId, attempt: { number: 1 }, restarts: { count: 1 } });
  expect(after.attempt?.epoch).toBeGreaterThan(before.attempt?.epoch ?? 0);
  // Another one stands by again.
  await expect.poll(async () => (await job.pods()).map(({ metadata }) => metadata?.name)).toContain('counts-1-2');
});

test('a pod that is deleted by hand counts for nothing, one that runs out of memory once; the state stays', async () => {
  const { operator, simulator, job } = await setUp();
  await job.apply({ restart: { fixedDelay: { delay: '100ms' } } });
  const before = await job.until(hasCheckpointed(1));
  await job.client.delete(PODS, { namespace: job.namespace, name: 'counts-1-0' }, { signal });
  const after = await job.until(({ phase, attempt }) => phase === 'Running' && attempt?.leader === 'counts-1-1');
  expect(after).toMatchObject({ jobId: before.jobId, attempt: { number: 1 }, restarts: { count: 0 } });
  const second = await simulator.pod('counts-1-1');
  second.killForMemory();
  const last = await job.until(({ phase, restarts }) => phase === 'Running' && restarts?.count === 1);
  expect(last.jobId).toBe(before.jobId);
  const third = await simulator.pod(last.attempt?.leader ?? '');
  for (const each of [second, third]) expect(restoredBy(each)?.['checkpointId']).toBeGreaterThan(0);
  const hasCompleted = () => third.log.some(({ message }) => message === 'completed a checkpoint');
  await expect.poll(hasCompleted, { timeout: 30_000 }).toBe(true);
  expect(operator.told.map(({ reason }) => reason)).toContain('OOMKilled');
});

const failing = (when: string) => `
import type { Job } from 'flinkjob';
import { existsSync } from 'node:fs';
export const job: Job = (env) => {
  env.fromSequence(0, 1_000_000_000).uid('numbers').map((value) => {
    if (${when}) throw new Error('the map has had enough');
    return value;
  }).uid('map');
};`;

test('a job that fails is restarted by its strategy, and given up when that says so', async () => {
  const { operator, job } = await setUp();
  await job.apply({
    typescript: { inline: failing('value > 10') },
    restart: { fixedDelay: { attempts: 1, delay: '200ms' } },
  });
  const failed = await job.phase('Failed');
  expect(failed).toMatchObject({ attempt: { number: 2 }, restarts: { count: 1 } });
  expect(failed.rootException).toContain('the map has had enough');
  expect(conditionsOf(failed)).toMatchObject({ Ready: 'False RestartsExhausted', Stalled: 'True RestartsExhausted' });
  const told = operator.told.map(({ reason }) => reason).filter((reason) => reason !== 'JobStatusChanged');
  expect(told).toEqual(['Submit', 'JobException', 'Submit', 'JobException']);
  await job.apply({ typescript: { inline: failing(`existsSync(env.args[0] ?? '')`) } });
  await job.until(runsIn(3));
});

test('a revision that does not become stable is rolled back to the last good one, once', async () => {
  const { operator, job } = await setUp();
  await job.apply();
  const good = await job.until(({ phase, checkpoint }) => phase === 'Running' && checkpoint !== undefined);
  await expect.poll(async () => stableOf(await handlesOf(job)), { timeout: 30_000 }).toBe(good.revision);
  await job.apply({ typescript: { inline: failing('value > 10') }, restart: { none: {} } });
  const back = await job.until(
    ({ phase, revision, upgrade }) => phase === 'Running' && revision === good.revision && upgrade === undefined,
  );
  expect(back.desiredRevision).not.toBe(good.revision);
  expect(back.jobId).toBe(good.jobId);
  expect(conditionsOf(back)).toMatchObject({ RolledBack: 'True RolledBack', Ready: 'False RolledBack' });
  expect(operator.told.map(({ reason }) => reason)).toContain('Rollback');
});

const stableOf = (handles: { data?: Readonly<Record<string, string>> } | undefined): string | undefined =>
  JSON.parse(handles?.data?.['ledger'] ?? '{}').revisions?.stable;

test('pointers that were deleted are made anew, and the job goes on from what its storage holds', async () => {
  const { operator, job } = await setUp();
  await job.apply();
  const before = await job.until(hasCheckpointed(1));
  await job.client.delete(CONFIG_MAPS, { namespace: job.namespace, name: 'counts-ha' }, { signal });
  const after = await job.until(runsIn(2));
  expect(after.jobId).toBe(before.jobId);
  expect(after.attempt?.epoch).toBeGreaterThan(before.attempt?.epoch ?? 0);
  expect(operator.told.map(({ reason }) => reason)).toContain('RestoreFallback');
});
