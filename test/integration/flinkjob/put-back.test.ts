/**
 * ConfigMap `<job>-ha` put back from an older copy, on a real API server, its job run as processes: whatever it says, nothing that
 * was is used again, and the job goes on from its newest checkpoint.
 */
import { test as anyTest, expect } from 'vitest';
import { checkpointIdOf } from '../../../src/ha/index.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../../src/kube/index.ts';
import { anOperatedJob, hasCheckpointed, restoredBy, runsIn } from '../../builders/operated-job.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const signal = new AbortController().signal;

async function setUp() {
  const operated = await anOperatedJob(cluster!);
  const { namespace, job } = operated;
  const ref = { namespace, name: `${job.name}-ha` };
  const read = async () => (await job.client.get(CONFIG_MAPS, ref, { signal }))!;
  return { ...operated, ref, read };
}

const newestIn = ({ data = {} }: ConfigMap): number => Math.max(...Object.keys(data).map(checkpointIdOf));
const epochIn = ({ metadata }: ConfigMap): number => Number(metadata?.annotations?.['flinkjob.dev/epoch']);

/** As `kubectl get -o yaml` has it, without what a server gives. */
function copyOf({ metadata = {}, data = {} }: ConfigMap): ConfigMap {
  const { namespace = '', name = '', labels = {}, annotations = {} } = metadata;
  return { metadata: { namespace, name, labels, annotations }, data };
}

test('one whose content is put back ends its leader, and the next one goes on from the newest checkpoint in storage', async () => {
  const { simulator, job, read } = await setUp();
  await job.apply();
  await job.phase('Running');
  await expect.poll(async () => newestIn(await read()), { timeout: 30_000 }).toBeGreaterThan(0);
  const old = copyOf(await read());
  await expect.poll(async () => newestIn(await read()), { timeout: 30_000 }).toBeGreaterThan(newestIn(old) + 3);
  const before = await read();
  // Without a version it is written over whatever is there; the object stays the same one.
  await job.client.replace(CONFIG_MAPS, old, { signal });
  expect((await read()).metadata?.uid).toBe(before.metadata?.uid);
  const leader = await simulator.pod('counts-1-0');
  await leader.until((pod) => pod.hasEnded);
  // It is refused a write, sees the older version by itself, or is asked to go by the operator who saw it: what comes first.
  expect([12, 14]).toContain(leader.terminated?.exitCode);
  expect(leader.terminated?.message).toMatch(/lostLeadership|stopped/);
  const { attempt } = await job.until(({ phase, attempt: now }) => phase === 'Running' && now?.leader !== 'counts-1-0');
  expect(restoredBy(await simulator.pod(attempt?.leader ?? ''))?.['checkpointId']).toBeGreaterThanOrEqual(
    newestIn(before),
  );
  const after = await read();
  expect(epochIn(after)).toBeGreaterThan(epochIn(before));
  // The old pointers are gone until it has a checkpoint of its own.
  await expect.poll(async () => newestIn(await read()), { timeout: 30_000 }).toBeGreaterThan(newestIn(before));
});

test('one that was deleted and made again from a copy of an earlier attempt brings no attempt back, and no epoch', async () => {
  const { operator, simulator, job, ref, read } = await setUp();
  await job.apply();
  await job.until(hasCheckpointed(1));
  const old = copyOf(await read());
  await job.apply({ triggers: { restart: 1 } });
  await job.until(runsIn(2));
  await expect.poll(async () => newestIn(await read()), { timeout: 30_000 }).toBeGreaterThan(newestIn(old) + 1);
  const before = await read();
  await job.client.delete(CONFIG_MAPS, ref, { signal });
  await job.client.create(CONFIG_MAPS, old, { signal });
  const { jobId, attempt } = await job.until(runsIn(3));
  expect(old.data?.['ledger']).toContain(jobId);
  expect(attempt?.epoch).toBeGreaterThan(epochIn(before));
  expect(restoredBy(await simulator.pod('counts-3-0'))?.['checkpointId']).toBeGreaterThanOrEqual(newestIn(before));
  const told = operator.told.filter(({ reason }) => reason === 'RestoreFallback');
  expect(told).toEqual([expect.objectContaining({ note: expect.stringContaining('put back from an older copy') })]);
  // The trigger was answered: what the older copy does not know of, status does.
  expect(JSON.parse((await read()).data?.['ledger'] ?? '{}').handled).toMatchObject({ restart: 1 });
});
