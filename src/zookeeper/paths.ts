/** Names of nodes, and of the servers of an ensemble. */
import { IllegalArgumentException } from '../lib/java-errors.ts';

/** One path of the parts, with one slash before each and none at the end: `/flink` and `/a//b/` make `/flink/a/b`. */
export function nodePath(...parts: readonly string[]): string {
  const path = `/${parts.join('/')}`.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (path.split('/').some((name) => name === '.' || name === '..') || path.includes('\0')) {
    throw new IllegalArgumentException(`${JSON.stringify(path)} is no path of a ZooKeeper node`);
  }
  return path;
}

/** The path of the parent; undefined for `/`. */
export function parentOf(path: string): string | undefined {
  if (path === '/') return undefined;
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** The servers of an ensemble, and the node that everything is put below. */
export interface Ensemble {
  readonly servers: readonly ServerAddress[];
  /** `/` unless the text ends in a path. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/**
 * Reads `host:port,host:port/path`, as Flink's `high-availability.zookeeper.quorum` has it. Blanks mean nothing; the port is
 * 2181 unless given.
 * @throws IllegalArgumentException when it names no server, or a port that is none
 */
export function parseQuorum(text: string): Ensemble {
  const bare = text.replaceAll(/\s+/g, '');
  const slash = bare.indexOf('/');
  const list = slash === -1 ? bare : bare.slice(0, slash);
  const servers = list
    .split(',')
    .filter((server) => server !== '')
    .map(parseServer);
  if (servers.length === 0) throw new IllegalArgumentException(`the ZooKeeper quorum "${text}" names no server`);
  return { servers, chroot: nodePath(slash === -1 ? '/' : bare.slice(slash)) };
}

function parseServer(text: string): ServerAddress {
  const match = /^(?:\[([^\]\p{Cc}]+)\]|([^:\p{Cc}]+))(?::(\d+))?$/u.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port > 0 && port < 65_536) return { host, port };
  throw new IllegalArgumentException(`"${text}" is no ZooKeeper server: write host:port`);
}
