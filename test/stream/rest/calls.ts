/** Servers for one test, and ways to call them. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { serverOptions, startServer, type TestServer } from './builders.ts';

/** A server that is closed after the test. */
export async function started(more: Parameters<typeof serverOptions>[0] = {}): Promise<TestServer> {
  const server = await startServer(serverOptions(more));
  onTestFinished(() => server.close(0));
  return server;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not computed with
  body: any;
}

export async function call(server: TestServer, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export const post = (server: TestServer, path: string, body?: unknown) =>
  call(server, path, { method: 'POST', ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

/** A request with headers that fetch does not let one set. */
export function rawCall(
  server: TestServer,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: server.host, port: server.port, path, method, headers },
      (answer: IncomingMessage) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

/** Bytes over a bare socket; resolves with everything that comes back until the server closes. */
export function bytes(server: TestServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.host, () => socket.write(text));
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk.toString();
    });
    socket.on('end', () => resolve(got));
    socket.on('error', reject);
  });
}
