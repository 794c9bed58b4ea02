import type { Clock } from '../../lib/clock.ts';
import {
  ClientClosedError,
  isRefusal,
  parentOf,
  RefusedError,
  type ZooKeeperClient,
  ZooKeeperError,
} from '../../zookeeper/index.ts';
import { HaError, HaObjectCorruptException, HaStoreException } from '../errors.ts';
import {
  type EntryChanges,
  type EntryLocks,
  type Epoch,
  type HandleBackend,
  type HandleObserver,
  type HaPatch,
  type HaSnapshot,
  isExpected,
  type PatchAnswer,
  sizeOf,
} from '../handle-backend.ts';
import { LAYOUT, LAYOUT_KEY } from '../keys.ts';
import {
  encodeFence,
  isAboutNodes,
  type JobObject,
  objectAfter,
  readObject,
  removalOfObject,
  transactionOf,
  type Writing,
} from './job-object.ts';
import { NodeLocks } from './locks.ts';
import type { JobTree } from './tree.ts';
import { watchObject } from './watch-object.ts';

export interface ZooKeeperHandleBackendOptions {
  readonly client: ZooKeeperClient;
  readonly tree: JobTree;
  readonly clock: Clock;
  /** Unguessable hex. */
  readonly newId: () => string;
  /** Asked before each patch is sent; false refuses it. @default always true */
  readonly gate?: () => boolean;
}

/** Half of what a server takes in one request unless told otherwise: names and the rest of the protocol need room too. */
const LARGEST_PATCH_BYTES = 512 * 1024;
/** How often a write is tried again whose nodes looked otherwise when it was computed. */
const MOST_ROUNDS = 5;

/** The object of a job in ZooKeeper. A change is one transaction; see tree.ts for where its entries lie. */
export class ZooKeeperHandleBackend implements HandleBackend {
  readonly name: string;
  readonly locks: EntryLocks;
  readonly #client: ZooKeeperClient;
  readonly #tree: JobTree;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #gate: () => boolean;
  readonly #nodeLocks: NodeLocks;
  /** The newest version read or written here. */
  #newest: JobObject | undefined;

  constructor({ client, tree, clock, newId, gate = () => true }: ZooKeeperHandleBackendOptions) {
    this.name = `ZooKeeper node ${tree.fence}`;
    this.#client = client;
    this.#tree = tree;
    this.#clock = clock;
    this.#newId = newId;
    this.#gate = gate;
    this.#nodeLocks = new NodeLocks(client, newId(), this.name);
    this.locks = this.#entryLocks();
  }

  async read(): Promise<HaSnapshot | undefined> {
    return (await this.#read())?.snapshot;
  }

  async patch(patch: HaPatch): Promise<PatchAnswer> {
    const bytes = sizeOf(new Map([...patch.entries].map(([key, text]) => [key, text ?? ''])));
    if (bytes > LARGEST_PATCH_BYTES) return { answer: 'notDone', reason: 'tooLarge' };
    let cause: unknown;
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      const prepared = await this.#prepared(patch, round > 1);
      if ('answer' in prepared) return prepared;
      try {
        await this.#client.transaction(prepared.operations);
        this.#done(prepared.object, patch, prepared.writing);
        return { answer: 'done' };
      } catch (error) {
        if (!(error instanceof RefusedError) || error.index < 2 || !isAboutNodes(error)) return answerOf(error);
        // An entry's node is otherwise than it was read, though the fence has not moved: a session ended and its nodes
        // went, or somebody else edits the tree.
        cause = error;
      }
    }
    return { answer: 'notDone', reason: 'rejected', cause };
  }

  async create(lowestEpoch: Epoch): Promise<HaSnapshot> {
    for (let round = 1; ; round += 1) {
      const found = await this.#read();
      if (found !== undefined) return found.snapshot;
      try {
        await this.#make({ uid: this.#newId(), epoch: lowestEpoch, attempt: 0, leader: '' });
      } catch (error) {
        if (error instanceof HaObjectCorruptException) throw error;
        // It is there already, its parents just went, or the answer was lost: what there is now decides.
        const mayBeThere = error instanceof ZooKeeperError && (isAboutNodes(error) || error.outcome === 'unknown');
        if (!mayBeThere || round === MOST_ROUNDS) throw new HaStoreException('creating the object', this.name, error);
      }
    }
  }

