/**
 * `make bench-ha`: what the state handle store and the elections cost on a real kube-apiserver and etcd on loopback, beside
 * a loop that gets the ConfigMap and puts it back, as Flink's store does, with the same client. States go to memory, so
 * that only the requests are measured. Ours and the loop alternate in one run.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CHECKPOINT_NEVER_RETAINED,
  FencedWriter,
  type HighAvailabilityServices,
  openKubernetesHaServices,
  stateHandleStore,
  stateStorage,
} from '../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../src/ha/kubernetes/index.ts';
import { ApiClient, ApiError, CONFIG_MAPS } from '../src/kube/index.ts';
import { systemClock } from '../src/lib/clock.ts';
import { memoryStorage } from '../src/storage/index.ts';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import { type Ending, takeoverRun } from '../test/soak/takeovers.ts';
import { median, percentile } from './run-job.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 6);
const TAKEOVERS = Number(process.env.TAKEOVERS ?? 50);
const IDLE_MS = Number(process.env.IDLE_MS ?? 60_000);
/** Handles in one ConfigMap: it stays below its 16 KB. */
const ADDS = 48;
const JOB_ID = 'a0b1c2d3e4f5061728394a5b6c7d8e9f';
/** A Lease holds whole seconds. */
const SHORT_LEASE = { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 };

const running = await startCluster();
if ('unavailable' in running) {
  console.error(`error: ${running.unavailable}`);
  process.exit(1);
}
const cluster = new TestCluster(running.access);
const { signal } = new AbortController();
let requests = 0;
let conflicts = 0;
const client = ApiClient.for(
  {
    origin: 'the benchmark',
    server: running.access.server,
    namespace: 'default',
    credentials: async () => ({
      headers: { authorization: `Bearer ${running.access.adminToken}` },
      ca: running.access.ca,
      verifiesServer: true,
    }),
  },
  {
    fieldManager: 'bench',
    observe: ({ status }) => {
      requests += 1;
      if (status === 409) conflicts += 1;
    },
  },
);

try {
  console.log(`Kubernetes API server up after ${(running.startedInMs / 1000).toFixed(1)} s\n`);
  await adds();
  await checkpoints();
  await idle();
  await takeovers('term', 'a release', { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 });
  await takeovers('kill', `SIGKILL, lease ${SHORT_LEASE.durationMs / 1000} s`, SHORT_LEASE);
} finally {
  await client.close();
  await running.stop();
}

interface AddRound {
  readonly perSecond: number;
  readonly latencies: readonly number[];
  readonly requestsPerAdd: number;
  readonly conflictsPerAdd: number;
}

async function adds(): Promise<void> {
  console.log(
    `${'adds of a handle'.padEnd(34)}${'adds/s'.padStart(9)}${'p50'.padStart(10)}${'p99'.padStart(10)}${'requests'.padStart(10)}${'conflicts'.padStart(11)}`,
  );
  for (const writers of [1, 16]) {
    const ours: AddRound[] = [];
    const loop: AddRound[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // The order changes, so that neither side always runs first.
      if (round % 2 === 0) ours.push(await measured(writers, await ourStore()));
      loop.push(await measured(writers, await getAndPut()));
      if (round % 2 === 1) ours.push(await measured(writers, await ourStore()));
    }
    printAdds(`ours, ${writers} caller${writers === 1 ? '' : 's'}`, ours);
    printAdds(`get and put, ${writers} caller${writers === 1 ? '' : 's'}`, loop);
    const ratio = median(ours.map((each) => each.perSecond)) / median(loop.map((each) => each.perSecond));
    console.log(`${'ratio'.padEnd(34)}${ratio.toFixed(1).padStart(9)}`);
  }
}

function printAdds(name: string, rounds: readonly AddRound[]): void {
  const latencies = rounds.flatMap((each) => each.latencies);
  const cells = [
    median(rounds.map((each) => each.perSecond))
      .toFixed(0)
      .padStart(9),
    ms(percentile(latencies, 0.5)).padStart(10),
    ms(percentile(latencies, 0.99)).padStart(10),
    median(rounds.map((each) => each.requestsPerAdd))
      .toFixed(2)
      .padStart(10),
    median(rounds.map((each) => each.conflictsPerAdd))
      .toFixed(2)
      .padStart(11),
  ];
  console.log(`${name.padEnd(34)}${cells.join('')}`);
}

/** Adds handles from several callers at once, each its share one after the other. */
async function measured(writers: number, add: (key: string) => Promise<void>): Promise<AddRound> {
  await add('checkpointID-warm');
  const latencies: number[] = [];
  [requests, conflicts] = [0, 0];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let i = 0; i < ADDS / writers; i += 1) {
        const at = performance.now();
        await add(`checkpointID-${writer}-${i}`);
        latencies.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    perSecond: ADDS / seconds,
    latencies,
    requestsPerAdd: requests / ADDS,
    conflictsPerAdd: conflicts / ADDS,
  };
}

