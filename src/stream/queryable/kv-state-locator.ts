/**
 * From a name and a key's hash to the one who serves it, with a cache of locations that is asked around when it has
 * proved stale. Follows the lookup of Flink's KvStateClientProxyHandler.
 */
import { UnknownKvStateKeyGroupLocationException, UnknownLocationException } from './errors.ts';
import type { KvStateLocation, KvStateServerAddress } from './kv-state-location.ts';
import type { KvStateLocationOracle } from './kv-state-registry-gateway.ts';

/** Key hash and maximum parallelism -> key group, as records are routed. */
export type AssignToKeyGroup = (keyHash: number, maxParallelism: number) => number;

/** The owner of a key. */
export interface KvStateOwner {
  readonly kvStateId: string;
  readonly address: KvStateServerAddress;
  readonly location: KvStateLocation;
}

/** Finds owners of keys for one job. */
export class KvStateLocator {
  readonly #jobId: string;
  readonly #assignToKeyGroup: AssignToKeyGroup;
  readonly #cache = new Map<string, Promise<KvStateLocation>>();
  #oracle: KvStateLocationOracle | undefined;

  constructor(jobId: string, assignToKeyGroup: AssignToKeyGroup) {
    this.#jobId = jobId;
    this.#assignToKeyGroup = assignToKeyGroup;
  }

  /** Sets the oracle when the JobMaster connects, removes it with undefined when it goes; locations are forgotten. */
  setOracle(oracle: KvStateLocationOracle | undefined): void {
    this.#oracle = oracle;
    this.forgetAll();
  }

  /** Forgets all locations, as when another attempt of the job runs. */
  forgetAll(): void {
    this.#cache.clear();
  }

  /**
   * The owner of a key now. `forced` asks the oracle even when a location is cached.
   * @throws UnknownLocationException without an oracle; FlinkJobNotFoundException; UnknownKvStateLocation;
   * UnknownKvStateKeyGroupLocationException while nobody serves the key group
   */
  async locate(stateName: string, keyHash: number, forced: boolean): Promise<KvStateOwner> {
    const location = await this.#location(stateName, forced);
    const keyGroup = this.#assignToKeyGroup(keyHash, location.numKeyGroups);
    const address = location.getKvStateServerAddress(keyGroup);
    const kvStateId = location.getKvStateId(keyGroup);
    if (address === null || kvStateId === null) throw new UnknownKvStateKeyGroupLocationException();
    return { address, kvStateId, location };
  }

  #location(stateName: string, forced: boolean): Promise<KvStateLocation> {
    const cached = this.#cache.get(stateName);
    if (cached !== undefined && !forced) return cached;
    const oracle = this.#oracle;
    if (oracle === undefined) return Promise.reject(new UnknownLocationException(stateName, this.#jobId));
    const asked = oracle.requestKvStateLocation(this.#jobId, stateName);
    this.#cache.set(stateName, asked);
    // A failed lookup is not kept; whoever asked sees the error through its own promise.
    asked.catch(() => {
      if (this.#cache.get(stateName) === asked) this.#cache.delete(stateName);
    });
    return asked;
  }
}
