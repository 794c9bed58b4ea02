/**
 * A session with a ZooKeeper ensemble, over as many connections as it takes.
 *
 *     start ──► connecting ──► connected ──► suspended ──► connected      the same session
 *                   ▲                            └──────► lost ──► connecting   its ephemeral nodes are gone, or going
 *                   └─────────────────────────────────────────┘                 a new session follows
 *
 * A request is sent at most once, except reads, which are repeated on the next connection. So a write that fails says
 * whether it never will be applied or nobody knows. Nothing polls: watches tell of changes, and are set again, with a
 * `resync` to those who watch, on each new connection.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { Connection, type Session } from './connection.ts';
import {
  ClientClosedError,
  ConnectionLossError,
  isRefusal,
  RefusedError,
  senselessAnswer,
  type ZooKeeperError,
} from './errors.ts';
import type { JuteReader } from './jute.ts';
import {
  ANY_VERSION,
  closeRequest,
  existsRequest,
  getChildrenRequest,
  getDataRequest,
  type NodeKind,
  type Operation,
  operationRequest,
  type Request,
  readStat,
  readTransaction,
  type Stat,
  syncRequest,
  transactionRequest,
  type WatchMode,
} from './operations.ts';
import { parentOf, type ServerAddress } from './paths.ts';
import { type NodeListener, Watches } from './watches.ts';

export interface ZooKeeperClientOptions {
  readonly servers: readonly ServerAddress[];
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Asked for; the server keeps it between 2 and 20 of its ticks. @default 60000 */
  readonly sessionTimeoutMs?: number;
  /** For a connection and its handshake. @default 15000 */
  readonly connectionTimeoutMs?: number;
  /** For the answer to a request, the wait for a connection included. @default 10000 */
  readonly requestTimeoutMs?: number;
  /** Sent with each connection, e.g. scheme `digest` and `user:password`. @default none */
  readonly auth?: { readonly scheme: string; readonly credentials: Uint8Array };
}

export type ClientState = 'idle' | 'connecting' | 'connected' | 'suspended' | 'closed';

/** What happens to a session. */
export type SessionEvent =
  | { readonly is: 'connected'; readonly session: bigint; readonly isNew: boolean }
  /** There is no connection for now. Others may still count on the session, or have seen it end. */
  | { readonly is: 'suspended'; readonly cause: Error }
  /** The session is over, and with it its ephemeral nodes. */
  | { readonly is: 'lost'; readonly session: bigint }
  /** There will be no connection any more. */
  | { readonly is: 'closed'; readonly cause: Error };

const DEFAULT_SESSION_MS = 60_000;
const DEFAULT_CONNECTION_MS = 15_000;
const DEFAULT_REQUEST_MS = 10_000;
const NO_SESSION: Omit<Session, 'timeoutMs'> = { id: 0n, password: new Uint8Array(16) };
const LONGEST_BACKOFF_MS = 1_000;

