import { randomBytes, randomUUID } from 'node:crypto';
import { HaObjectMissingException } from './errors.ts';
import { type HaBackend, type HaServicesOptions, type HighAvailabilityServices, haServices } from './services.ts';
import { highestEpochIn } from './stored-past.ts';

/** What opening the services of a job takes, whatever backend they are over. */
export interface OpenServicesOptions
  extends Pick<
    HaServicesOptions,
    'storage' | 'jobId' | 'clock' | 'identity' | 'random' | 'attempt' | 'warn' | 'epochElsewhere'
  > {
  /**
   * Make the object when there is none, with an epoch above this one and not below any that storage has seen; whoever leads
   * raises it. For whoever supervises the job. @default it is not made
   */
  readonly createAbove?: number;
  /** Unguessable hex. @default 16 random bytes */
  readonly newId?: () => string;
}

/** 16 random bytes as hex. */
export const randomId = (): string => randomBytes(16).toString('hex');

/**
 * The services over a backend whose object is there, or is made.
 * @throws HaObjectMissingException when the object is not there and is not to be made
 */
export async function openServices(
  backend: HaBackend,
  options: OpenServicesOptions,
): Promise<HighAvailabilityServices> {
  const { storage, jobId, clock, identity, random, attempt, warn, createAbove, newId = randomId } = options;
  if ((await backend.handles.read()) === undefined) {
    if (createAbove === undefined) throw new HaObjectMissingException(backend.handles.name);
    // Whoever removed the object may have left checkpoints: a leader, which raises this, must lead above their epochs.
    await backend.handles.create(Math.max(createAbove + 1, await highestEpochIn(storage, jobId)));
  }
  return haServices({
    backend,
    storage,
    jobId,
    clock,
    identity,
    newId,
    newSessionId: randomUUID,
    random,
    epochElsewhere: options.epochElsewhere,
    ...(attempt === undefined ? {} : { attempt }),
    ...(warn === undefined ? {} : { warn }),
  });
}
