/** The node simulator: what it makes of pods on a real API server, against what a kubelet makes of them. */
import { test as anyTest, expect } from 'vitest';
import { FlinkClient } from '../../src/flink/index.ts';
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import { type ApiClient, CONFIG_MAPS, defineResource, type KubeObject } from '../../src/kube/index.ts';
import { MAIN_CONTAINER } from '../../src/resources/index.ts';
import { aJobForPods, JOB } from '../builders/job-for-pods.ts';
import { aClient, aProxy, tokenConnection } from '../builders/kube.ts';
import { aNodeSimulator } from '../builders/node-simulator.ts';
import { clusterForTests } from '../cluster/index.ts';
import { NODES, PODS, type Pod, playedJobs, SIMULATOR_USER, type SimulatedPod } from '../node-simulator/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

const signal = new AbortController().signal;

const SECRETS = defineResource<KubeObject & { data: object }>('v1', 'Secret', 'secrets');

const ask = async (pod: SimulatedPod, path: string): Promise<Record<string, unknown>> =>
  (await fetch(`${pod.url}${path}`)).json() as Promise<Record<string, unknown>>;

test('a leader and a standby run, each at the address of its pod, and one succeeds the other that was killed', async () => {
  const { namespace, client, jobId, pod, leaseHolder, emptyLease, finish } = await aJobForPods(cluster!);
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace] });
  const first = await (await simulator.pod(await pod(0))).until((it) => it.isReady);
  const second = await (await simulator.pod(await pod(1))).until((it) => it.isReady);
  expect(await ask(first, `/jobs/${jobId}`)).toMatchObject({ jid: jobId, state: 'RUNNING' });
  await expect.poll(() => ask(second, `/jobs/${jobId}`), { timeout: 30_000 }).toMatchObject({ state: 'RUNNING' });
  expect(await leaseHolder()).toMatch(new RegExp(`^${first.uid}_`));
  const seen = await client.get(PODS, { namespace, name: `${JOB}-1-1` }, { signal });
  expect(seen?.status).toMatchObject({
    phase: 'Running',
    podIP: new URL(second.url).hostname,
    containerStatuses: [{ name: MAIN_CONTAINER, ready: true, state: { running: {} } }],
  });
  expect(first.node).not.toBe(second.node);
  const account = `system:serviceaccount:${namespace}:${JOB}-pods`;
  const writes = await cluster!.auditEventsOnceThere(1, (event) => event.user.username === account);
  expect(writes.every(({ objectRef }) => objectRef?.namespace === namespace)).toBe(true);
  const binding = await cluster!.auditEventsOnceThere(
    2,
    ({ user, objectRef }) => user.username === SIMULATOR_USER && objectRef?.namespace === namespace,
  );
  expect(binding.map(({ objectRef }) => objectRef?.subresource)).toContain('binding');

  first.kill();
  await first.until((it) => it.hasEnded);
  expect(first.status).toMatchObject({
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode: 137 } } }],
  });
  await emptyLease();
  await expect.poll(() => ask(second, `/jobs/${jobId}`), { timeout: 30_000 }).toMatchObject({ state: 'RUNNING' });
  finish();
  await second.until((it) => it.hasEnded);
  expect(second.status).toMatchObject({
    phase: 'Succeeded',
    containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
  });
});

test('a pod of a job reaches the server where it is told to, stops in order when it is deleted, and is gone', async () => {
  const { namespace, client, pod } = await aJobForPods(cluster!);
  const proxy = await aProxy(cluster!);
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace], podsReachServerAt: proxy.url });
  const first = await (await simulator.pod(await pod(0))).until((it) => it.isReady);
  const users = new Set(proxy.requests.map(({ identity }) => identity));
  expect([...users]).toEqual([`system:serviceaccount:${namespace}:${JOB}-pods`]);
  await client.delete(PODS, { namespace, name: first.name }, { signal });
  await gone(client, namespace, first.name);
  expect(first.terminated).toMatchObject({ exitCode: 14, reason: 'Error' });
  expect(JSON.parse(first.terminated?.message ?? '')).toMatchObject({ outcome: 'stopped', attempt: 1 });
});

const gone = (client: ApiClient, namespace: string, name: string) =>
  expect.poll(() => client.get(PODS, { namespace, name }, { signal }), { timeout: 30_000 }).toBeUndefined();

