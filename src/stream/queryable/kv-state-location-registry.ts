/**
 * The JobMaster's table of queryable states: one name, one operator, many key groups. Follows Flink's
 * KvStateLocationRegistry and mends four of its faults (see {@link KvStateLocationRegistryOptions.upstreamCompat}).
 * One per execution graph; called on the JobMaster's event queue only.
 */
import {
  IllegalArgumentException,
  IllegalStateException,
  NullPointerException,
  SuppressRestartsException,
} from '../../lib/java-errors.ts';
import { type KeyGroupRangeLike, KvStateLocation, type KvStateServerAddress } from './kv-state-location.ts';

/** What the registry needs to know about the vertices of its job. */
export interface JobVertices {
  /** The vertex's maximum parallelism, or undefined when the job has no such vertex. */
  maxParallelismOf(jobVertexId: string): number | undefined;
  /** Fails the vertex and with it the job. With {@link SuppressRestartsException} the job is not restarted. */
  failVertex(jobVertexId: string, cause: SuppressRestartsException): void;
}

/** One subtask offers one state for its key groups. */
export interface KvStateRegistration {
  readonly jobVertexId: string;
  readonly keyGroupRange: KeyGroupRangeLike;
  readonly registrationName: string;
  readonly kvStateId: string;
  readonly address: KvStateServerAddress;
  /** Tells chained operators of one vertex apart. @default none: operators of one vertex overwrite each other */
  readonly operatorId?: string | undefined;
}

/** One subtask takes its offer back. */
export interface KvStateUnregistration {
  readonly jobVertexId: string;
  readonly keyGroupRange: KeyGroupRangeLike;
  readonly registrationName: string;
  /** Whose entries are meant. @default none: the entries go, whoever made them */
  readonly kvStateId?: string | undefined;
  readonly operatorId?: string | undefined;
}

/** Options of {@link KvStateLocationRegistry}. */
export interface KvStateLocationRegistryOptions {
  /**
   * Behave as Flink does: a first registration out of bounds leaves an empty name behind, a failing unregistration has
   * removed a part, late unregistrations erase newer entries, and two operators of one vertex overwrite each other.
   * @default false
   */
  readonly upstreamCompat?: boolean;
}

/** Name -> location of the queryable states of one job. */
export class KvStateLocationRegistry {
  readonly #jobId: string;
  readonly #jobVertices: JobVertices;
  readonly #upstreamCompat: boolean;
  readonly #lookupTable = new Map<string, KvStateLocation>();

  /** @throws NullPointerException when one of both is missing */
  constructor(jobId: string, jobVertices: JobVertices, options: KvStateLocationRegistryOptions = {}) {
    if (jobId == null) throw new NullPointerException('JobID');
    if (jobVertices == null) throw new NullPointerException('Job vertices');
    this.#jobId = jobId;
    this.#jobVertices = jobVertices;
    this.#upstreamCompat = options.upstreamCompat ?? false;
  }

  /** The location of a name, or null when nobody registered it. */
  getKvStateLocation(registrationName: string): KvStateLocation | null {
    return this.#lookupTable.get(registrationName) ?? null;
  }

  /**
   * Enters one subtask's offer. The same offer twice changes nothing.
   * @throws IllegalArgumentException for a vertex that is not of this job; IllegalStateException when another operator
   * holds the name, after the newcomer's vertex was failed for good; IndexOutOfBoundsException for key groups beyond
   * the vertex's maximum parallelism
   */
  notifyKvStateRegistered(registration: KvStateRegistration): void {
    const { registrationName, keyGroupRange, kvStateId, address } = registration;
    const known = this.#lookupTable.get(registrationName);
    if (known !== undefined) {
      this.#refuseClash(known, registration);
      known.registerKvState(keyGroupRange, kvStateId, address);
      return;
    }
    const location = this.#newLocation(registration);
    // Stored only after the bounds held: an empty location could never be removed, and its name never used again.
    if (this.#upstreamCompat) this.#lookupTable.set(registrationName, location);
    location.registerKvState(keyGroupRange, kvStateId, address);
    if (location.numRegisteredKeyGroups > 0) this.#lookupTable.set(registrationName, location);
  }

  /**
   * Takes one subtask's offer back; the name is free once no key group is left.
   * @throws IllegalArgumentException for an unknown name, another operator's name or a group that is not registered;
   * IndexOutOfBoundsException; in each case nothing has changed
   */
  notifyKvStateUnregistered(unregistration: KvStateUnregistration): void {
    const { registrationName } = unregistration;
    const location = this.#lookupTable.get(registrationName);
    if (location === undefined) {
      throw new IllegalArgumentException(
        `Unknown registration name '${registrationName}'. Probably registration/unregistration race.`,
      );
    }
    const holder = this.#otherHolder(location, unregistration);
    if (holder !== undefined) {
      throw new IllegalArgumentException(
        `Another operator (${holder}) registered the KvState under '${registrationName}'.`,
      );
    }
    this.#unregister(location, unregistration);
    if (location.numRegisteredKeyGroups === 0) this.#lookupTable.delete(registrationName);
  }

  #unregister(location: KvStateLocation, { keyGroupRange, kvStateId }: KvStateUnregistration): void {
    if (this.#upstreamCompat) location.unregisterKvStateOneByOne(keyGroupRange);
    else if (kvStateId === undefined) location.unregisterKvState(keyGroupRange);
    else location.unregisterKvStateHeldBy(keyGroupRange, kvStateId);
  }

  #newLocation({ jobVertexId, registrationName, operatorId }: KvStateRegistration): KvStateLocation {
    const numKeyGroups = this.#jobVertices.maxParallelismOf(jobVertexId);
    if (numKeyGroups === undefined) throw new IllegalArgumentException(`Unknown JobVertexID ${jobVertexId}`);
    return new KvStateLocation({ jobId: this.#jobId, jobVertexId, numKeyGroups, registrationName, operatorId });
  }

  #refuseClash(location: KvStateLocation, newcomer: KvStateRegistration): void {
    const holder = this.#otherHolder(location, newcomer);
    if (holder === undefined) return;
    const clash = new IllegalStateException(
      `Registration name clash. KvState with name '${newcomer.registrationName}' has already been registered by ` +
        `another operator (${holder}).`,
    );
    // A restart would meet the same clash, so the job ends here.
    if (this.#jobVertices.maxParallelismOf(newcomer.jobVertexId) !== undefined) {
      this.#jobVertices.failVertex(newcomer.jobVertexId, new SuppressRestartsException(clash));
    }
    throw clash;
  }

  /** The vertex or chained operator that holds the name, when it is not the caller's own. */
  #otherHolder(
    location: KvStateLocation,
    caller: { readonly jobVertexId: string; readonly operatorId?: string | undefined },
  ): string | undefined {
    if (location.jobVertexId !== caller.jobVertexId) return location.jobVertexId;
    if (this.#upstreamCompat || location.operatorId === undefined || caller.operatorId === undefined) return undefined;
    return location.operatorId === caller.operatorId ? undefined : location.operatorId;
  }
}
