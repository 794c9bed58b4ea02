/**
 * A real Apache Flink with Kubernetes HA: what it writes is read while it runs, and a JobManager that starts on data which
 * was written here goes on from the checkpoint. Skipped where there is no Java; the run then says so.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, test as anyTest, beforeAll, expect } from 'vitest';
import type { HaRepair } from '../../../src/cli/ha-data/repair-ha.ts';
import type { HaVerification } from '../../../src/cli/ha-data/verification-record.ts';
import {
  decodeHandleText,
  encodeHandleText,
  flinkPathUri,
  type HaInspection,
  LEADER_ANNOTATION,
  MARKER_UIDS,
  pathOfFlinkUri,
} from '../../../src/flink/index.ts';
import { flinkjob } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { FlinkHaCluster, flinkUnavailable } from './flink-cluster.ts';

const say = (line: string): void => console.log(`real Flink: ${line}`);
const cluster = await clusterForTests();
const why = cluster === undefined ? 'there is no Kubernetes API server' : await flinkUnavailable(say);
if (why !== undefined) say(`skipped, for ${why}`);
const test = anyTest.skipIf(why !== undefined);
const CLUSTER_ID = 'flights';
const MERGE = 'application/merge-patch+json';

let namespace = '';
let flink: FlinkHaCluster;
let jobId = '';

beforeAll(async () => {
  if (why !== undefined) return;
  namespace = await cluster!.namespace();
  flink = new FlinkHaCluster(cluster!.access, namespace, CLUSTER_ID);
  await flink.start();
  jobId = await flink.submit();
  await flink.until('there are three checkpoints', async () => (await completed()) >= 3);
});

afterAll(() => flink?.stop());

const completed = async (): Promise<number> => (await flink.checkpoints(jobId)).latest.completed?.id ?? 0;

async function ha<R>(command: string, ...options: string[]): Promise<R> {
  const ran = await flinkjob(['ha', command, CLUSTER_ID, '--kubeconfig', flink.kubeconfig, ...options, '-o', 'json']);
  expect({ ...ran, stdout: '' }).toMatchObject({ code: 0 });
  return JSON.parse(ran.stdout) as R;
}
const inspected = (): Promise<HaInspection> => ha<HaInspection>('inspect');

test('what a running Flink has stored is read as its REST API tells it', async () => {
  const before = await flink.checkpoints(jobId);
  const { jobs, leaders, leases, findings, ...rest } = await inspected();
  const after = await flink.checkpoints(jobId);
  expect(rest).toMatchObject({ flinkVersions: ['2.0', '2.1', '2.2', '2.3'], clusterId: CLUSTER_ID, namespace });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);

  expect(jobs.map((job) => job.jobId)).toEqual([jobId]);
  const [{ checkpoints = [], counter = 0, executionPlan } = {}] = jobs;
  const newest = checkpoints.findLast(({ deleting }) => !deleting)?.id ?? 0;
  // A checkpoint may complete between the three looks.
  expect(newest).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
  expect(newest).toBeLessThanOrEqual((after.latest.completed?.id ?? 0) + 1);
  expect(counter).toBeGreaterThan(newest);
  expect(counter).toBeLessThanOrEqual(after.counts.total + 2);
  expect(executionPlan?.uri).toMatch(new RegExp(`^file:${flink.folder}/ha/${CLUSTER_ID}/submittedExecutionPlan`));

  const components = ['dispatcher', `job-${jobId}`, 'resourcemanager', 'restserver'];
  expect(leaders.map(({ component }) => component).sort()).toEqual(components);
  expect(new Set(leaders.map(({ sessionId }) => sessionId)).size).toBe(1);
  expect(leaders.find(({ component }) => component === 'restserver')?.address).toBe(flink.restAddress);
  expect(leases).toMatchObject([{ leaseDurationMs: 8_000, holderIdentity: expect.stringMatching(/^[0-9a-f-]{36}$/) }]);
});

test('while Flink writes and removes checkpoints, what is stored is found whole, every time', async () => {
  const from = await completed();
  let judged = 0;
  for (let round = 0; round < 200 && (await completed()) < from + 3; round++) {
    const { pointers, findings } = await ha<HaVerification>('verify');
    expect(findings.filter(({ severity }) => severity === 'error' || severity === 'warning')).toEqual([]);
    judged += pointers.filter(({ verdict, stateFiles }) => verdict === 'good' && (stateFiles ?? 0) > 0).length;
  }
  expect(judged).toBeGreaterThan(0);
});

test('while Flink leads, a repair is refused', async () => {
  const options = ['--kubeconfig', flink.kubeconfig, '--to-flink', '1.18', '--yes'];
  const { code, stderr } = await flinkjob(['ha', 'repair', CLUSTER_ID, ...options]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('a JobManager leads') });
});

test('a JobManager that starts on data which was written here goes on from the checkpoint', async () => {
  await flink.killJobManager();
  const stopped = await inspected();
  const checkpoint = stopped.jobs[0]?.checkpoints.findLast(({ deleting }) => !deleting);
  expect(checkpoint?.id).toBeGreaterThanOrEqual(3);

  // There and back: Flink 1.18 could read it in between, this one could not.
  await ha('repair', '--to-flink', '1.18', '--yes');
  const [older] = (await inspected()).jobs;
  expect(older?.executionPlan?.serialVersionUID).toBe(MARKER_UIDS[0]);
  expect(older?.checkpoints.map(({ serialVersionUID }) => serialVersionUID)).toContain(MARKER_UIDS[0]);
  await ha('repair', '--to-flink', '2.3.0', '--force', '--yes');
  expect((await inspected()).jobs).toEqual(stopped.jobs);

  // And values that Flink never wrote: both files are elsewhere, and ids go on from another number.
  await moveFile(`${CLUSTER_ID}-cluster-config-map`, `executionPlan-${jobId}`);
  await moveFile(`${CLUSTER_ID}-${jobId}-config-map`, checkpoint?.name ?? '');
  const counter = (checkpoint?.id ?? 0) + 1_000;
  await patchData(`${CLUSTER_ID}-${jobId}-config-map`, { counter: String(counter) });
  // And a lease that no JobManager could ever take, had it not been repaired.
  const annotations = { [LEADER_ANNOTATION]: null };
  await cluster!.call('PATCH', path(`${CLUSTER_ID}-cluster-config-map`), { metadata: { annotations } }, MERGE);
  const repaired = await ha<HaRepair>('repair', '--yes');
  expect(repaired.steps).toMatchObject([{ action: 'releaseLease', key: LEADER_ANNOTATION }]);
  const { findings } = await ha<HaVerification>('verify');
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);

  flink.startJobManager();
  await flink.until('checkpoints go on', async () => (await completed()) >= counter);
  const { latest } = await flink.checkpoints(jobId);
  expect(latest.restored?.id).toBe(checkpoint?.id);
  expect(latest.completed?.id).toBeLessThan(counter + 100);
  expect(flink.log).toMatch(new RegExp(`Restoring job ${jobId} from Checkpoint ${checkpoint?.id} `));
  const running = await inspected();
  expect(running.leaders[0]?.sessionId).not.toBe(stopped.leaders[0]?.sessionId);
  expect(running.jobs.map((job) => job.jobId)).toEqual([jobId]);
});

/** Gives the file behind a pointer another name in another directory, and writes the pointer anew. */
async function moveFile(configMap: string, key: string): Promise<void> {
  const { data } = await cluster!.call<{ data: Record<string, string> }>('GET', path(configMap));
  const { marker, stream } = decodeHandleText(data[key] ?? '', key);
  if (stream.in !== 'file') throw new Error(`${key} has no file`);
  const moved = join(flink.folder, `moved ${key}`);
  renameSync(pathOfFlinkUri(stream.uri), moved);
  const uri = flinkPathUri(`file://${flink.folder}`, `moved ${key}`);
  expect(uri).toContain('moved%20');
  await patchData(configMap, { [key]: encodeHandleText({ ...(marker && { marker }), stream: { ...stream, uri } }) });
}

async function patchData(configMap: string, data: Record<string, string>): Promise<void> {
  await cluster!.call('PATCH', path(configMap), { data }, MERGE);
}

const path = (configMap: string): string => `/api/v1/namespaces/${namespace}/configmaps/${configMap}`;
