/** What becomes of the bytes of a job, on a real API server, with its pods run as processes: swept while it runs, removed with it. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as anyTest, expect } from 'vitest';
import { POD_VARIABLES } from '../../../src/api/index.ts';
import { NAMESPACES, PODS } from '../../../src/kube/index.ts';
import { decodeStorageOrder } from '../../../src/lib/storage-work.ts';
import { storagePodName } from '../../../src/resources/index.ts';
import { AppliedJob } from '../../builders/flinkjob-operator.ts';
import { anOperatedJob, runsIn } from '../../builders/operated-job.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { playedJobs } from '../../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

interface PodSpec {
  readonly containers: readonly { readonly env?: readonly { readonly name: string; readonly value?: string }[] }[];
}

const filesOf = ({ storageUri }: AppliedJob): string[] => {
  const directory = fileURLToPath(storageUri);
  return existsSync(directory) ? readdirSync(directory, { encoding: 'utf8' }).sort() : [];
};

test('garbage of earlier leaders goes while a job runs, and all lives of its state go with it; a savepoint stays', async () => {
  const { namespace, operator, job } = await anOperatedJob(cluster!);
  await job.apply({ deletion: { storage: 'Delete' }, upgrade: { mode: 'Stateless' } });
  const first = await job.until(({ checkpoint }) => checkpoint?.latest !== undefined);
  // Of a leader that died before it could publish what it had begun.
  const garbage = join(fileURLToPath(job.storageUri), `${first.jobId}`, 'chk-99-1-abcdef');
  mkdirSync(garbage);
  writeFileSync(join(garbage, 'v-0.state'), 'x');
  await job.client.delete(PODS, { namespace, name: 'counts-1-0' }, { signal });
  await expect.poll(() => existsSync(garbage), { timeout: 30_000 }).toBe(false);
  await job.apply({ args: [job.gate, 'more'] });
  const second = await job.until(runsIn(2));
  expect(filesOf(job)).toEqual([first.jobId, second.jobId].sort());
  await job.delete();
  await job.untilGone();
  expect(filesOf(job)).toEqual([expect.stringMatching(/^savepoint-/)]);
  const note = expect.stringMatching(/ files of it, \d+ bytes, are removed .* newest state lies at .*savepoint-/);
  expect(operator.told.at(-1)).toMatchObject({ type: 'Normal', reason: 'Cleanup', note });
});

test('bytes that no pod can be made to remove stay, and an Event says where', async () => {
  const { operator, simulator, job } = await anOperatedJob(cluster!);
  await job.apply({ deletion: { mode: 'Cancel', storage: 'Delete', timeout: '3s' } });
  const { jobId } = await job.until(({ checkpoint }) => checkpoint?.latest !== undefined);
  simulator.failImagePull('counts-storage-remove');
  await job.delete();
  await job.untilGone();
  expect(filesOf(job)).toEqual([jobId]);
  const note = expect.stringContaining(`${job.storageUri}/${jobId}`) as string;
  expect(operator.told.at(-1)).toMatchObject({ type: 'Warning', reason: 'CleanupFailed', note });
});

test('in a namespace that is being removed no savepoint is taken and nothing is made, and the job goes', async () => {
  const { namespace, operator } = await anOperatedJob(cluster!, { played: playedJobs() });
  const [told, untold] = [new AppliedJob(cluster!, namespace, 'told'), new AppliedJob(cluster!, namespace, 'untold')];
  for (const job of [told, untold]) await job.apply();
  for (const job of [told, untold]) await job.phase('Running');
  await told.client.delete(NAMESPACES, { name: namespace }, { signal });
  // Its pod is taken away before it is told: what is to take its place cannot be made.
  await told.client.delete(PODS, { namespace, name: 'told-1-0' }, { signal });
  await expect.poll(() => told.pods(), { timeout: 20_000 }).toEqual([]);
  for (const job of [told, untold]) await job.delete();
  for (const job of [told, untold]) await job.untilGone();
  const steps = (of: AppliedJob, step: string) =>
    operator.lines.filter((line) => line.includes(`/${of.name}"`) && line.includes(`"step":"${step}"`)).length;
  // The one it ran in, and the one that was refused.
  expect(steps(told, 'makePods')).toBe(2);
  expect(steps(untold, 'stopWithSavepoint')).toBe(0);
  const reasons = operator.told.filter(({ reason }) => reason !== 'Submit' && reason !== 'JobStatusChanged');
  expect(reasons.map(({ reason }) => reason)).toEqual(['Cleanup', 'Cleanup']);
  expect(operator.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
});

test('what another FlinkJob began from is not among what is removed, and the Event says so', async () => {
  const { namespace, operator, simulator, job } = await anOperatedJob(cluster!, { played: playedJobs() });
  const other = new AppliedJob(cluster!, namespace, 'other');
  await job.apply({ deletion: { mode: 'Cancel', storage: 'Delete' } });
  const { jobId } = await job.phase('Running');
  await other.apply({ state: 'Suspended', restoreFrom: `${job.storageUri}/${jobId}/chk-1-2-abcdef` });
  await other.phase('Suspended');
  await job.delete();
  await job.untilGone();
  // The pod itself may have gone with its job by now.
  const { object } = await simulator.pod(storagePodName(job.name, 'removeBytes'));
  const [main] = (object.spec as unknown as PodSpec).containers;
  const order = main?.env?.find(({ name }) => name === POD_VARIABLES.storageOrder)?.value ?? '';
  expect(decodeStorageOrder(order)).toMatchObject({ attempts: 1, jobIds: [jobId], keep: [jobId] });
  expect(operator.told.at(-1)).toMatchObject({ note: expect.stringContaining(`began from ${jobId}, which stays`) });
});