  async remove(uid: string): Promise<void> {
    for (let round = 1; ; round += 1) {
      const object = await this.#read();
      if (object === undefined || object.snapshot.uid !== uid) break;
      try {
        const locked = [...object.nodes.values()].filter(({ hasLocks }) => hasLocks).map(({ path }) => path);
        await this.#client.transaction(removalOfObject(object, await this.#writing(locked)));
      } catch (error) {
        const hasMoved = isAboutNodes(error) || isRefusal(error, 'BadVersion');
        const mayHaveHappened = error instanceof ZooKeeperError && error.outcome === 'unknown';
        if ((!hasMoved && !mayHaveHappened) || round === MOST_ROUNDS) {
          throw new HaStoreException('removing the object', this.name, error);
        }
      }
    }
    this.#newest = undefined;
    await this.#removeEmptyParents();
  }

  watch(observer: HandleObserver): () => void {
    return watchObject({
      client: this.#client,
      tree: this.#tree,
      observer,
      clock: this.#clock,
      read: () => this.#read(),
      newest: () => this.#newest,
    });
  }

  async #make(head: Pick<HaSnapshot, 'uid' | 'epoch' | 'attempt' | 'leader'>): Promise<void> {
    const { fence, checkpoints, job, plans, latch } = this.#tree;
    await this.#refuseForeignState();
    for (const path of [job, checkpoints, plans, latch]) await this.#client.ensurePath(path);
    await this.#client.transaction([
      { do: 'create', path: fence, data: encodeFence(head, '') },
      { do: 'create', path: this.#tree.own(head.uid), data: new Uint8Array() },
      { do: 'create', path: this.#tree.pathOf(LAYOUT_KEY, head.uid), data: Buffer.from(LAYOUT) },
    ]);
  }

  async #read(): Promise<JobObject | undefined> {
    let object: JobObject | undefined;
    try {
      object = await readObject(this.#client, this.#tree, this.name);
    } catch (error) {
      if (error instanceof HaError) throw error;
      throw new HaStoreException('reading the object', this.name, error);
    }
    this.#newest = object;
    return object;
  }

  /** What to send, or why nothing can be. */
  async #prepared(
    patch: HaPatch,
    isAgain: boolean,
  ): Promise<{ operations: ReturnType<typeof transactionOf>; object: JobObject; writing: Writing } | PatchAnswer> {
    try {
      if (!this.#gate()) return closedGate();
      if (!(await this.#client.whenConnected())) return { answer: 'notDone', reason: 'busy' };
      let object = this.#newest;
      if (isAgain || object === undefined || !isExpected(object.snapshot, patch.expect)) object = await this.#read();
      if (object === undefined) return { answer: 'notDone', reason: 'missing' };
      if (!isExpected(object.snapshot, patch.expect)) return { answer: 'notDone', reason: 'moved' };
      const writing = await this.#writing(this.#unknownLocks(object, patch.entries, isAgain));
      const operations = transactionOf(object, patch, writing);
      // As a rule they are there; looking each time would double the requests.
      if (isAgain)
        for (const { path } of operations.filter(({ do: what }) => what === 'create')) await this.#ensureParent(path);
      // Asked last: whatever came before took its time.
      return this.#gate() ? { operations, object, writing } : closedGate();
    } catch (cause) {
      // Nothing was sent yet.
      return { answer: 'notDone', reason: 'rejected', cause };
    }
  }

  /** States among the changed whose locks are not known: this process has none there, or what it knew proved wrong. */
  #unknownLocks(object: JobObject, entries: EntryChanges, isAgain: boolean): string[] {
    return [...entries.keys()].flatMap((key) => {
      const node = object.nodes.get(key);
      return node?.hasLocks && (isAgain || !this.#nodeLocks.isHeld(node.path)) ? [node.path] : [];
    });
  }

  async #writing(unknownLocks: readonly string[]): Promise<Writing> {
    const { lockName } = this.#nodeLocks;
    const known = new Map(
      await Promise.all(unknownLocks.map(async (path) => [path, await this.#nodeLocks.on(path)] as const)),
    );
    return {
      tree: this.#tree,
      session: this.#client.sessionId,
      lockName,
      locksOn: (path) => known.get(path) ?? (this.#nodeLocks.isHeld(path) ? [lockName] : []),
    };
  }

  #done(object: JobObject, patch: HaPatch, writing: Writing): void {
    const after = objectAfter(object, patch, writing);
    const { seq = -1, uid } = this.#newest?.snapshot ?? {};
    if (uid !== after.snapshot.uid || seq < after.snapshot.seq) this.#newest = after;
    for (const key of patch.entries.keys()) {
      const path = this.#tree.pathOf(key, patch.expect.uid);
      this.#nodeLocks.note(path, after.nodes.get(key)?.hasLocks === true);
    }
  }

  async #ensureParent(path: string): Promise<void> {
    const parent = parentOf(path);
    // The lock of a state is made with the state.
    if (parent === undefined || path.endsWith('/locks') || parent.endsWith('/locks')) return;
    if (!parent.startsWith(`${this.#tree.fence}/`)) await this.#client.ensurePath(parent);
  }

  /** Checkpoints without our fence are those of another program, and would be taken for this job's. */
  async #refuseForeignState(): Promise<void> {
    const { checkpoints, counter, plan } = this.#tree;
    const found = [
      ((await this.#client.getChildren(checkpoints)) ?? []).length > 0 ? checkpoints : undefined,
      (await this.#client.exists(counter)) === undefined ? undefined : counter,
      (await this.#client.exists(plan)) === undefined ? undefined : plan,
    ].find((path) => path !== undefined);
    if (found === undefined) return;
    throw new HaObjectCorruptException(
      this.name,
      `${found} is there and was not written by this program (Apache Flink?); choose another cluster id, or remove the node`,
    );
  }

  /** Climbs as long as nodes are empty; what others have stays, and so does everything above it. */
  async #removeEmptyParents(): Promise<void> {
    const { checkpoints, plans, latch, leader } = this.#tree;
    const components = ((await this.#client.getChildren(leader)) ?? []).map((child) => `${leader}/${child}`);
    for (const bottom of [checkpoints, plans, latch, ...components]) {
      for (let path: string | undefined = bottom; path !== undefined && path !== '/'; path = parentOf(path)) {
        try {
          await this.#client.delete(path);
        } catch (error) {
          if (isRefusal(error, 'NotEmpty')) break;
          throw new HaStoreException(`removing the empty node ${path}`, this.name, error);
        }
      }
    }
  }

  #entryLocks(): EntryLocks {
    const pathOf = async (key: string): Promise<string | undefined> => {
      const object = this.#newest ?? (await this.#read());
      return object === undefined ? undefined : this.#tree.pathOf(key, object.snapshot.uid);
    };
    return {
      lock: async (key) => {
        const path = await pathOf(key);
        return path !== undefined && this.#nodeLocks.lock(path);
      },
      unlock: async (key) => {
        const path = await pathOf(key);
        if (path !== undefined) await this.#nodeLocks.unlock(path);
      },
      unlockAll: () => this.#nodeLocks.unlockAll(),
      isLockedElsewhere: async (key) => {
        const path = await pathOf(key);
        if (path === undefined) return false;
        const held = await this.#nodeLocks.on(path);
        return held.some((name) => name !== this.#nodeLocks.lockName);
      },
    };
  }
}

const closedGate = (): PatchAnswer => ({
  answer: 'notDone',
  reason: 'rejected',
  cause: new ClientClosedError('this process does not lead, or its session may have ended'),
});

/** What a failed transaction came to. */
function answerOf(cause: unknown): PatchAnswer {
  if (!(cause instanceof ZooKeeperError) || cause.outcome === 'unknown') return { answer: 'unknown', cause };
  if (cause instanceof RefusedError) {
    const isOfFence = cause.index < 2;
    if (isOfFence && cause.refusal === 'BadVersion') return { answer: 'notDone', reason: 'moved', cause };
    if (cause.refusal === 'NoNode')
      return { answer: 'notDone', reason: cause.index === 0 ? 'missing' : 'moved', cause };
    return { answer: 'notDone', reason: 'rejected', cause };
  }
  // No connection: it was not sent, and may be later.
  return { answer: 'notDone', reason: cause instanceof ClientClosedError ? 'rejected' : 'busy', cause };
}
