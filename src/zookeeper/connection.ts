/**
 * One TCP connection to one server, from the handshake to its end. Answers come in the order of the requests. A connection
 * that brings nothing for two thirds of the session's time is given up, however open it looks: pings are sent so that a
 * server which is there always has something to say.
 *
 *     connecting ──► handshake ──► open ──► ended    (cut, silent, refused, closed on purpose)
 */
import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { ConnectionLossError, RefusedError } from './errors.ts';
import { JuteReader, JuteWriter, LARGEST_FRAME_BYTES } from './jute.ts';
import { OP, type Request } from './operations.ts';

/** How a session shows that it is the same one after the connection was another. */
export interface Session {
  /** 0: a new session is asked for. */
  readonly id: bigint;
  readonly password: Uint8Array;
  /** After this long without a word the server ends it; the server has the last word on how long that is. */
  readonly timeoutMs: number;
}

/** A change of a node that was watched. */
export interface NodeEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
}

/** Who wants to know what a connection brings. */
export interface ConnectionListener {
  /** The handshake is done. */
  opened(session: Session): void;
  /** The server does not know the session any more. */
  expired(): void;
  /** A request that was sent at this monotonic time was answered, so the server has heard of the session since. */
  answered(sentAt: number): void;
  changed(event: NodeEvent): void;
  /** Called once, after all requests under way were told. */
  ended(cause: Error): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly session: Session;
  readonly lastZxid: bigint;
  readonly clock: Clock;
  readonly connectionTimeoutMs: number;
  readonly listener: ConnectionListener;
}

const XID_NOTIFICATION = -1;
const XID_PING = -2;
const XID_AUTH = -4;
/** How often in a session's time it is looked whether a ping is due, or the connection silent. */
const LOOKS = 6;

const EVENT_TYPES: Readonly<Record<number, NodeEvent['type']>> = {
  1: 'created',
  2: 'deleted',
  3: 'dataChanged',
  4: 'childrenChanged',
};

