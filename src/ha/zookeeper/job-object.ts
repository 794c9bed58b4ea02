/**
 * The object of a job in the nodes of its tree: reading all of them as of one moment, and turning a patch into one
 * transaction. The version of the fence is the seq: each transaction tests and raises it, so two that were computed from one
 * version cannot both happen. That the node named by the uid is there tells this object from another one of the same name.
 */
import { isRefusal, nameOf, type Operation, type Stat, type ZooKeeperClient } from '../../zookeeper/index.ts';
import { HaObjectCorruptException, HaStoreException } from '../errors.ts';
import { type Epoch, type HaPatch, type HaSnapshot, patched } from '../handle-backend.ts';
import { decodeHandle } from '../handle-codec.ts';
import { COUNTER_KEY, isLeaderKey } from '../keys.ts';
import { bytesOf, checkpointKeyOf, type JobTree, leaderKeyOf, ownKeyOf, textOf } from './tree.ts';

/** A node that holds an entry. */
export interface EntryNode {
  readonly path: string;
  readonly text: string;
  /** The session it ends with; 0n for one that stays. */
  readonly owner: bigint;
  /** Whether it has a `locks` node: a state that is not marked has one. */
  readonly hasLocks: boolean;
}

/** The object as of one moment, and in which nodes it lies. */
export interface JobObject {
  readonly snapshot: HaSnapshot;
  /** The transaction that made the fence. */
  readonly createdBy: bigint;
  readonly nodes: ReadonlyMap<string, EntryNode>;
}

/** How often an object that keeps changing is read anew before somebody should know. */
const MOST_ROUNDS = 200;

/** Undefined when there is none. Throws when that could not be found out. */
export async function readObject(client: ZooKeeperClient, tree: JobTree, name: string): Promise<JobObject | undefined> {
  // Another server may have done what this one has not heard of.
  await client.sync(tree.fence);
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const fence = await client.getData(tree.fence);
    if (fence === undefined) return undefined;
    const head = decodeFence(fence.data, name);
    const nodes = await readNodes(client, tree, head.uid);
    const after = await client.exists(tree.fence);
    if (!isSameVersion(fence.stat, after)) continue;
    // Nodes are read one by one. When the fence has not moved meanwhile, none of them has.
    if (nodes === undefined) {
      const why = `${tree.own(head.uid)} is gone; remove the node to have the object made anew from what storage holds`;
      throw new HaObjectCorruptException(name, why);
    }
    const entries = new Map([...nodes].map(([key, { text }]) => [key, text]));
    const snapshot = { ...head, seq: fence.stat.version, entries };
    return { snapshot, createdBy: fence.stat.createdBy, nodes };
  }
  throw new HaStoreException('reading the object', name, `it changed ${MOST_ROUNDS} times meanwhile`);
}

function isSameVersion(before: Stat, after: Stat | undefined): boolean {
  return after !== undefined && after.version === before.version && after.createdBy === before.createdBy;
}

/** Undefined when the node that holds them is not there. */
async function readNodes(
  client: ZooKeeperClient,
  tree: JobTree,
  uid: string,
): Promise<Map<string, EntryNode> | undefined> {
  const [own, checkpoints, components] = await Promise.all([
    client.getChildren(tree.own(uid)),
    client.getChildren(tree.checkpoints),
    client.getChildren(tree.leader),
  ]);
  if (own === undefined) return undefined;
  const places: (readonly [key: string | undefined, path: string])[] = [
    ...own.map((child) => [ownKeyOf(child), `${tree.own(uid)}/${child}`] as const),
    ...(checkpoints ?? []).map((child) => [checkpointKeyOf(child), `${tree.checkpoints}/${child}`] as const),
    ...(components ?? [])
      .filter((child) => child !== nameOf(tree.latch))
      .map((child) => [leaderKeyOf(child), `${tree.leader}/${child}/connection_info`] as const),
    [COUNTER_KEY, tree.counter],
    [tree.planKey, tree.plan],
  ];
  const nodes = new Map<string, EntryNode>();
  await Promise.all(
    places.map(async ([key, path]) => {
      const found = key === undefined ? undefined : await client.getData(path);
      const text = key === undefined || found === undefined ? undefined : textOf(key, found.data, path);
      if (key === undefined || found === undefined || text === undefined) return;
      // A count has no locks: whatever lies below it is not ours to remove.
      const hasLocks = found.stat.childCount > 0 && key !== COUNTER_KEY;
      nodes.set(key, { path, text, owner: found.stat.ephemeralOwner, hasLocks });
    }),
  );
  return nodes;
}

/** What of the object lies in the fence itself. */
type Fence = Pick<HaSnapshot, 'uid' | 'epoch' | 'attempt' | 'leader'>;

/** Who wrote it last is for people. */
export function encodeFence({ uid, epoch, attempt, leader }: Fence, writer: string): Uint8Array {
  return Buffer.from(JSON.stringify({ uid, epoch, attempt, leader, writer }), 'utf8');
}

function decodeFence(bytes: Buffer, name: string): Fence {
  const value = parsed(bytes.toString('utf8'));
  const { uid, epoch, attempt, leader } = value;
  if (typeof uid === 'string' && /^[\w-]+$/.test(uid) && isCount(epoch) && isCount(attempt)) {
    return { uid, epoch, attempt, leader: typeof leader === 'string' ? leader : '' };
  }
  throw new HaObjectCorruptException(
    name,
    'its fence does not hold uid, epoch and attempt; remove the node to have the object made anew from what storage holds',
  );
}

