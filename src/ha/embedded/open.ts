import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { DEFAULT_LEASE_TIMES, type LeaseTimes } from '../../lib/elector.ts';
import type { FaultPoint } from '../../lib/fault-point.ts';
import type { Storage } from '../../storage/index.ts';
import { openServices, randomId } from '../open-services.ts';
import type { HaBackend, HighAvailabilityServices } from '../services.ts';
import { EmbeddedHandleBackend } from './embedded-backend.ts';
import { EmbeddedElector, type LeaseRecord, parseLease } from './embedded-elector.ts';
import { VersionedFile } from './versioned-file.ts';

export interface EmbeddedHaOptions {
  /** A directory of this machine, shared by the processes of the job; others may use it for other jobs. */
  readonly directory: string;
  readonly storage: Storage;
  readonly jobId: string;
  readonly clock: Clock;
  /** Unique to this process and term. */
  readonly identity: string;
  /** The attempt this process belongs to; it leads no other. @default any */
  readonly attempt?: number;
  readonly warn?: (message: string) => void;
  /** @default 15 s, 10 s, 2 s; a holder that died on this machine is replaced at once all the same */
  readonly lease?: LeaseTimes;
  /** Unguessable hex. @default 16 random bytes */
  readonly newId?: () => string;
  /** @default Math.random */
  readonly random?: () => number;
  /** Called between the steps of each change of the object. @default nothing happens */
  readonly faults?: FaultPoint;
  /** Versions of the object kept besides the newest. @default 16 */
  readonly keep?: number;
}

/**
 * The services of a job on one machine, without Kubernetes: the object is `<directory>/<jobId>-ha/`, the lease
 * `<directory>/<jobId>-leader/`. Makes the object when there is none, with an epoch above all that storage has seen.
 */
export async function openEmbeddedHaServices(options: EmbeddedHaOptions): Promise<HighAvailabilityServices> {
  const { newId = randomId, random = Math.random } = options;
  return openServices(embeddedBackend({ ...options, newId }), { ...options, newId, random, createAbove: -1 });
}

/** The embedded backend alone: the object and the lease of one job in a directory. */
export function embeddedBackend(
  options: Pick<EmbeddedHaOptions, 'directory' | 'jobId' | 'clock' | 'lease' | 'faults' | 'keep'> & {
    readonly newId: () => string;
  },
): HaBackend {
  const { directory, jobId, clock, lease = DEFAULT_LEASE_TIMES, faults, keep, newId } = options;
  const handles = new EmbeddedHandleBackend({
    directory: join(directory, `${jobId}-ha`),
    clock,
    newId,
    ...(faults === undefined ? {} : { faults }),
    ...(keep === undefined ? {} : { keep }),
  });
  return {
    handles,
    createElector: (identity) =>
      new EmbeddedElector({ directory: leaseDirectory({ directory, jobId }), identity, clock, newId, times: lease }),
    async close() {},
  };
}

/**
 * The lease of a job in a directory as it is now, for those who only look: they neither contend for it nor make anything.
 * Undefined when nobody has ever held it.
 */
export async function readEmbeddedLease(
  options: Pick<EmbeddedHaOptions, 'directory' | 'jobId'>,
): Promise<LeaseRecord | undefined> {
  const directory = leaseDirectory(options);
  const file = new VersionedFile({ directory, parse: parseLease, newId: () => '', durable: false });
  return (await file.read())?.value;
}

function leaseDirectory({ directory, jobId }: Pick<EmbeddedHaOptions, 'directory' | 'jobId'>): string {
  return join(directory, `${jobId}-leader`);
}
