/**
 * Where the key groups of one queryable state are served. Key groups are those of the vertex's maximum parallelism, so
 * the table keeps its size when the job is rescaled. Follows Flink's KvStateLocation.
 */
import { IllegalArgumentException, IndexOutOfBoundsException, NullPointerException } from '../../lib/java-errors.ts';

/** Inclusive at both ends; a start above the end means no key group at all. */
export interface KeyGroupRangeLike {
  readonly startKeyGroup: number;
  readonly endKeyGroup: number;
}

/** Who answers for a state. In the embedded runtime: `host` names the kind of server, `port` the worker. */
export interface KvStateServerAddress {
  readonly host: string;
  readonly port: number;
}

/** What {@link KvStateLocation} is made of. */
export interface KvStateLocationIdentity {
  readonly jobId: string;
  readonly jobVertexId: string;
  /** The vertex's *maximum* parallelism. */
  readonly numKeyGroups: number;
  readonly registrationName: string;
  /** The operator inside a chained vertex; absent when the registering side did not say. */
  readonly operatorId?: string | undefined;
}

/** One name's table of key groups. Changes come only through {@link KvStateLocationRegistry}. */
export class KvStateLocation {
  readonly jobId: string;
  readonly jobVertexId: string;
  readonly numKeyGroups: number;
  readonly registrationName: string;
  readonly operatorId: string | undefined;
  readonly #ids: (string | null)[];
  readonly #addresses: (KvStateServerAddress | null)[];
  #numRegisteredKeyGroups = 0;

  /** @throws IllegalArgumentException for a negative number of key groups; NullPointerException for a missing id or name */
  constructor(identity: KvStateLocationIdentity) {
    if (identity.jobId == null) throw new NullPointerException('Job ID');
    if (identity.jobVertexId == null) throw new NullPointerException('JobVertex ID');
    if (identity.registrationName == null) throw new NullPointerException('Registration name');
    if (!(identity.numKeyGroups >= 0)) throw new IllegalArgumentException('Negative number of key groups');
    this.jobId = identity.jobId;
    this.jobVertexId = identity.jobVertexId;
    this.numKeyGroups = identity.numKeyGroups;
    this.registrationName = identity.registrationName;
    this.operatorId = identity.operatorId;
    this.#ids = new Array<string | null>(identity.numKeyGroups).fill(null);
    this.#addresses = new Array<KvStateServerAddress | null>(identity.numKeyGroups).fill(null);
  }

  get numRegisteredKeyGroups(): number {
    return this.#numRegisteredKeyGroups;
  }

  /** The id registered for a key group, or null. @throws IndexOutOfBoundsException */
  getKvStateId(keyGroup: number): string | null {
    this.#checkIndex(keyGroup);
    return this.#ids[keyGroup] ?? null;
  }

  /** Who serves a key group, or null. @throws IndexOutOfBoundsException */
  getKvStateServerAddress(keyGroup: number): KvStateServerAddress | null {
    this.#checkIndex(keyGroup);
    return this.#addresses[keyGroup] ?? null;
  }

  /**
   * Enters a range; what was there is replaced, and only groups that were empty count as new.
   * @throws IndexOutOfBoundsException "Key group index", nothing changed
   */
  registerKvState(range: KeyGroupRangeLike, kvStateId: string, address: KvStateServerAddress): void {
    this.checkRange(range);
    for (let group = range.startKeyGroup; group <= range.endKeyGroup; group++) {
      if (this.#ids[group] === null) this.#numRegisteredKeyGroups++;
      this.#ids[group] = kvStateId;
      this.#addresses[group] = address;
    }
  }

  /**
   * Empties a range. Nothing changes when one of its groups is empty already.
   * @throws IndexOutOfBoundsException, IllegalArgumentException for a group that is not registered
   */
  unregisterKvState(range: KeyGroupRangeLike): void {
    this.checkRange(range);
    for (let group = range.startKeyGroup; group <= range.endKeyGroup; group++) {
      if (this.#ids[group] === null) throw notRegistered();
    }
    for (let group = range.startKeyGroup; group <= range.endKeyGroup; group++) this.#clear(group);
  }

  /** As Flink does it: groups before the first empty one are gone when it throws. For comparison only. */
  unregisterKvStateOneByOne(range: KeyGroupRangeLike): void {
    this.checkRange(range);
    for (let group = range.startKeyGroup; group <= range.endKeyGroup; group++) {
      if (this.#ids[group] === null) throw notRegistered();
      this.#clear(group);
    }
  }

  /** Empties those groups of a range that `kvStateId` still holds; a late call of an older attempt changes nothing. */
  unregisterKvStateHeldBy(range: KeyGroupRangeLike, kvStateId: string): void {
    this.checkRange(range);
    for (let group = range.startKeyGroup; group <= range.endKeyGroup; group++) {
      if (this.#ids[group] === kvStateId) this.#clear(group);
    }
  }

  /** @throws IndexOutOfBoundsException "Key group index" */
  checkRange(range: KeyGroupRangeLike): void {
    if (!(range.startKeyGroup >= 0 && range.endKeyGroup < this.numKeyGroups)) {
      throw new IndexOutOfBoundsException('Key group index');
    }
  }

  #clear(group: number): void {
    this.#ids[group] = null;
    this.#addresses[group] = null;
    this.#numRegisteredKeyGroups--;
  }

  #checkIndex(keyGroup: number): void {
    if (!(keyGroup >= 0 && keyGroup < this.numKeyGroups)) throw new IndexOutOfBoundsException('Key group index');
  }
}

function notRegistered(): IllegalArgumentException {
  return new IllegalArgumentException('Not registered. Probably registration/unregistration race.');
}
