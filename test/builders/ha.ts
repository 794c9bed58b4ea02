import {
  CHECKPOINT_NEVER_RETAINED,
  type CheckpointProperties,
  type CompletedCheckpoint,
  type Elector,
  type HandleBackend,
  type HaServicesOptions,
  type HighAvailabilityServices,
  haServices,
  type LeaderSession,
  MemoryHa,
  SAVEPOINT,
  SYNCHRONOUS_SAVEPOINT,
} from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type CountingStorage, countingStorage } from '../faults/counting-storage.ts';
import { type FaultyBackend, faultyBackend } from '../faults/faulty-backend.ts';

export const JOB = 'a0b1c2d3e4f5061728394a5b6c7d8e9f';

let count = 0;
const nextId = (): number => {
  count += 1;
  return count;
};

/** Where the object and the lease of a job lie. */
export interface JobBackend {
  readonly handles: HandleBackend;
  createElector(identity: string): Elector;
  /** Ends the term of whoever holds the lease. */
  emptyLease(): Promise<void> | void;
}

/** One job, in memory unless a backend is given, and processes that serve it. */
export class AJob {
  readonly storage: CountingStorage = countingStorage();
  readonly backend: FaultyBackend;
  readonly warnings: string[] = [];
  readonly #where: JobBackend;
  readonly #opened: HighAvailabilityServices[] = [];

  constructor(where: JobBackend = new MemoryHa()) {
    this.#where = where;
    this.backend = faultyBackend(where.handles);
  }

  createElector(identity: string): Elector {
    return this.#where.createElector(identity);
  }

  /** The services as another process of the job opens them. */
  async services(options: Partial<HaServicesOptions> = {}): Promise<HighAvailabilityServices> {
    await this.backend.create(0);
    const services = haServices({
      backend: {
        handles: this.backend,
        createElector: (identity) => this.createElector(identity),
        close: async () => {},
      },
      storage: this.storage,
      jobId: JOB,
      clock: systemClock,
      identity: `process-${nextId()}`,
      newId: () => String(nextId()).padStart(32, '0'),
      newSessionId: () => crypto.randomUUID(),
      random: () => 0.01,
      retries: 5,
      warn: (message) => this.warnings.push(message),
      ...options,
    });
    this.#opened.push(services);
    return services;
  }

  /** The services of a process that leads. */
  async leader(options: Partial<HaServicesOptions> = {}): Promise<HighAvailabilityServices> {
    await this.#where.emptyLease();
    const services = await this.services(options);
    await granted(services);
    return services;
  }

  /** Ends all its processes. What they cannot end, because a test has broken it, is of no interest any more. */
  async close(): Promise<void> {
    await Promise.all(this.#opened.map((services) => services.close().catch(() => {})));
  }

  files(): string[] {
    return this.storage.written.filter((path) => !this.storage.deleted.includes(path));
  }
}

/** Contends with these services for the job and waits for the grant. */
export function granted(services: HighAvailabilityServices): Promise<LeaderSession> {
  return new Promise((resolve, reject) => {
    services.getJobManagerLeaderElectionService(JOB).startLeaderElection({
      grantLeadership: resolve,
      revokeLeadership: () => {},
      handleError: reject,
    });
  });
}

/** A checkpoint whose data, one file, is in the storage. */
export async function aCheckpoint(
  job: AJob,
  checkpointId: number,
  properties: CheckpointProperties = CHECKPOINT_NEVER_RETAINED,
): Promise<CompletedCheckpoint> {
  const location = `${JOB}/chk-${checkpointId}-1-abc`;
  const { sha256, sizeBytes } = await job.storage.write(`${location}/_metadata`, new Uint8Array([1, 2, 3]), {
    exclusive: true,
  });
  return {
    checkpointId,
    epoch: 1,
    timestamp: 1_700_000_000_000 + checkpointId,
    location,
    metadataSha256: sha256,
    bytes: sizeBytes,
    isSavepoint: properties === SAVEPOINT || properties === SYNCHRONOUS_SAVEPOINT,
    properties,
  };
}
