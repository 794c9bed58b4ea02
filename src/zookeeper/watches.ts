/** Who watches which nodes. Watches belong to a connection on the server, so each new connection is told all of them. */
import type { NodeEvent } from './connection.ts';
import { isRefusal } from './errors.ts';
import { addWatchRequest, type Request, removeWatchRequest, type WatchMode } from './operations.ts';

/** Told of changes of what it watches; `resync`: look anew, something may have been missed. */
export type NodeListener = (event: NodeEvent | { readonly type: 'resync' }) => void;

interface Watch {
  readonly mode: WatchMode;
  readonly listeners: Set<NodeListener>;
}

/** Sends on the connection there is; fails when there is none. */
type Send = (request: Request) => Promise<unknown>;

export class Watches {
  readonly #send: Send;
  readonly #tooOld: () => void;
  readonly #byPath = new Map<string, Watch>();

  /** @param tooOld told when the server has no watches that stay: nobody would ever hear of a change */
  constructor(send: Send, tooOld: () => void) {
    this.#send = send;
    this.#tooOld = tooOld;
  }

  /** The result ends it. All who watch one path watch it in one mode, that of the first. */
  add(path: string, mode: WatchMode, listener: NodeListener): () => void {
    const watch = this.#byPath.get(path) ?? { mode, listeners: new Set() };
    this.#byPath.set(path, watch);
    watch.listeners.add(listener);
    this.#set(path, watch.mode, [listener]);
    return () => {
      watch.listeners.delete(listener);
      if (watch.listeners.size > 0 || this.#byPath.get(path) !== watch) return;
      this.#byPath.delete(path);
      // An event that comes all the same finds no listener.
      this.#send(removeWatchRequest(path)).catch(() => {});
    };
  }

  /** Sets all of them on a new connection. */
  setAll(): void {
    for (const [path, { mode, listeners }] of this.#byPath) this.#set(path, mode, [...listeners]);
  }

  tell(event: NodeEvent): void {
    for (const [path, { mode, listeners }] of [...this.#byPath]) {
      const isBelow = mode === 'subtree' && event.path.startsWith(path === '/' ? path : `${path}/`);
      if (path === event.path || isBelow) for (const listener of [...listeners]) listener(event);
    }
  }

  #set(path: string, mode: WatchMode, listeners: readonly NodeListener[]): void {
    const set = async (): Promise<void> => {
      await this.#send(addWatchRequest(path, mode));
      const current = this.#byPath.get(path)?.listeners;
      for (const listener of listeners) if (current?.has(listener)) listener({ type: 'resync' });
    };
    // Without a connection there is no watch; the next connection sets it.
    set().catch((error: unknown) => {
      if (isRefusal(error, 'Unimplemented')) this.#tooOld();
    });
  }
}