/** A namespace with a simulator, and small pods in it. */
async function aPlace(options: Partial<Parameters<typeof aNodeSimulator>[1]> = {}) {
  const namespace = await cluster!.namespace();
  const client = aClient(tokenConnection(cluster!));
  const simulator = await aNodeSimulator(cluster!, { ...options, namespaces: [namespace] });
  const make = (name: string, command: string, more: { spec?: object; container?: object } = {}) => {
    const container = { name: 'main', image: 'example.org/small:1', command: ['sh', '-c', command], ...more.container };
    const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [container], ...more.spec };
    return client.create(PODS, { metadata: { namespace, name }, spec } as Pod, { signal });
  };
  /** A pod, as soon as the simulator knows it. */
  const aPod = async (name: string, command = 'exec sleep 600', more = {}): Promise<SimulatedPod> => {
    await make(name, command, more);
    return simulator.pod(name);
  };
  const seen = async (name: string) => (await client.get(PODS, { namespace, name }, { signal }))?.status;
  return { namespace, client, simulator, make, aPod, seen };
}

test('a container says by its exit code and its message how it ended', async () => {
  const { aPod, seen } = await aPlace();
  const pod = await aPod('a', 'printf done > "$FLINKJOB_TERMINATION_LOG"; exit 3');
  await pod.until((it) => it.hasEnded);
  expect(await seen('a')).toMatchObject({
    phase: 'Failed',
    containerStatuses: [{ ready: false, state: { terminated: { exitCode: 3, reason: 'Error', message: 'done' } } }],
  });
});

test('of a message 4096 bytes are kept', async () => {
  const { aPod } = await aPlace();
  const pod = await aPod('a', 'printf "%05000d" 7 > "$FLINKJOB_TERMINATION_LOG"');
  await pod.until((it) => it.hasEnded);
  expect(pod.terminated).toMatchObject({ exitCode: 0, message: '0'.repeat(4_096) });
});

test('a container that ends badly without a message leaves the end of its log, where the manifest says so', async () => {
  const { aPod } = await aPlace();
  const fallsBack = { container: { terminationMessagePolicy: 'FallbackToLogsOnError' } };
  const [told, silent] = [
    await aPod('a', 'echo broken >&2; exit 1', fallsBack),
    await aPod('b', 'echo no >&2; exit 1'),
  ];
  await told.until((it) => it.hasEnded);
  await silent.until((it) => it.hasEnded);
  expect(told.terminated?.message).toBe('broken\n');
  expect(silent.terminated?.message).toBeUndefined();
});

test('variables come from values, fields, ConfigMaps and Secrets, and files of mounts are where they say', async () => {
  const { namespace, client, aPod } = await aPlace();
  const metadata = { namespace };
  await client.create(CONFIG_MAPS, { metadata: { ...metadata, name: 'settings' }, data: { word: 'salt' } }, { signal });
  const data = { KEY: Buffer.from('pepper').toString('base64') };
  await client.create(SECRETS, { metadata: { ...metadata, name: 'keys' }, data }, { signal });
  const container = {
    env: [
      { name: 'FILE', value: '/etc/settings/word' },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'GREETING', value: 'I am $(NAME)' },
      { name: 'WORD', valueFrom: { configMapKeyRef: { name: 'settings', key: 'word' } } },
    ],
    envFrom: [{ secretRef: { name: 'keys' } }],
    volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }],
  };
  const spec = { volumes: [{ name: 'settings', configMap: { name: 'settings' } }] };
  const print = 'echo "$GREETING, $WORD, $KEY, $(cat $FILE)" > "$FLINKJOB_TERMINATION_LOG"';
  const containers = [{ name: 'main', image: 'example.org/small:1', command: ['sh', '-c', print], ...container }];
  const pod = await aPod('a', '', { spec: { ...spec, containers } });
  await pod.until((it) => it.hasEnded);
  expect(pod.terminated?.message).toBe('I am a, salt, pepper, salt\n');
});

test('a pod waits for what its mounts and its variables name', async () => {
  const { namespace, client, aPod, seen } = await aPlace();
  const volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
  const volumeMounts = [{ name: 'settings', mountPath: '/etc/settings' }];
  const mounts = await aPod('a', 'true', { container: { volumeMounts }, spec: { volumes } });
  const reads = await aPod('b', 'true', { container: { envFrom: [{ configMapRef: { name: 'settings' } }] } });
  await reads.until((it) => it.waitingReason === 'CreateContainerConfigError');
  await mounts.until((it) => it.waitingReason === 'ContainerCreating');
  expect(await seen('a')).toMatchObject({ phase: 'Pending' });
  await client.create(CONFIG_MAPS, { metadata: { namespace, name: 'settings' }, data: {} }, { signal });
  await mounts.until((it) => it.status?.phase === 'Succeeded');
  await reads.until((it) => it.status?.phase === 'Succeeded');
});

