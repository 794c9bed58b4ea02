/**
 * The HTTP server that kubelets and scrapers ask: `/livez`, `/readyz` and what else it is given. 200 with `ok`, or 503 with the
 * reasons, one a line. Asks nobody else for an answer.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { http } from '../lib/http.ts';
import type { Verdict } from './health.ts';

/** What can be asked of a process. */
export interface Health {
  livez(): Verdict;
  readyz(): Verdict;
}

/** A page of text. */
export interface Page {
  readonly contentType: string;
  readonly body: string;
}

export interface ProbeServerOptions {
  /** 0 for any that is free. */
  readonly port: number;
  /** @default all addresses: kubelets come from outside the pod */
  readonly host?: string;
  /** More pages by path, as `/metrics`. @default none */
  readonly pages?: Readonly<Record<string, () => Promise<Page>>>;
}

export class ProbeServer {
  private readonly options: ProbeServerOptions;
  private server: Server | undefined;

  constructor(options: ProbeServerOptions) {
    this.options = options;
  }

  /** Where it listens; 0 while it does not. */
  get port(): number {
    return (this.server?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  /** Resolves when it listens; throws when the port is taken. */
  async start(health: Health): Promise<void> {
    const server = http.createServer((request, response) => {
      this.answer(health, request).then(
        ({ status, page }) => send(response, status, page),
        (error: Error) => send(response, 500, plain(error.message)),
      );
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.options.port, this.options.host, resolve);
    });
  }

  /** Ends at once; connections that are kept alive are closed. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  private async answer(health: Health, { method, url = '' }: IncomingMessage): Promise<{ status: number; page: Page }> {
    const [path = ''] = url.split('?', 1);
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, page: plain('only GET') };
    if (path === '/livez') return judged(health.livez());
    if (path === '/readyz') return judged(health.readyz());
    const page = this.options.pages?.[path];
    return page === undefined ? { status: 404, page: plain('not found') } : { status: 200, page: await page() };
  }
}

function judged({ isGood, why }: Verdict): { status: number; page: Page } {
  return isGood ? { status: 200, page: plain('ok') } : { status: 503, page: plain(why.join('\n')) };
}

function plain(body: string): Page {
  return { contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(response: ServerResponse, status: number, { contentType, body }: Page): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