export class ZooKeeperClient {
  readonly #options: ZooKeeperClientOptions;
  readonly #requestTimeoutMs: number;
  #state: ClientState = 'idle';
  #session: Session;
  #connection: Connection | undefined;
  #lastZxid = 0n;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #attempts = 0;
  #nextServer = 0;
  #cancelTimer: () => void = () => {};
  #cancelExpiry: () => void = () => {};
  #closing: Promise<void> | undefined;
  #closedBecause: ClientClosedError | undefined;
  /** Why there is no connection. */
  #endedBecause: Error | undefined;
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  readonly #waiting = new Set<() => void>();
  readonly #watches = new Watches(
    (request) => this.#sendNow(request),
    () => this.#giveUp('the server is older than ZooKeeper 3.6'),
  );

  constructor(options: ZooKeeperClientOptions) {
    this.#options = options;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_MS;
    this.#session = { ...NO_SESSION, timeoutMs: options.sessionTimeoutMs ?? DEFAULT_SESSION_MS };
    this.#nextServer = Math.floor(options.random() * options.servers.length);
  }

  /** Begins to connect. Requests made before wait for it. */
  start(): void {
    if (this.#state === 'idle') this.#connect();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** 0 before the first connection, and while a session that was lost has no successor. */
  get sessionId(): bigint {
    return this.#session.id;
  }

  /** How long the server waits for a word; what was asked for, before the first connection. */
  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs;
  }

  /** When the newest request that was answered was sent, on the monotonic clock. The session lives from then for its timeout. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** The result ends it. */
  onSession(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether there is a connection now, or within the time of a request. */
  async whenConnected(timeoutMs: number = this.#requestTimeoutMs): Promise<boolean> {
    const stopAt = this.#options.clock.monotonic() + timeoutMs;
    while (!this.#isConnected() && this.#closedBecause === undefined) {
      const leftMs = stopAt - this.#options.clock.monotonic();
      if (leftMs <= 0 || !(await this.#change(leftMs))) break;
    }
    return this.#isConnected();
  }

  /** The data of a node; undefined when there is none. */
  async getData(path: string): Promise<{ readonly data: Buffer; readonly stat: Stat } | undefined> {
    return this.#unlessAbsent(getDataRequest(path), (answer) => ({ data: answer.bytes(), stat: readStat(answer) }));
  }

  async exists(path: string): Promise<Stat | undefined> {
    return this.#unlessAbsent(existsRequest(path), readStat);
  }

  /** The names of a node's children; undefined when there is no such node. */
  async getChildren(path: string): Promise<string[] | undefined> {
    return this.#unlessAbsent(getChildrenRequest(path), (answer) => answer.strings());
  }

  /** Reads made after it see everything that was done before it, by whomever. */
  async sync(path: string): Promise<void> {
    await this.#ask(syncRequest(path), () => {});
  }

  /** Makes a node and answers its path; undefined when there is one already. Its parent must be there. */
  async create(path: string, data: Uint8Array, kind: NodeKind = 'persistent'): Promise<string | undefined> {
    try {
      return await this.#ask(operationRequest({ do: 'create', path, data, kind }), (answer) => answer.string());
    } catch (error) {
      if (isRefusal(error, 'NodeExists')) return undefined;
      throw error;
    }
  }

  /** Makes a node and those above it, as far as they are missing. */
  async ensurePath(path: string): Promise<void> {
    try {
      await this.create(path, new Uint8Array());
    } catch (error) {
      const parent = parentOf(path);
      if (!isRefusal(error, 'NoNode') || parent === undefined) throw error;
      await this.ensurePath(parent);
      await this.ensurePath(path);
    }
  }

  /** Removes a node; false when there was none. */
  async delete(path: string, version: number = ANY_VERSION): Promise<boolean> {
    try {
      await this.#ask(operationRequest({ do: 'delete', path, version }), () => {});
      return true;
    } catch (error) {
      if (isRefusal(error, 'NoNode')) return false;
      throw error;
    }
  }

  /**
   * All operations or none, at one instant.
   * @throws RefusedError with the index of the operation that could not be
   */
  async transaction(operations: readonly Operation[]): Promise<void> {
    await this.#ask(transactionRequest(operations), (answer) => readTransaction(answer, operations));
  }

  /** Tells of changes of a node, or of all nodes below it, there or not; first of all, once it is set, `resync`. */
  watch(path: string, mode: WatchMode, listener: NodeListener): () => void {
    return this.#watches.add(path, mode, listener);
  }

  /** Ends the session, so that its ephemeral nodes go at once; where that cannot be said, they go with the session's time. */
  close(): Promise<void> {
    this.#closing ??= this.#close(new ClientClosedError('it was closed'));
    return this.#closing;
  }

  #giveUp(why: string): void {
    this.#closing ??= this.#close(new ClientClosedError(why));
  }

  async #close(reason: ClientClosedError): Promise<void> {
    const connection = this.#state === 'connected' ? this.#connection : undefined;
    this.#closedBecause = reason;
    this.#become('closed', { is: 'closed', cause: reason });
    this.#cancelTimer();
    this.#cancelExpiry();
    if (connection !== undefined) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.setTimer(this.#requestTimeoutMs, resolve);
        const said = connection.send(closeRequest).catch(() => {});
        void said.then(cancel).then(resolve);
      });
    }
    this.#connection?.end(reason);
    this.#connection = undefined;
  }

  async #unlessAbsent<R>(request: Request, read: (answer: JuteReader) => R): Promise<R | undefined> {
    try {
      return await this.#ask(request, read);
    } catch (error) {
      if (isRefusal(error, 'NoNode')) return undefined;
      throw error;
    }
  }

  /** Sends a request once there is a connection; a read again when its connection ended. */
  async #ask<R>(request: Request, read: (answer: JuteReader) => R): Promise<R> {
    const stopAt = this.#options.clock.monotonic() + this.#requestTimeoutMs;
    for (;;) {
      const leftMs = stopAt - this.#options.clock.monotonic();
      if (!(await this.whenConnected(leftMs))) throw this.#noConnection(request);
      try {
        return read(await this.#withinTime(request, leftMs));
      } catch (error) {
        if (error instanceof RangeError) throw senselessAnswer(request, error);
        const mayRepeat = request.isRead || (error as ZooKeeperError).outcome === 'notApplied';
        if (!(error instanceof ConnectionLossError) || !mayRepeat || this.#options.clock.monotonic() >= stopAt) {
          throw error;
        }
      }
    }
  }

  #noConnection(request: Request): Error {
    if (this.#closedBecause !== undefined) return this.#closedBecause;
    const cause = this.#endedBecause;
    const why = `there is no connection${cause === undefined ? '' : ` (${cause.message})`}`;
    return new ConnectionLossError(request.what, why, { outcome: 'notApplied', cause });
  }

  #withinTime(request: Request, timeoutMs: number): Promise<JuteReader> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.setTimer(timeoutMs, () => {
        const outcome = request.isRead ? 'notApplied' : 'unknown';
        reject(new ConnectionLossError(request.what, `no answer within ${this.#requestTimeoutMs} ms`, { outcome }));
      });
      this.#sendNow(request).then(resolve, reject).finally(cancel);
    });
  }

  async #sendNow(request: Request): Promise<JuteReader> {
    if (this.#connection === undefined) throw this.#noConnection(request);
    return this.#connection.send(request);
  }

  #isConnected(): boolean {
    return this.#state === 'connected';
  }

  #connect(): void {
    const { servers, clock, connectionTimeoutMs = DEFAULT_CONNECTION_MS } = this.#options;
    const server = servers[this.#nextServer % servers.length];
    if (server === undefined || this.#state === 'closed') return;
    this.#nextServer += 1;
    if (this.#state === 'idle') this.#state = 'connecting';
    const socket: Socket = connect(server);
    const connection: Connection = new Connection({
      socket,
      session: this.#session,
      lastZxid: this.#lastZxid,
      clock,
      connectionTimeoutMs,
      listener: {
        opened: (session) => this.#opened(connection, session),
        expired: () => this.#lost(),
        answered: (sentAt) => {
          this.#answeredAt = Math.max(this.#answeredAt, sentAt);
        },
        changed: (event) => this.#watches.tell(event),
        ended: (cause) => this.#ended(connection, cause),
      },
    });
    this.#connection = connection;
  }

  #opened(connection: Connection, session: Session): void {
    const isNew = session.id !== this.#session.id;
    this.#session = session;
    this.#attempts = 0;
    this.#endedBecause = undefined;
    this.#cancelExpiry();
    const { auth, clock } = this.#options;
    if (isNew) this.#answeredAt = clock.monotonic();
    if (auth !== undefined) connection.authenticate(auth.scheme, auth.credentials);
    this.#become('connected', { is: 'connected', session: session.id, isNew });
    this.#watches.setAll();
  }

  #ended(connection: Connection, cause: Error): void {
    if (connection !== this.#connection) return;
    this.#lastZxid = connection.lastZxid;
    this.#connection = undefined;
    this.#endedBecause = cause;
    if (this.#state === 'closed') return;
    if (cause instanceof RefusedError) {
      this.#giveUp(cause.message);
      return;
    }
    if (this.#state === 'connected') {
      this.#become('suspended', { is: 'suspended', cause });
      this.#expectExpiry();
    }
    this.#connectLater();
  }

  #connectLater(): void {
    const { servers, random, clock } = this.#options;
    this.#attempts += 1;
    // The other servers are tried at once; then all of them, less and less often.
    const rounds = Math.floor(this.#attempts / servers.length);
    const delayMs = rounds === 0 ? 0 : random() * Math.min(LONGEST_BACKOFF_MS, 20 * 2 ** rounds);
    this.#cancelTimer = clock.setTimer(delayMs, () => this.#connect());
  }

  /** Without a connection for the session's whole time it is over, whether or not a server can be asked. */
  #expectExpiry(): void {
    const { clock } = this.#options;
    const leftMs = this.#answeredAt + this.#session.timeoutMs - clock.monotonic();
    this.#cancelExpiry = clock.setTimer(Math.max(0, leftMs), () => {
      const connection = this.#connection;
      this.#lost();
      // Whatever is being tried would ask for the session that is given up.
      connection?.end(new Error('the session has expired'));
    });
  }

  #lost(): void {
    const { id } = this.#session;
    if (id === 0n) return;
    this.#cancelExpiry();
    this.#session = { ...NO_SESSION, timeoutMs: this.#options.sessionTimeoutMs ?? DEFAULT_SESSION_MS };
    this.#lastZxid = 0n;
    this.#become('connecting', { is: 'lost', session: id });
  }

  #become(state: ClientState, event?: SessionEvent): void {
    this.#state = state;
    if (event !== undefined) for (const listener of [...this.#listeners]) listener(event);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends with the next change of state; false when time ran out first. */
  #change(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#waiting.delete(wake);
        resolve(true);
      };
      const cancel = this.#options.clock.setTimer(timeoutMs, () => {
        this.#waiting.delete(wake);
        resolve(false);
      });
      this.#waiting.add(wake);
    });
  }
}
