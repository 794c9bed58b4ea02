/**
 * Locks of this process on states: ephemeral nodes below the state's node, as Apache Flink has them, so they end with the
 * session. A state that somebody else holds is not discarded; a marked one takes no new locks, since its `locks` node is
 * gone or its readers find it marked.
 */
import { isRefusal, type ZooKeeperClient } from '../../zookeeper/index.ts';
import { HaStoreException } from '../errors.ts';

export class NodeLocks {
  /** What the locks of this process are called. */
  readonly lockName: string;
  readonly #client: ZooKeeperClient;
  readonly #objectName: string;
  readonly #held = new Set<string>();

  constructor(client: ZooKeeperClient, lockName: string, objectName: string) {
    this.#client = client;
    this.lockName = lockName;
    this.#objectName = objectName;
    client.onSession((event) => {
      if (event.is === 'lost') this.#held.clear();
    });
  }

  isHeld(path: string): boolean {
    return this.#held.has(path);
  }

  /** Notes a lock that came or went with a transaction. */
  note(path: string, isHeld: boolean): void {
    if (isHeld) this.#held.add(path);
    else this.#held.delete(path);
  }

  /** False when there is nothing to lock, or it is marked. */
  async lock(path: string): Promise<boolean> {
    if (this.#held.has(path)) return true;
    try {
      // A lock that is there already is ours: nobody else has its name.
      await this.#client.create(this.#lockPath(path), new Uint8Array(), 'ephemeral');
    } catch (error) {
      if (isRefusal(error, 'NoNode')) return false;
      throw new HaStoreException(`locking ${path}`, this.#objectName, error);
    }
    this.#held.add(path);
    return true;
  }

  async unlock(path: string): Promise<void> {
    try {
      await this.#client.delete(this.#lockPath(path));
    } catch (error) {
      throw new HaStoreException(`Could not release the lock: ${this.#lockPath(path)}`, this.#objectName, error);
    }
    this.#held.delete(path);
  }

  async unlockAll(): Promise<void> {
    for (const path of [...this.#held]) await this.unlock(path);
  }

  /** The locks that there are on a state, of this process and others. */
  async on(path: string): Promise<readonly string[]> {
    const locks = `${path}/locks`;
    await this.#client.sync(locks);
    return (await this.#client.getChildren(locks)) ?? [];
  }

  #lockPath(path: string): string {
    return `${path}/locks/${this.lockName}`;
  }
}