test('a process that runs out of memory is OOMKilled', async () => {
  const { aPod } = await aPlace();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  pod.killForMemory();
  await pod.until((it) => it.hasEnded);
  expect(pod.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
});

test('an evicted pod fails, says so and stays', async () => {
  const { aPod, seen } = await aPlace();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  pod.evict();
  await pod.until((it) => it.hasEnded);
  const status = await seen('a');
  expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted' });
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
  );
});

test('a preempted pod is told so and deleted', async () => {
  const { namespace, client, aPod, seen } = await aPlace();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  // Until it goes on it does not end, and its pod can be looked at.
  await pod.freeze();
  await pod.preempt();
  expect((await seen('a'))?.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }),
  );
  await gone(client, namespace, 'a');
});

test('a process that does not hear SIGTERM is killed after the grace period', async () => {
  const { namespace, client, aPod } = await aPlace();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  await pod.freeze();
  await client.delete(PODS, { namespace, name: 'a' }, { signal });
  await gone(client, namespace, 'a');
  expect(pod.terminated).toMatchObject({ exitCode: 137 });
});

test('a pod that is forced out of the server still has a second to end in order', async () => {
  const { namespace, client, aPod } = await aPlace();
  const pod = await aPod('a', 'trap "exit 7" TERM; echo up; while true; do sleep 0.1; done');
  await expect.poll(() => pod.output, { timeout: 30_000 }).toContain('up');
  await client.delete(PODS, { namespace, name: 'a' }, { signal, gracePeriodSeconds: 0 });
  await pod.until((it) => it.hasEnded);
  expect(pod.terminated).toMatchObject({ exitCode: 7 });
  expect(await client.get(PODS, { namespace, name: 'a' }, { signal })).toBeUndefined();
});

test('a pod that no node takes is Unschedulable until one does', async () => {
  const { simulator, aPod, make, seen } = await aPlace();
  const hold = simulator.leaveUnscheduled('a');
  const pod = await aPod('a', 'true');
  await expect
    .poll(async () => (await seen('a'))?.conditions, { timeout: 30_000 })
    .toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }));
  await make('b', 'true');
  await (await simulator.pod('b')).until((it) => it.hasEnded);
  expect(pod.status).toBeUndefined();
  hold.release();
  await pod.until((it) => it.hasEnded);
  expect((await seen('a'))?.conditions).toContainEqual(
    expect.objectContaining({ type: 'PodScheduled', status: 'True' }),
  );
});

test('a pod whose image cannot be had is in ImagePullBackOff, and can be deleted', async () => {
  const { namespace, client, simulator, aPod } = await aPlace();
  simulator.failImagePull(({ metadata }) => metadata?.name === 'a');
  const pod = await aPod('a');
  await pod.until((it) => it.waitingReason === 'ErrImagePull');
  await pod.until((it) => it.waitingReason === 'ImagePullBackOff');
  await client.delete(PODS, { namespace, name: 'a' }, { signal });
  await gone(client, namespace, 'a');
});

test('a pod that is held in ContainerCreating starts when it is released', async () => {
  const { simulator, aPod, seen } = await aPlace();
  const hold = simulator.holdCreating('a');
  const pod = await aPod('a');
  await (await aPod('b')).until((it) => it.isReady);
  expect(pod.waitingReason).toBe('ContainerCreating');
  expect((await seen('a'))?.podIP).toBeUndefined();
  hold.release();
  await pod.until((it) => it.isReady);
});

test('a pod of a lost node is not ready until the node is back, whether its process goes on or not', async () => {
  const { client, simulator, aPod, seen } = await aPlace();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  const node = pod.node!;
  for (const processes of ['goOn', 'frozen'] as const) {
    await simulator.loseNode(node, processes);
    expect((await client.get(NODES, { name: node.name }, { signal }))?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'Unknown' }),
    );
    expect((await seen('a'))?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }));
    await simulator.bringBack(node);
    await expect
      .poll(async () => (await seen('a'))?.conditions, { timeout: 30_000 })
      .toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
  }
});

test('of a pod on a lost node the server hears neither the end nor the deletion until the node is back', async () => {
  const { namespace, client, simulator, aPod, seen } = await aPlace();
  const pod = await aPod('a', 'echo $$; exec sleep 600');
  await expect.poll(() => pod.output, { timeout: 30_000 }).toMatch(/\n$/);
  await pod.until((it) => it.isReady);
  await simulator.loseNode(pod.node!, 'goOn');
  await pod.deleteFromLostNode();
  // What a node does that is there goes its way meanwhile.
  await (await aPod('b', 'true')).until((it) => it.hasEnded);
  expect(isAlive(pod)).toBe(true);
  pod.kill();
  await expect.poll(() => isAlive(pod), { timeout: 30_000 }).toBe(false);
  await (await aPod('c', 'true')).until((it) => it.hasEnded);
  expect(await seen('a')).toMatchObject({ phase: 'Running' });
  await simulator.bringBack(pod.node!);
  await gone(client, namespace, 'a');
});

