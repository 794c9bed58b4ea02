/** The requests this client makes of ZooKeeper, and how their answers are read. */
import { RefusedError } from './errors.ts';
import type { JuteReader, JuteWriter } from './jute.ts';

/** What ZooKeeper knows of a node besides its data. */
export interface Stat {
  /** The transaction that made the node; another one after it was deleted and made again. */
  readonly createdBy: bigint;
  /** Raised by each change of the data, from 0. */
  readonly version: number;
  /** Raised by each change of the children. */
  readonly childrenVersion: number;
  /** The session that the node ends with; 0 for one that stays. */
  readonly ephemeralOwner: bigint;
  readonly childCount: number;
}

/** How long a node lives, and whether ZooKeeper appends a number to its name. */
export type NodeKind = 'persistent' | 'ephemeral' | 'ephemeralSequential';

/** One step of a transaction; −1 is any version. */
export type Operation =
  | { readonly do: 'create'; readonly path: string; readonly data: Uint8Array; readonly kind?: NodeKind }
  | { readonly do: 'setData'; readonly path: string; readonly data: Uint8Array; readonly version: number }
  | { readonly do: 'delete'; readonly path: string; readonly version: number }
  | { readonly do: 'check'; readonly path: string; readonly version: number };

export const ANY_VERSION = -1;

export const OP = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  sync: 9,
  ping: 11,
  getChildren: 12,
  check: 13,
  multi: 14,
  removeWatches: 18,
  auth: 100,
  addWatch: 106,
  closeSession: -11,
} as const;

const KIND_FLAGS = { persistent: 0, ephemeral: 1, ephemeralSequential: 3 } as const;
const END_OF_OPERATIONS = -1;
const ALL_PERMISSIONS = 31;

/** A request: what it is for messages, its number, and its body. */
export interface Request {
  readonly what: string;
  readonly op: number;
  /** May be sent again when its answer was lost. */
  readonly isRead: boolean;
  readonly write: (to: JuteWriter) => void;
}

const reading = (what: string, op: number, path: string): Request => ({
  what: `${what} ${path}`,
  op,
  isRead: true,
  write: (to) => to.string(path).bool(false),
});

export const getDataRequest = (path: string): Request => reading('to read', OP.getData, path);
export const existsRequest = (path: string): Request => reading('whether there is', OP.exists, path);
export const getChildrenRequest = (path: string): Request => reading('the children of', OP.getChildren, path);
export const syncRequest = (path: string): Request => ({
  what: `to catch up on ${path}`,
  op: OP.sync,
  isRead: true,
  write: (to) => to.string(path),
});

export function operationRequest(operation: Operation): Request {
  const op = OP[operation.do];
  return { what: described(operation), op, isRead: false, write: (to) => writeOperation(to, operation) };
}

export function transactionRequest(operations: readonly Operation[]): Request {
  return {
    what: `a transaction of ${operations.length} operations`,
    op: OP.multi,
    isRead: false,
    write: (to) => {
      for (const operation of operations) {
        to.int(OP[operation.do]).bool(false).int(-1);
        writeOperation(to, operation);
      }
      to.int(END_OF_OPERATIONS).bool(true).int(-1);
    },
  };
}

/** Watches stay until they are removed: on the data of a node and its list of children, or on all nodes below it. */
export const WATCH_MODES = { node: 0, subtree: 1 } as const;
export type WatchMode = keyof typeof WATCH_MODES;

export const addWatchRequest = (path: string, mode: WatchMode): Request => ({
  what: `to watch ${path}`,
  op: OP.addWatch,
  isRead: true,
  write: (to) => to.string(path).int(WATCH_MODES[mode]),
});

const ANY_WATCH = 3;
export const removeWatchRequest = (path: string): Request => ({
  what: `to watch ${path} no longer`,
  op: OP.removeWatches,
  isRead: true,
  write: (to) => to.string(path).int(ANY_WATCH),
});

export const closeRequest: Request = {
  what: 'to end the session',
  op: OP.closeSession,
  isRead: false,
  write: () => {},
};

/** Throws the first refusal among the answers to a transaction's operations. */
export function readTransaction(from: JuteReader, operations: readonly Operation[]): void {
  let refused: RefusedError | undefined;
  for (let index = 0; ; index += 1) {
    const type = from.int();
    const isEnd = from.bool();
    from.int();
    if (isEnd) break;
    const error = type === END_OF_OPERATIONS ? from.int() : 0;
    if (type === OP.create) from.string();
    if (type === OP.setData) readStat(from);
    const operation = operations[index];
    // The operations before the one refused are said to be fine, those behind it inconsistent.
    if (error !== 0 && refused === undefined && operation !== undefined) {
      refused = new RefusedError(error, described(operation), index);
    }
  }
  if (refused !== undefined) throw refused;
}

export function readStat(from: JuteReader): Stat {
  const createdBy = from.long();
  from.long();
  from.long();
  from.long();
  const version = from.int();
  const childrenVersion = from.int();
  from.int();
  const ephemeralOwner = from.long();
  from.int();
  const childCount = from.int();
  from.long();
  return { createdBy, version, childrenVersion, ephemeralOwner, childCount };
}

function described({ do: what, path }: Operation): string {
  return `to ${what === 'setData' ? 'write' : what} ${path}`;
}

function writeOperation(to: JuteWriter, operation: Operation): void {
  to.string(operation.path);
  switch (operation.do) {
    case 'create':
      to.bytes(operation.data).int(1).int(ALL_PERMISSIONS).string('world').string('anyone');
      to.int(KIND_FLAGS[operation.kind ?? 'persistent']);
      return;
    case 'setData':
      to.bytes(operation.data).int(operation.version);
      return;
    case 'delete':
    case 'check':
      to.int(operation.version);
  }
}
