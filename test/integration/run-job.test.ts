/**
 * The pod of a job, run as the process that its container runs, on a real API server and with the rights of its account:
 * two pods of an attempt, one leads, the other stands by and answers for it.
 */
import { test as anyTest, expect } from 'vitest';
import { POD_VARIABLES } from '../../src/api/index.ts';
import { aJobForPods, JOB } from '../builders/job-for-pods.ts';
import { aClient, tokenConnection } from '../builders/kube.ts';
import { aNodeSimulator } from '../builders/node-simulator.ts';
import { clusterForTests } from '../cluster/index.ts';
import { PODS, type Pod, type SimulatedPod } from '../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

const signal = new AbortController().signal;

/** What it left when it ended. */
const record = (pod: SimulatedPod): Record<string, unknown> => JSON.parse(pod.terminated?.message ?? '{}');

/** The body of an answer, once there is one with status 200. */
async function answer(pod: SimulatedPod, path: string): Promise<Record<string, unknown>> {
  const ask = () => fetch(`${pod.url}${path}`);
  const status = async () => (await ask().catch(() => undefined))?.status;
  await expect.poll(status, { timeout: 60_000, message: pod.output }).toBe(200);
  return (await ask()).json() as Promise<Record<string, unknown>>;
}

test('a standby is ready, answers for the leader, and takes over when that goes down in order', async () => {
  const { namespace, client, jobId, pod, leaseHolder, finish } = await aJobForPods(cluster!);
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace] });
  const first = await simulator.pod(await pod(0));
  await first.until((it) => it.isReady);
  const second = await simulator.pod(await pod(1));
  await second.until((it) => it.isReady);
  expect(await answer(second, '/readyz')).toEqual({ status: 'ready' });
  // It learns of the leader when it has read the object of the job.
  expect(await answer(second, `/jobs/${jobId}`)).toMatchObject({ jid: jobId, state: 'RUNNING' });
  expect(await leaseHolder()).toMatch(new RegExp(`^${first.uid}_`));
  const completed = async (): Promise<number> => {
    const { counts } = (await answer(first, `/jobs/${jobId}/checkpoints`)) as { counts?: { completed: number } };
    return counts?.completed ?? 0;
  };
  await expect.poll(completed, { timeout: 30_000 }).toBeGreaterThan(0);

  await client.delete(PODS, { namespace, name: first.name }, { signal });
  await first.until((it) => it.hasEnded);
  expect(first.terminated).toMatchObject({ exitCode: 14 });
  expect(record(first)).toMatchObject({ exitCode: 14, attempt: 1, outcome: 'stopped' });
  const restored = async (): Promise<number | undefined> => {
    const { latest } = (await answer(second, `/jobs/${jobId}/checkpoints`)) as {
      latest?: { restored?: { id: number } };
    };
    return latest?.restored?.id;
  };
  await expect.poll(restored, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(await answer(second, '/livez')).toEqual({ status: 'alive' });
  finish();
  await second.until((it) => it.hasEnded);
  expect(second.terminated).toMatchObject({ exitCode: 0 });
  const lines = second.log;
  expect(lines.every(({ job, attempt }) => job === `${namespace}/${JOB}` && attempt === 1)).toBe(true);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  const leads = lines.findIndex(({ message }) => message === 'leads the job');
  expect(leads).toBeGreaterThan(-1);
  expect(lines.slice(leads).filter(({ epoch }) => !(Number(epoch) > 1))).toEqual([]);
});

test('a pod that was told too little, or nonsense, says all of it in one line and ends with 13', async () => {
  const namespace = await cluster!.namespace();
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace] });
  const told = { [POD_VARIABLES.attempt]: 'first', [POD_VARIABLES.jobId]: 'abc', [POD_VARIABLES.since]: 'yesterday' };
  const env = Object.entries(told).map(([name, value]) => ({ name, value }));
  const containers = [{ name: 'job', image: 'example.org/counts:1', args: ['run-job'], env }];
  const manifest = { metadata: { namespace, name: 'lost' }, spec: { restartPolicy: 'Never', containers } };
  await aClient(tokenConnection(cluster!)).create(PODS, manifest as Pod, { signal });
  const pod = await simulator.pod('lost');
  await pod.until((it) => it.hasEnded);
  expect(pod.terminated).toMatchObject({ exitCode: 13 });
  expect(record(pod)).toMatchObject({ exitCode: 13, outcome: 'invalid' });
  const cause = String(record(pod)['cause']);
  for (const named of [POD_VARIABLES.attempt, POD_VARIABLES.resource, POD_VARIABLES.since])
    expect(cause).toContain(named);
  expect(pod.log).toHaveLength(1);
});
