/**
 * Stands between clients and a real API server, on loopback, with TLS: passes everything on, unless a rule says that
 * something goes wrong. Keeps a record of every request, by which tests and benchmarks count.
 *
 * Callers are who they are: a bearer token is passed on; of a client certificate the server is told the user and groups.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { type ClusterAccess, issueCertificate } from '../../cluster/index.ts';
import { type RequestInfo, requestInfo } from './request-info.ts';
import { ActiveRule, type Fault, fits, type Rule, type Target } from './rules.ts';

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
  private readonly direct: Agent;
  private readonly asFrontProxy: Agent;
  private readonly sockets = new Set<Socket>();
  private readonly frozen = new WeakSet<Socket>();
  private readonly firstAnswers = new Map<string, Answer>();
  private readonly startedAt = performance.now();
  private rules: ActiveRule[] = [];
  private held: { readonly target: Target; readonly waiting: (() => void)[] }[] = [];
  private port = 0;
  private isFrozen = false;
  /** Everything that passed, in the order it came. */
  readonly requests: PassedRequest[] = [];
  /** The most connections that clients had open at once. */
  peakConnections = 0;

  private constructor(access: ClusterAccess) {
    this.access = access;
    this.direct = new Agent({ keepAlive: true, ca: access.ca });
    this.asFrontProxy = new Agent({ keepAlive: true, ca: access.ca, ...access.frontProxy });
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
    const hold = { target, waiting: [] };
    this.held.push(hold);
    return () => this.letGo(hold);
  }

  /** Nothing is kept back any more. */
  letGoOfEvents(): void {
    for (const hold of this.held) this.letGo(hold);
  }

  private letGo(hold: (typeof this.held)[number]): void {
    this.held = this.held.filter((each) => each !== hold);
    for (const tell of hold.waiting.splice(0)) tell();
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
    this.direct.destroy();
    this.asFrontProxy.destroy();
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
    const identity = this.identityOf(call);
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
    const { headers, agent } = this.passport(call);
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
      incoming.on('data', (chunk: Buffer) => this.tellWhenFree(record, () => this.write(answer, chunk)));
      incoming.once('end', () => this.tellWhenFree(record, () => answer.end()));
      incoming.once('error', () => call.socket.destroy());
      return;
    }
    record.status = 200;
    answer.writeHead(200, incoming.headers);
    answer.flushHeaders();
    await this.spoilWatch(incoming, exchange, fault);
  }

  private tellWhenFree(record: PassedRequest, tell: () => void): void {
    const hold = this.held.find(({ target }) => fits(target, record));
    if (hold === undefined) tell();
    else hold.waiting.push(tell);
  }

  /** Passes on so many lines, and then does what the rule says. */
  private async spoilWatch(
    incoming: IncomingMessage,
    { call, answer }: Exchange,
    fault: Extract<Fault, { do: 'watch' }>,
  ): Promise<void> {
    let rest = '';
    let lines = 0;
    const spoil = (next: string): boolean => {
      if (lines < fault.afterLines) return false;
      if (fault.ending === 'end') answer.end();
      else if (fault.ending === 'reset') call.socket.destroy();
      else if (fault.ending === 'resetInLine')
        answer.write(next.slice(0, Math.ceil(next.length / 2)), () => call.socket.destroy());
      else if (fault.ending !== 'silence') answer.write(`${fault.ending.line}\n`);
      return true;
    };
    // With `resetInLine` there has to be a line to break in.
    if (fault.ending !== 'resetInLine' && spoil('')) return;
    try {
      for await (const chunk of incoming) {
        rest += String(chunk);
        for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
          const line = rest.slice(0, end + 1);
          rest = rest.slice(end + 1);
          if (fault.ending === 'resetInLine' && spoil(line)) return;
          answer.write(line);
          lines += 1;
          if (fault.ending !== 'resetInLine' && spoil('')) return;
        }
      }
      answer.end();
    } catch {
      // The client has gone, or the server: either way this watch is over.
      call.socket.destroy();
    }
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

  private identityOf(call: IncomingMessage): string {
    const token = call.headers.authorization?.replace(/^Bearer /, '');
    if (token === this.access.adminToken) return 'test-admin';
    if (token !== undefined) return subjectOf(token);
    return peerOf(call)?.subject.CN?.toString() ?? 'anonymous';
  }

  /** Headers and connection under which a request goes on. */
  private passport(call: IncomingMessage): { headers: IncomingMessage['headers']; agent: Agent } {
    const { connection: _, host: __, ...headers } = call.headers;
    const peer = headers.authorization === undefined ? peerOf(call) : undefined;
    if (peer === undefined) return { headers, agent: this.direct };
    const groups = [peer.subject.O ?? []].flat();
    const user = { 'x-remote-user': peer.subject.CN?.toString() ?? '', 'x-remote-group': groups };
    return { headers: { ...headers, ...user } as unknown as IncomingMessage['headers'], agent: this.asFrontProxy };
  }
}

/** The certificate of a client, when the test cluster's authority signed it. */
function peerOf(call: IncomingMessage): PeerCertificate | undefined {
  const socket = call.socket as TLSSocket;
  return socket.authorized ? socket.getPeerCertificate() : undefined;
}

function subjectOf(token: string): string {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub ?? 'anonymous';
  } catch {
    // Not a token of a service account.
    return 'anonymous';
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