interface Pending {
  readonly xid: number;
  readonly sentAt: number;
  readonly what: string;
  readonly resolve: (answer: JuteReader) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  /** The newest change of the ensemble that was seen here. */
  lastZxid: bigint;
  readonly #options: ConnectionOptions;
  #timeoutMs: number;
  #state: 'connecting' | 'open' | 'ended' = 'connecting';
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #pending: Pending[] = [];
  #nextXid = 1;
  #heardAt: number;
  #pingSentAt: number | undefined;
  #lastPingAt: number;
  #cancelTimer: () => void;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { socket, clock, session, connectionTimeoutMs, lastZxid } = options;
    this.lastZxid = lastZxid;
    this.#timeoutMs = session.timeoutMs;
    this.#heardAt = clock.monotonic();
    this.#lastPingAt = this.#heardAt;
    socket.setNoDelay(true);
    socket.once('connect', () => this.#shakeHands());
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.once('error', (error) => this.end(error));
    socket.once('close', () => this.end(new Error('the connection was closed')));
    this.#cancelTimer = clock.setTimer(connectionTimeoutMs, () =>
      this.end(new Error(`no session within ${connectionTimeoutMs} ms`)),
    );
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /**
   * Sends a request now. Resolves to the body of a success.
   * @throws RefusedError with what the server answered otherwise
   * @throws ConnectionLossError when the connection ends before the answer
   */
  send(request: Request): Promise<JuteReader> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new ConnectionLossError(request.what, 'there is no connection', { outcome: 'notApplied' }));
        return;
      }
      const xid = this.#nextXid;
      this.#nextXid = xid === 0x7fffffff ? 1 : xid + 1;
      const sentAt = this.#options.clock.monotonic();
      this.#pending.push({ xid, sentAt, what: request.what, resolve, reject });
      const frame = new JuteWriter().int(xid).int(request.op);
      request.write(frame);
      this.#options.socket.write(frame.frame());
    });
  }

  authenticate(scheme: string, credentials: Uint8Array): void {
    const frame = new JuteWriter().int(XID_AUTH).int(OP.auth).int(0).string(scheme).bytes(credentials);
    this.#options.socket.write(frame.frame());
  }

  /** Ends the connection at once. What was sent and not answered may or may not have happened. */
  end(cause: Error): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelTimer();
    this.#options.socket.destroy();
    const pending = this.#pending;
    this.#pending = [];
    for (const { what, reject } of pending) {
      reject(new ConnectionLossError(what, cause.message, { outcome: 'unknown', cause }));
    }
    this.#options.listener.ended(cause);
  }

  #shakeHands(): void {
    const { session, socket } = this.#options;
    const frame = new JuteWriter().int(0).long(this.lastZxid).int(session.timeoutMs).long(session.id);
    socket.write(frame.bytes(session.password).bool(false).frame());
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'ended') return;
    this.#heardAt = this.#options.clock.monotonic();
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes < 4) return;
    let buffer = Buffer.concat(this.#received, this.#receivedBytes);
    try {
      for (;;) {
        const length = buffer.length < 4 ? 0 : buffer.readInt32BE(0);
        if (length < 0 || length > LARGEST_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes`);
        if (buffer.length < 4 + length || buffer.length < 4) break;
        this.#read(new JuteReader(buffer.subarray(4, 4 + length)));
        // Whoever was told may have ended the connection.
        if (this.#isEnded()) return;
        buffer = buffer.subarray(4 + length);
      }
    } catch (cause) {
      this.end(new Error(`the server does not speak ZooKeeper's protocol: ${(cause as Error).message}`, { cause }));
      return;
    }
    this.#received = buffer.length === 0 ? [] : [buffer];
    this.#receivedBytes = buffer.length;
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  #read(frame: JuteReader): void {
    if (this.#state === 'connecting') {
      this.#readHandshake(frame);
      return;
    }
    const xid = frame.int();
    const zxid = frame.long();
    const error = frame.int();
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    switch (xid) {
      case XID_PING:
        if (this.#pingSentAt !== undefined) this.#options.listener.answered(this.#pingSentAt);
        this.#pingSentAt = undefined;
        return;
      case XID_AUTH:
        if (error !== 0) this.end(new RefusedError(error, 'to log in'));
        return;
      case XID_NOTIFICATION:
        this.#readNotification(frame);
        return;
      default:
        this.#readAnswer(xid, error, frame);
    }
  }

  #readHandshake(frame: JuteReader): void {
    frame.int();
    const timeoutMs = frame.int();
    const id = frame.long();
    const password = frame.bytes();
    const { listener, clock } = this.#options;
    if (timeoutMs <= 0) {
      listener.expired();
      this.end(new Error('the session has expired'));
      return;
    }
    this.#state = 'open';
    this.#timeoutMs = timeoutMs;
    this.#lastPingAt = clock.monotonic();
    this.#cancelTimer();
    this.#lookAfter();
    listener.opened({ id, password, timeoutMs });
  }

  #readNotification(frame: JuteReader): void {
    const type = EVENT_TYPES[frame.int()];
    frame.int();
    if (type !== undefined) this.#options.listener.changed({ type, path: frame.string() });
  }

  #readAnswer(xid: number, error: number, frame: JuteReader): void {
    const answered = this.#pending.shift();
    if (answered?.xid !== xid) throw new RangeError(`answer ${xid} instead of ${answered?.xid ?? 'none'}`);
    this.#options.listener.answered(answered.sentAt);
    if (error === 0) answered.resolve(frame);
    else answered.reject(new RefusedError(error, answered.what));
  }

  #lookAfter(): void {
    const { clock } = this.#options;
    this.#cancelTimer = clock.setTimer(this.#timeoutMs / LOOKS, () => {
      const now = clock.monotonic();
      const silentMs = now - this.#heardAt;
      if (silentMs >= (this.#timeoutMs * 2) / 3) {
        this.end(new Error(`the server has been silent for ${Math.round(silentMs)} ms`));
        return;
      }
      if (this.#pingSentAt === undefined && now - this.#lastPingAt >= this.#timeoutMs / 3) this.#ping(now);
      this.#lookAfter();
    });
  }

  #ping(now: number): void {
    this.#pingSentAt = now;
    this.#lastPingAt = now;
    this.#options.socket.write(new JuteWriter().int(XID_PING).int(OP.ping).frame());
  }
}
