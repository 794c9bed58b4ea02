/**
 * Stands between clients and a real API server, on loopback, with TLS: passes everything on, unless a rule says that
 * something goes wrong. Keeps a record of every request, by which tests and benchmarks count.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterAccess, issueCertificate } from '../../cluster/index.ts';
import { Callers } from './callers.ts';
import { type RequestInfo, requestInfo } from './request-info.ts';
import { ActiveRule, type Fault, fits, type Rule, type Target } from './rules.ts';
import { HeldEvents, spoilWatch } from './watch-faults.ts';

/** One request as it passed. */
export interface PassedRequest extends RequestInfo {
  /** User name; `anonymous` without credentials. */
  readonly identity: string;
  readonly path: string;
  readonly body: string;
  /** Milliseconds since the proxy started. */
  readonly receivedAtMs: number;
  /** HTTP status that the client was sent; undefined when it got none. */
  status: number | undefined;
  /** Status that the server gave, whether or not the client saw it. */
  serverStatus: number | undefined;
  answeredAtMs: number | undefined;
  fault: Fault['do'] | undefined;
}

interface Exchange {
  readonly call: IncomingMessage;
  readonly answer: ServerResponse;
  readonly record: PassedRequest;
  readonly body: Buffer;
  readonly fault: Fault | undefined;
  readonly rule: ActiveRule | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export class ApiProxy implements AsyncDisposable {
  private readonly access: ClusterAccess;
  private readonly server: Server;
  private readonly callers: Callers;
  private readonly held = new HeldEvents();
  private readonly sockets = new Set<Socket>();
  private readonly frozen = new WeakSet<Socket>();
  private readonly firstAnswers = new Map<string, Answer>();
  private readonly startedAt = performance.now();
  private rules: ActiveRule[] = [];
  private port = 0;
  private isFrozen = false;
  /** Everything that passed, in the order it came. */
  readonly requests: PassedRequest[] = [];
  /** The most connections that clients had open at once. */
  peakConnections = 0;

  private constructor(access: ClusterAccess) {
    this.access = access;
    this.callers = new Callers(access);
    const certificate = issueCertificate(access.authority, {
      commonName: 'fault-proxy',
      hosts: ['127.0.0.1', 'localhost'],
    });
    // Certificates are asked for; whoever has none has a token, and the API server decides.
    this.server = createServer({ ...certificate, ca: access.ca, requestCert: true, rejectUnauthorized: false });
    // As the API server, which says nothing of how long it keeps connections.
    this.server.keepAliveTimeout = 0;
    this.server.on('secureConnection', (socket) => this.accept(socket));
    this.server.on('request', (call: IncomingMessage, answer: ServerResponse) => {
      this.handle(call, answer).catch(() => call.socket.destroy());
    });
    this.server.on('tlsClientError', () => {});
  }

  static async start(access: ClusterAccess): Promise<ApiProxy> {
    const proxy = new ApiProxy(access);
    await proxy.listen();
    return proxy;
  }

  /** Now, as the times of requests are counted: milliseconds since the proxy started. */
  get nowMs(): number {
    return performance.now() - this.startedAt;
  }

  /** What clients are to be told. */
  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** From now on, until it is used up. Of several rules that fit the first one given strikes. */
  inject(rule: Rule): ActiveRule {
    const active = new ActiveRule(rule);
    this.rules.push(active);
    return active;
  }

  /** No faults any more; what is held is let go. */
  heal(): void {
    for (const rule of this.rules) rule.release();
    this.rules = [];
    this.letGoOfEvents();
  }

  /** What watches of these tell is kept back until the result is called: a view that stands still, and then goes on. */
  holdEvents(target: Target = {}): () => void {
    return this.held.hold(target);
  }

  /** Nothing is kept back any more. */
  letGoOfEvents(): void {
    this.held.letGo();
  }

  /** Breaks every connection at once. */
  cutConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** From now on no connection there is carries a byte in either direction, and none of them ends; new ones neither. */
  freeze(): void {
    this.isFrozen = true;
    for (const socket of this.sockets) this.frozen.add(socket);
  }

  /** New connections work again. Frozen ones stay as they are. */
  thaw(): void {
    this.isFrozen = false;
  }

  /** Refuses connections, as a server that is not there. */
  async goDown(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cutConnections();
    // One whose request has not been read yet is known to the server alone.
    this.server.closeAllConnections();
    await closed;
  }

  /** There again, under the same address. */
  async comeBack(): Promise<void> {
    await this.listen();
  }

  /** How many requests there were. */
  count(target: Target = {}): number {
    return this.requests.filter((request) => fits(target, request)).length;
  }

  /** Requests by `verb resource identity`, most first. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { verb, resource, identity } of this.requests) {
      const key = `${verb} ${resource} ${identity}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return new Map([...counts].sort(([, left], [, right]) => right - left));
  }

  /** Connections that clients have open. */
  get openConnections(): number {
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    this.heal();
    if (this.server.listening) await this.goDown();
    this.callers.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
  }

  private accept(socket: Socket): void {
    // It came while the server went down.
    if (!this.server.listening) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    this.peakConnections = Math.max(this.peakConnections, this.sockets.size);
    if (this.isFrozen) this.frozen.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async handle(call: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(call);
    const info = requestInfo(call.method ?? 'GET', call.url ?? '/', call.headers['content-type']);
    const identity = this.callers.identityOf(call);
    const record: PassedRequest = {
      ...info,
      identity,
      path: call.url ?? '/',
      body: body.toString('utf8'),
      receivedAtMs: this.nowMs,
      status: undefined,
      serverStatus: undefined,
      answeredAtMs: undefined,
      fault: undefined,
    };
    if (this.frozen.has(call.socket)) return;
    this.requests.push(record);
    let fault: Fault | undefined;
    const rule = this.rules.find((candidate) => {
      fault = candidate.meet({ ...info, identity });
      return fault !== undefined;
    });
    record.fault = fault?.do;
    await this.play({ call, answer, record, body, fault, rule });
  }

  private async play(exchange: Exchange): Promise<void> {
    const { call, fault, record, rule } = exchange;
    switch (fault?.do) {
      case 'dropBefore':
        call.socket.destroy();
        return;
      case 'hang':
        if (fault.forward === true) await this.forward(exchange);
        return;
      case 'answer':
        this.reply(exchange, invented(fault));
        return;
      case 'hold':
        await rule?.released;
        break;
      case 'delay':
        if (fault.on !== 'answer') await pause(fault.ms);
        break;
      case 'stale': {
        const first = this.firstAnswers.get(record.path);
        if (first === undefined) break;
        this.reply(exchange, first);
        return;
      }
    }
    if (record.verb === 'watch') return this.forwardWatch(exchange);
    const received = await this.forward(exchange);
    if (!this.firstAnswers.has(record.path)) this.firstAnswers.set(record.path, received);
    if (fault?.do === 'dropAfter') call.socket.destroy();
    else if (fault?.do === 'truncate') this.breakOff(exchange, received, fault.bytes);
    else {
      if (fault?.do === 'delay' && fault.on === 'answer') await pause(fault.ms);
      this.reply(exchange, received);
    }
  }

  /** Sends the request to the server and reads the whole answer. */
  private async forward(exchange: Exchange): Promise<Answer> {
    const incoming = await this.send(exchange);
    const body = await buffer(incoming);
    exchange.record.serverStatus = incoming.statusCode;
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body };
  }

  private send({ call, body }: Exchange): Promise<IncomingMessage> {
    const { headers, agent } = this.callers.passport(call);
    return new Promise((resolve, reject) => {
      const onwards = request(`${this.access.server}${call.url}`, { method: call.method, headers, agent }, resolve);
      onwards.once('error', reject);
      onwards.end(body);
    });
  }

  private async forwardWatch(exchange: Exchange): Promise<void> {
    const { call, answer, record, fault } = exchange;
    const incoming = await this.send(exchange);
    record.serverStatus = incoming.statusCode;
    call.socket.once('close', () => incoming.destroy());
    if (incoming.statusCode !== 200 || fault?.do !== 'watch') {
      answer.writeHead(incoming.statusCode ?? 0, incoming.headers);
      record.status = incoming.statusCode;
      answer.flushHeaders();
      incoming.on('data', (chunk: Buffer) => this.held.tellWhenFree(record, () => this.write(answer, chunk)));
      incoming.once('end', () => this.held.tellWhenFree(record, () => answer.end()));
      incoming.once('error', () => call.socket.destroy());
      return;
    }
    record.status = 200;
    answer.writeHead(200, incoming.headers);
    answer.flushHeaders();
    await spoilWatch(incoming, exchange, fault);
  }

  private reply({ answer, record }: Exchange, { status, headers, body }: Answer): void {
    if (answer.destroyed || this.frozen.has(answer.req.socket)) return;
    record.status = status;
    record.answeredAtMs = this.nowMs;
    const { 'transfer-encoding': _, connection: __, ...kept } = headers;
    answer.writeHead(status, { ...kept, 'content-length': String(body.length) });
    answer.end(body);
  }

  private breakOff({ answer, call }: Exchange, { status, headers, body }: Answer, bytes: number): void {
    const { 'transfer-encoding': _, connection: __, ...kept } = headers;
    answer.writeHead(status, { ...kept, 'content-length': String(body.length) });
    answer.write(body.subarray(0, bytes), () => call.socket.destroy());
  }

  private write(answer: ServerResponse, chunk: Buffer): void {
    if (!this.frozen.has(answer.req.socket)) answer.write(chunk);
  }
}

function invented({ status, reason, retryAfterS, body }: Extract<Fault, { do: 'answer' }>): Answer {
  const content = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason: reason ?? '',
    message: `invented by the fault proxy: ${status} ${reason ?? ''}`,
    ...(retryAfterS !== undefined && { details: { retryAfterSeconds: retryAfterS } }),
  };
  const headers: IncomingMessage['headers'] = { 'content-type': 'application/json' };
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS);
  return { status, headers, body: Buffer.from(body ?? JSON.stringify(content)) };
}