async function ourStore(): Promise<(key: string) => Promise<void>> {
  const backend = new ConfigMapHandleBackend({ client, namespace: await cluster.namespace(), name: 'bench-ha' });
  await backend.create(0);
  const writer = new FencedWriter({ backend, clock: systemClock, random: Math.random, retries: 15 });
  await writer.takeOver({ identity: 'bench', atLeast: 1 });
  const files = stateStorage<string>({
    storage: memoryStorage({ clock: systemClock }),
    directory: `${JOB_ID}/ha`,
    kind: 'completedCheckpoint',
    epoch: () => writer.epoch,
    newId: () => crypto.randomUUID().replaceAll('-', ''),
  });
  const store = stateHandleStore({ writer, storage: files, keyFilter: () => true });
  return async (key) => void (await store.addAndLock(key, 'state'));
}

/** Gets the ConfigMap, adds to it, puts it back if nobody has changed it meanwhile; at once again if somebody has. */
async function getAndPut(): Promise<(key: string) => Promise<void>> {
  const ref = { namespace: await cluster.namespace(), name: 'bench' };
  await client.create(CONFIG_MAPS, { metadata: ref, data: {} }, { signal });
  const value = JSON.stringify({ id: 'i'.repeat(32), path: 'p'.repeat(80), size: 1_000, sha256: 's'.repeat(64) });
  return async (key) => {
    for (;;) {
      const found = await client.get(CONFIG_MAPS, ref, { signal });
      if (found === undefined) throw new Error('the ConfigMap has gone');
      const { managedFields: _, ...metadata } = found.metadata ?? {};
      try {
        await client.replace(CONFIG_MAPS, { metadata, data: { ...found.data, [key]: value } }, { signal });
        return;
      } catch (error) {
        if (!(error instanceof ApiError && error.isConflict)) throw error;
      }
    }
  };
}

async function services(namespace: string, identity: string): Promise<HighAvailabilityServices> {
  return openKubernetesHaServices({
    client,
    namespace,
    job: 'bench',
    storage: memoryStorage({ clock: systemClock }),
    jobId: JOB_ID,
    clock: systemClock,
    random: Math.random,
    identity,
    createAbove: 0,
  });
}

function granted(of: HighAvailabilityServices): Promise<void> {
  return new Promise((resolve, reject) => {
    of.getJobManagerLeaderElectionService(JOB_ID).startLeaderElection({
      grantLeadership: () => resolve(),
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
}

async function checkpoints(): Promise<void> {
  const leader = await services(await cluster.namespace(), 'leader');
  await granted(leader);
  const factory = leader.getCheckpointRecoveryFactory();
  const store = await factory.createCompletedCheckpointStore(JOB_ID, 1, async () => {});
  const ids = factory.createCheckpointIdCounter(JOB_ID);
  const add = async () => {
    const checkpointId = await ids.getAndIncrement();
    const facts = { epoch: 1, timestamp: 0, location: 'x', metadataSha256: '', bytes: 0, isSavepoint: false };
    await store.addCheckpointAndSubsumeOldestOne({ ...facts, checkpointId, properties: CHECKPOINT_NEVER_RETAINED });
  };
  for (let i = 0; i < 3; i += 1) await add();
  requests = 0;
  const took: number[] = [];
  for (let i = 0; i < 100; i += 1) {
    const at = performance.now();
    await add();
    took.push(performance.now() - at);
  }
  console.log(
    `\na checkpoint (id, add, mark, remove): ${(requests / 100).toFixed(2)} requests, p50 ${ms(percentile(took, 0.5))}, p99 ${ms(percentile(took, 0.99))}`,
  );
  await leader.close();
}

async function idle(): Promise<void> {
  const namespace = await cluster.namespace();
  const leader = await services(namespace, 'leader');
  await granted(leader);
  const standby = await services(namespace, 'standby');
  const waiting = granted(standby);
  await pause(3_000);
  requests = 0;
  await pause(IDLE_MS);
  const perMinute = (requests * 60_000) / IDLE_MS;
  console.log(`a leader and a standby that have nothing to do: ${perMinute.toFixed(0)} requests per minute`);
  await leader.close();
  await waiting;
  await standby.close();
}

async function takeovers(ending: Ending, name: string, lease: typeof SHORT_LEASE): Promise<void> {
  const { takeovers: all } = await takeoverRun({
    cluster,
    seed: 1,
    jobs: 1,
    takeovers: TAKEOVERS,
    endings: [ending],
    lease,
  });
  const took = all.map(({ tookMs }) => tookMs);
  const figures = [0.5, 0.99, 1].map((share) => ms(percentile(took, share)));
  console.log(
    `take-over after ${name}: ${all.length} times, p50 ${figures[0]}, p99 ${figures[1]}, longest ${figures[2]}`,
  );
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