function parsed(text: string): Partial<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Partial<Record<string, unknown>>;
  } catch {
    return {};
  }
}

const isCount = (value: unknown): value is Epoch => Number.isSafeInteger(value) && (value as number) >= 0;

/** What a transaction has to know beside the object. */
export interface Writing {
  readonly tree: JobTree;
  /** Nodes of leaders end with it. */
  readonly session: bigint;
  /** The name of this process's locks. */
  readonly lockName: string;
  /** The locks on a node that has `locks`. */
  readonly locksOn: (path: string) => readonly string[];
}

/** The fence comes first: what is refused at index 0 or 1 is the version, not an entry. */
export function transactionOf(object: JobObject, patch: HaPatch, writing: Writing): Operation[] {
  const { tree } = writing;
  const after = patched(object.snapshot, patch);
  const { uid, seq } = patch.expect;
  const operations: Operation[] = [
    { do: 'setData', path: tree.fence, data: encodeFence(after, patch.writer), version: seq },
    { do: 'check', path: tree.own(uid), version: -1 },
  ];
  for (const [key, text] of patch.entries) {
    const node = object.nodes.get(key);
    if (text !== undefined) operations.push(...writingOf(key, text, node, uid, writing));
    else if (node !== undefined) operations.push(...removalOf(node, writing));
  }
  return operations;
}

/** The object after the transaction. */
export function objectAfter(object: JobObject, patch: HaPatch, { tree, session }: Writing): JobObject {
  const nodes = new Map(object.nodes);
  for (const [key, text] of patch.entries) {
    if (text === undefined) nodes.delete(key);
    else {
      const owner = isLeaderKey(key) ? session : 0n;
      // Whether others hold locks on what was marked is asked when it matters.
      nodes.set(key, { path: tree.pathOf(key, patch.expect.uid), text, owner, hasLocks: hasHandle(text) });
    }
  }
  return { snapshot: patched(object.snapshot, patch), createdBy: object.createdBy, nodes };
}

/** Everything of the object, gone at one instant. */
export function removalOfObject(object: JobObject, writing: Writing): Operation[] {
  const { snapshot, nodes } = object;
  return [
    ...[...nodes.values()].flatMap((node) => removalOf(node, writing)),
    { do: 'delete', path: writing.tree.own(snapshot.uid), version: -1 },
    { do: 'delete', path: writing.tree.fence, version: snapshot.seq },
  ];
}

function writingOf(
  key: string,
  text: string,
  node: EntryNode | undefined,
  uid: string,
  writing: Writing,
): readonly Operation[] {
  const path = writing.tree.pathOf(key, uid);
  const data = bytesOf(key, text);
  if (isLeaderKey(key)) {
    if (node?.owner === writing.session) return [{ do: 'setData', path, data, version: -1 }];
    // Whoever made it may be gone soon, and the node with it: it must end with this process.
    const old: readonly Operation[] = node === undefined ? [] : [{ do: 'delete', path, version: -1 }];
    return [...old, { do: 'create', path, data, kind: 'ephemeral' }];
  }
  const write: Operation =
    node === undefined ? { do: 'create', path, data } : { do: 'setData', path, data, version: -1 };
  return [write, ...lockingOf(text, path, node, writing)];
}

/** A live state is locked by who adds it; a marked one by nobody who could help it. */
function lockingOf(
  text: string,
  path: string,
  node: EntryNode | undefined,
  { lockName, locksOn }: Writing,
): readonly Operation[] {
  const locks = `${path}/locks`;
  const mine = `${locks}/${lockName}`;
  const held = node?.hasLocks ? locksOn(path) : [];
  const nothing = new Uint8Array();
  switch (decodeHandle(text).kind) {
    case 'live': {
      const lock: Operation = { do: 'create', path: mine, data: nothing, kind: 'ephemeral' };
      if (!node?.hasLocks) return [{ do: 'create', path: locks, data: nothing }, lock];
      return held.includes(lockName) ? [] : [lock];
    }
    case 'marked': {
      if (!node?.hasLocks) return [];
      const release: Operation[] = held.includes(lockName) ? [{ do: 'delete', path: mine, version: -1 }] : [];
      const isFree = held.every((name) => name === lockName);
      return isFree ? [...release, { do: 'delete', path: locks, version: -1 }] : release;
    }
    case 'absent':
    case 'corrupt':
      return [];
  }
}

function removalOf({ path, hasLocks }: EntryNode, { locksOn }: Writing): readonly Operation[] {
  const node: Operation = { do: 'delete', path, version: -1 };
  if (!hasLocks) return [node];
  const locks = locksOn(path).map((name): Operation => ({ do: 'delete', path: `${path}/locks/${name}`, version: -1 }));
  return [...locks, { do: 'delete', path: `${path}/locks`, version: -1 }, node];
}

const hasHandle = (text: string): boolean => decodeHandle(text).kind === 'live';

/** Whether a refusal is about a node of an entry: the object was read when it looked otherwise. */
export function isAboutNodes(error: unknown): boolean {
  return ['NoNode', 'NodeExists', 'NotEmpty'].some((refusal) => isRefusal(error, refusal));
}
