/**
 * Answers for a pod that does not lead: whether it is alive and has loaded, for the kubelet; everything else it passes on
 * to the leader, so that the Service of a job may reach any of its pods.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { http } from '../../lib/http.ts';
import { NOBODY_LEADS, type RequestHandler, type RestDoor, sendReply } from '../../stream/index.ts';

/** Set on what is passed on. Two processes that each take the other for the leader do not pass it on for ever. */
const FORWARDED = 'x-flinkjob-forwarded';
/** How long the leader may take to begin its answer. */
const LEADER_TIMEOUT_MS = 10_000;

const READY = { status: 200, body: { status: 'ready' } };
const LOADING = { status: 503, body: { status: 'loading' } };

/** What a pod knows of itself and of its leader; changed as it finds out. */
export class Standby {
  #leader: string | undefined;
  #isReady = false;

  /** All that a kubelet waits for: the program is loaded, or the process leads. */
  ready(): void {
    this.#isReady = true;
  }

  /** `http://host:port` of the process that leads; undefined while nobody does. */
  follow(leader: string | undefined): void {
    this.#leader = leader;
  }

  /** Answers while this process does not lead. */
  readonly handle: RequestHandler = (request, response) => {
    if (this.#probe(request, response)) return;
    if (this.#leader === undefined || request.headers[FORWARDED] !== undefined)
      return sendReply(response, NOBODY_LEADS);
    forward(this.#leader, request, response);
  };

  /** A door whose visitors are probed here first, under the address that others reach the pod by. */
  behind(door: RestDoor, url: string): RestDoor {
    const attach = (handler: RequestHandler) =>
      door.attach((request, response) => {
        if (!this.#probe(request, response)) handler(request, response);
      });
    return { host: door.host, url, attach };
  }

  #probe({ url }: IncomingMessage, response: ServerResponse): boolean {
    switch (url) {
      case '/livez':
        sendReply(response, { status: 200, body: { status: 'alive' } });
        return true;
      case '/readyz':
        sendReply(response, this.#isReady ? READY : LOADING);
        return true;
      default:
        return false;
    }
  }
}

function forward(leader: string, request: IncomingMessage, response: ServerResponse): void {
  const { connection: _, ...headers } = request.headers;
  const passedOn = http.request(
    `${leader}${request.url ?? '/'}`,
    { method: request.method, headers: { ...headers, [FORWARDED]: '1' }, timeout: LEADER_TIMEOUT_MS },
    (answered) => {
      const { connection: __, ...answeredHeaders } = answered.headers;
      response.writeHead(answered.statusCode ?? 502, answeredHeaders);
      answered.pipe(response);
    },
  );
  passedOn.on('timeout', () => passedOn.destroy(new Error('the leader does not answer')));
  // Whoever asked sees an answer that was cut when it had begun, and else that nobody leads for the moment.
  passedOn.on('error', () => (response.headersSent ? response.destroy() : sendReply(response, NOBODY_LEADS)));
  response.on('close', () => passedOn.destroy());
  request.pipe(passedOn);
}
