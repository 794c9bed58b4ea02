import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  CHECKPOINT_NEVER_RETAINED,
  type HighAvailabilityServices,
  NotLeaderException,
  openEmbeddedHaServices,
  openKubernetesHaServices,
} from '../../../src/ha/index.ts';
import { ApiClient } from '../../../src/kube/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { LeaseTimes } from '../../../src/lib/elector.ts';
import type { FaultPoint } from '../../../src/lib/fault-point.ts';
import { filesystemStorage } from '../../../src/storage/index.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';

/** What a leader process is told, as JSON on its command line. */
export interface LeaderOrder {
  /** For the state, and with the embedded backend for the object and the lease too. */
  readonly directory: string;
  readonly jobId: string;
  readonly identity: string;
  readonly lease: LeaseTimes;
  readonly seed: number;
  /** To kill itself at a named point of a write. */
  readonly killChance?: number;
  /** To stop just before a write takes effect, and go on when somebody lets it. */
  readonly stopChance?: number;
  /** How fast its clock runs. @default 1 */
  readonly clockRate?: number;
  /** Where the object and the lease lie, and as whom to ask. @default in the directory */
  readonly kubernetes?: {
    readonly server: string;
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
    readonly namespace: string;
    readonly job: string;
  };
}

/**
 * A process that contends for a job and, once it leads, takes checkpoints without end. Prints what it has done only after
 * it was told that it is done. After SIGTERM it finishes what it is at and gives the lease back.
 */
const order = JSON.parse(process.argv[2] ?? '') as LeaderOrder;
const { directory, jobId, identity, lease, killChance = 0, stopChance = 0, clockRate = 1 } = order;
const clock: Clock = {
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * clockRate,
  setTimer: (ms, action) => systemClock.setTimer(ms / clockRate, action),
};
const random = new SeededRandom(order.seed);

const faults: FaultPoint = (point) => {
  if (!isLeading) return;
  if (random.chance(killChance)) process.kill(process.pid, 'SIGKILL');
  if (point === 'written' && random.chance(stopChance)) {
    say('stopping', {});
    process.kill(process.pid, 'SIGSTOP');
  }
};
let isLeading = false;

const storage = filesystemStorage({ directory: join(directory, 'storage'), clock: systemClock, faults });
const services = await openServices();
let isStopping = false;
let leading: Promise<void> = Promise.resolve();

const say = (what: string, facts: object): void => {
  process.stdout.write(`${JSON.stringify({ what, ...facts })}\n`);
};

async function lead(epoch: number): Promise<void> {
  const factory = services.getCheckpointRecoveryFactory();
  const store = await factory.createCompletedCheckpointStore(jobId, 2);
  const counter = factory.createCheckpointIdCounter(jobId);
  for (const { location } of store.getAllCheckpoints()) {
    if (!(await storage.exists(`${location}/_metadata`))) throw new Error(`${location} is pointed to and not there`);
  }
  say('restored', { epoch, latest: store.getLatestCheckpointId(), broken: store.getBrokenCheckpoints().length });
  isLeading = true;
  await counter.setCount(Math.max(await counter.get(), store.getLatestCheckpointId() + 1));
  while (!isStopping) {
    const checkpointId = await counter.getAndIncrement();
    const location = `${jobId}/chk-${checkpointId}-${epoch}-${randomBytes(4).toString('hex')}`;
    const bytes = new TextEncoder().encode(`checkpoint ${checkpointId} of epoch ${epoch}`);
    const { sha256, sizeBytes } = await storage.write(`${location}/_metadata`, bytes, { exclusive: true });
    await store.addCheckpointAndSubsumeOldestOne({
      checkpointId,
      epoch,
      timestamp: Date.now(),
      location,
      metadataSha256: sha256,
      bytes: sizeBytes,
      isSavepoint: false,
      properties: CHECKPOINT_NEVER_RETAINED,
    });
    say('added', { epoch, checkpointId });
  }
}

services.getJobManagerLeaderElectionService(jobId).startLeaderElection({
  grantLeadership: ({ epoch }) => {
    leading = lead(epoch).catch((error: unknown) => {
      if (error instanceof NotLeaderException) process.exit(12);
      say('broken', { epoch, error: String(error), stack: (error as Error).stack });
      process.exit(1);
    });
  },
  revokeLeadership: () => {
    if (!isStopping) process.exit(12);
  },
  handleError: (error) => {
    say('broken', { error: String(error), cause: String(error.cause) });
    process.exit(1);
  },
});
process.once('SIGTERM', () => {
  isStopping = true;
  leading
    .then(() => services.close())
    .then(
      () => {
        say('released', {});
        process.exit(0);
      },
      (error: unknown) => {
        say('broken', { error: String(error) });
        process.exit(1);
      },
    );
});
// As a long computation would: nothing else happens in this process meanwhile.
process.on('SIGUSR2', () => {
  const end = performance.now() + 1.5 * lease.durationMs;
  while (performance.now() < end);
});
setInterval(() => {}, 1_000);

function openServices(): Promise<HighAvailabilityServices> {
  const facts = { storage, jobId, clock, identity, lease };
  if (order.kubernetes === undefined) {
    return openEmbeddedHaServices({ ...facts, directory: join(directory, 'ha'), keep: 1_000_000, faults });
  }
  const { server, ca, cert, key, namespace, job } = order.kubernetes;
  const credentials = async () => ({ headers: {}, ca, cert, key, verifiesServer: true });
  const connection = { origin: 'a test', server, namespace, credentials };
  const client = ApiClient.for(connection, { fieldManager: identity });
  return openKubernetesHaServices({ ...facts, client, namespace, job, random: Math.random, createAbove: 0 });
}