/** Of one whose output is its process id. */
function isAlive(pod: SimulatedPod): boolean {
  try {
    return process.kill(Number(pod.output), 0);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
    return false;
  }
}

test('a container that is played ends as it was told to, without a process', async () => {
  const { simulator, aPod, seen } = await aPlace();
  simulator.playEnd('a', { exitCode: 11, message: 'it is over' });
  await (await aPod('a', 'never run')).until((it) => it.hasEnded);
  expect(await seen('a')).toMatchObject({
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode: 11, message: 'it is over' } } }],
  });
});

test('a container that is played goes on until it is told to end, or to stop', async () => {
  const { namespace, client, simulator, aPod } = await aPlace();
  simulator.play(() => true, { onStop: { exitCode: 4 } });
  const [told, deleted] = [await aPod('a', 'never run'), await aPod('b', 'never run')];
  for (const each of [told, deleted]) await each.until((it) => it.isReady);
  told.end({ exitCode: 5 });
  await told.until((it) => it.hasEnded);
  expect(told.terminated).toMatchObject({ exitCode: 5 });
  await client.delete(PODS, { namespace, name: 'b' }, { signal });
  await gone(client, namespace, 'b');
  expect(deleted.terminated).toMatchObject({ exitCode: 4 });
});

test('a pod can be made to start late', async () => {
  const { simulator, aPod } = await aPlace();
  simulator.delayStart('a', 400);
  const begun = performance.now();
  const pod = await (await aPod('a')).until((it) => it.isReady);
  expect(performance.now() - begun).toBeGreaterThan(399);
  expect(pod.waitingReason).toBeUndefined();
});

test('a played job answers as one that runs, takes savepoints, and ends when it is cancelled', async () => {
  const { namespace, client, jobId, pod } = await aJobForPods(cluster!);
  const handles = new ConfigMapHandleBackend({ client, namespace, name: `${JOB}-ha` });
  const simulator = await aNodeSimulator(cluster!, { namespaces: [namespace], played: playedJobs() });
  const [first, second] = [await simulator.pod(await pod(0)), await simulator.pod(await pod(1))];
  for (const each of [first, second]) await each.until((it) => it.isReady);
  const leads = async () => (await handles.read())?.leader;
  expect(await leads()).toBe(`${first.uid}_played`);
  const leader = new FlinkClient(first.url);
  expect(await leader.overview()).toMatchObject({ 'jobs-running': 1 });
  expect(await new FlinkClient(second.url).job(jobId)).toMatchObject({ jid: jobId, state: 'RUNNING' });
  expect(await leader.checkpoints(jobId)).toMatchObject({ latest: { completed: { status: 'COMPLETED' } } });
  const savepoint = await leader.stopWithSavepoint(jobId, {}, { pollMs: 10 });
  await first.until((it) => it.status?.phase === 'Succeeded');
  expect(JSON.parse(first.terminated?.message ?? '')).toMatchObject({
    outcome: 'stoppedWithSavepoint',
    savepoint,
  });
  // As where pods are run: what shall not take over is taken away by whoever stops the job.
  expect(second.isReady).toBe(true);
  await expect.poll(leads, { timeout: 30_000 }).toBe(`${second.uid}_played`);
  await new FlinkClient(second.url).cancel(jobId);
  await second.until((it) => it.status?.phase === 'Succeeded');
  expect(JSON.parse(second.terminated?.message ?? '')).toMatchObject({ outcome: 'finished' });
});

test('its nodes are ready, and go with it, as do all processes, also those of a lost node', async () => {
  const { client, simulator, aPod } = await aPlace({ nodes: 1 });
  const [pod, ended] = [await aPod('a', 'echo $$; exec sleep 600'), await aPod('b', 'echo $$; exec sleep 600')];
  for (const each of [pod, ended]) await expect.poll(() => each.output, { timeout: 30_000 }).toMatch(/\n$/);
  const [{ name } = { name: '' }] = simulator.nodes;
  expect((await client.get(NODES, { name }, { signal }))?.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'True' }),
  );
  await simulator.loseNode(pod.node!, 'frozen');
  ended.kill();
  await expect.poll(() => isAlive(ended), { timeout: 30_000 }).toBe(false);
  await simulator.stop();
  expect(await client.get(NODES, { name }, { signal })).toBeUndefined();
  expect(isAlive(pod)).toBe(false);
});
