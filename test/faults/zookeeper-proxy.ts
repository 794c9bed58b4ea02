/** The network between ZooKeeper clients and a server: it passes everything on, until it is told to fail. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What happens to the next transaction: lost on the way with its connection · done, and its answer lost with the connection ·
 * on the way until it is released, its sender's connection lost · answered by the network with this error, not passed on.
 */
export type TransactionFault = (
  | { readonly do: 'dropBefore' }
  | { readonly do: 'dropAfter' }
  | { readonly do: 'hold' }
  | { readonly do: 'answer'; readonly error: number }
) & {
  /** What kind of request it happens to. @default transactions */
  readonly to?: keyof typeof OPS;
};

const PING = 11;
const OPS = { transaction: 14, create: 1 } as const;

export class ZooKeeperProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #links = new Set<Link>();
  readonly #faults: TransactionFault[] = [];
  #held: (() => Promise<void>) | undefined;
  #isFrozen = false;
  #isDown = false;
  /** Transactions that clients have sent. */
  transactions = 0;
  /** Everything that clients have sent, but pings. */
  requests = 0;
  /** Connections that clients have made. */
  connections = 0;

  private constructor(target: number, server: Server) {
    this.#target = target;
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async start(target: number): Promise<ZooKeeperProxy> {
    const server = createServer();
    const proxy = new ZooKeeperProxy(target, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** For the next requests of their kind, one each. */
  fail(...faults: readonly TransactionFault[]): void {
    this.#faults.push(...faults);
  }

  /** Passes on what is held and waits until the server has answered it. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.();
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of [...this.#links]) link.end();
  }

  /** Breaks all connections within the next answer, after so many of its bytes. */
  cutWithinAnswer(bytes: number): void {
    for (const link of this.#links) link.cutAnswerAfter = bytes;
  }

  /** Connections stay open, and nothing comes through. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const link of this.#links) link.flush();
  }

  goDown(): void {
    this.#isDown = true;
    this.cut();
  }

  comeBack(): void {
    this.#isDown = false;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.connections += 1;
    if (this.#isDown) {
      client.destroy();
      return;
    }
    const link = new Link(client, connect(this.#target, '127.0.0.1'), {
      isFrozen: () => this.#isFrozen,
      faultOf: (op) => {
        if (op === OPS.transaction) this.transactions += 1;
        if (op !== PING) this.requests += 1;
        const index = this.#faults.findIndex(({ to = 'transaction' }) => OPS[to] === op);
        return index === -1 ? undefined : this.#faults.splice(index, 1)[0];
      },
      held: (release) => {
        this.#held = release;
      },
      ended: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

interface Network {
  isFrozen(): boolean;
  faultOf(op: number): TransactionFault | undefined;
  held(release: () => Promise<void>): void;
  ended(): void;
}

/** A connection of a client, and the one that goes on from it. */
class Link {
  cutAnswerAfter = -1;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #network: Network;
  readonly #requests = new Frames();
  readonly #answers = new Frames();
  readonly #waiting: (() => void)[] = [];
  #isFirst = true;
  #lostXid: number | undefined;
  #isHolding = false;

  constructor(client: Socket, server: Socket, network: Network) {
    this.#client = client;
    this.#server = server;
    this.#network = network;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
    }
    client.on('data', (chunk) => this.#pass(() => this.#fromClient(chunk)));
    server.on('data', (chunk) => this.#pass(() => this.#fromServer(chunk)));
    client.on('close', () => this.#isHolding || this.end());
    server.on('close', () => this.end());
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
    this.#network.ended();
  }

  flush(): void {
    for (const step of this.#waiting.splice(0)) step();
  }

  #pass(step: () => void): void {
    if (this.#network.isFrozen()) this.#waiting.push(step);
    else step();
  }

  #fromClient(chunk: Buffer): void {
    for (const frame of this.#requests.take(chunk)) {
      if (this.#isFirst) {
        this.#isFirst = false;
        this.#server.write(frame);
        continue;
      }
      const xid = frame.readInt32BE(4);
      const fault = this.#network.faultOf(frame.readInt32BE(8));
      switch (fault?.do) {
        case undefined:
          this.#server.write(frame);
          break;
        case 'dropBefore':
          this.end();
          return;
        case 'dropAfter':
          this.#lostXid = xid;
          this.#server.write(frame);
          break;
        case 'hold':
          this.#hold(frame);
          return;
        case 'answer': {
          const answer = Buffer.alloc(20);
          answer.writeInt32BE(16, 0);
          answer.writeInt32BE(xid, 4);
          answer.writeInt32BE(fault.error, 16);
          this.#client.write(answer);
        }
      }
    }
  }

  #fromServer(chunk: Buffer): void {
    if (this.cutAnswerAfter >= 0) {
      this.#client.write(chunk.subarray(0, this.cutAnswerAfter), () => this.end());
      return;
    }
    for (const frame of this.#answers.take(chunk)) {
      if (this.#lostXid !== undefined && frame.readInt32BE(4) === this.#lostXid) {
        this.end();
        return;
      }
      this.#client.write(frame);
    }
  }

  #hold(frame: Buffer): void {
    this.#isHolding = true;
    this.#client.destroy();
    this.#network.held(async () => {
      // A server that has seen the session come back on another connection ends this one: then it never arrives.
      if (this.#server.destroyed) return;
      const answered = new Promise((resolve) => {
        this.#server.once('data', resolve);
        this.#server.once('close', resolve);
      });
      this.#server.write(frame);
      await answered;
      this.end();
    });
  }
}

/** Splits a stream into frames, each with its length in front. */
class Frames {
  #rest = Buffer.alloc(0);

  take(chunk: Buffer): Buffer[] {
    let buffer = Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
      const end = 4 + buffer.readInt32BE(0);
      frames.push(buffer.subarray(0, end));
      buffer = buffer.subarray(end);
    }
    this.#rest = buffer;
    return frames;
  }
}
