/**
 * A client of Apache ZooKeeper: sessions, transactions, watches that stay. See client.ts for the life of a session.
 *
 *     client.ts ──► connection.ts ──► operations.ts (requests and answers) ──► jute.ts (bytes)
 *
 * It is written here because no package for Node.js has what fencing needs; docs/adr/0011-own-zookeeper-client.md says what is
 * missing where. It promises: a request is sent once; a write that fails says whether it may have happened; a server that has
 * gone silent is noticed within two thirds of the session's time. Servers from version 3.6 on are understood.
 */
export {
  type ClientState,
  type SessionEvent,
  ZooKeeperClient,
  type ZooKeeperClientOptions,
} from './client.ts';
export type { NodeEvent } from './connection.ts';
export { ClientClosedError, ConnectionLossError, isRefusal, RefusedError, ZooKeeperError } from './errors.ts';
export { ANY_VERSION, type NodeKind, type Operation, type Stat, type WatchMode } from './operations.ts';
export { type Ensemble, nameOf, nodePath, parentOf, parseQuorum, type ServerAddress } from './paths.ts';
export type { NodeListener } from './watches.ts';
