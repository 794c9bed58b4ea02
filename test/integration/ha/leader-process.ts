import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CHECKPOINT_NEVER_RETAINED, NotLeaderException, openEmbeddedHaServices } from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { FaultPoint } from '../../../src/lib/fault-point.ts';
import { filesystemStorage } from '../../../src/storage/index.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';

/**
 * A process that contends for a job and, once it leads, takes checkpoints without end. Prints what it has done only after
 * it was told that it is done. At the named points of its writes it may kill itself, or stop just before the write takes
 * effect and go on when somebody lets it.
 */
const [directory = '', jobId = '', identity = '', killChance = '0', stopChance = '0', seed = '0'] =
  process.argv.slice(2);
const random = new SeededRandom(Number(seed));

const faults: FaultPoint = (point) => {
  if (!isLeading) return;
  if (random.chance(Number(killChance))) process.kill(process.pid, 'SIGKILL');
  if (point === 'written' && random.chance(Number(stopChance))) {
    say('stopping', {});
    process.kill(process.pid, 'SIGSTOP');
  }
};
let isLeading = false;

const storage = filesystemStorage({ directory: join(directory, 'storage'), clock: systemClock, faults });
const services = await openEmbeddedHaServices({
  directory: join(directory, 'ha'),
  storage,
  jobId,
  clock: systemClock,
  identity,
  lease: { durationMs: 600, renewDeadlineMs: 400, retryMs: 60 },
  keep: 1_000_000,
  faults,
});

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
  for (;;) {
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
  grantLeadership: async ({ epoch }) => {
    try {
      await lead(epoch);
    } catch (error) {
      if (error instanceof NotLeaderException) process.exit(12);
      say('broken', { epoch, error: String(error), stack: (error as Error).stack });
      process.exit(1);
    }
  },
  revokeLeadership: () => process.exit(12),
  handleError: (error) => {
    say('broken', { error: String(error), cause: String(error.cause) });
    process.exit(1);
  },
});
setInterval(() => {}, 1_000);
