/**
 * Carries requests to one server over a pair of one-way messages and matches the answers. When the server goes, every
 * request under way fails at once, and later ones fail without being sent. Follows the request bookkeeping of Flink's
 * network client, without its byte frames.
 */
import { messageOf } from '../../lib/errors.ts';
import { KvStateServerUnreachableException } from './errors.ts';
import type { KvStateRequest, KvStateResponse } from './kv-state-server.ts';

/** A request on its way. */
export interface KvStateRequestMessage {
  readonly requestId: number;
  readonly request: KvStateRequest;
}

/** An answer on its way back. */
export interface KvStateResponseMessage {
  readonly requestId: number;
  readonly response: KvStateResponse;
}

interface Outstanding {
  resolve(response: KvStateResponse): void;
  reject(error: Error): void;
}

/** The asking end. `send` posts a message and may throw when the other side is gone. */
export class KvStateChannel {
  readonly #send: (message: KvStateRequestMessage) => void;
  readonly #outstanding = new Map<number, Outstanding>();
  #nextRequestId = 0;
  #closedBy: KvStateServerUnreachableException | undefined;

  constructor(send: (message: KvStateRequestMessage) => void) {
    this.#send = send;
  }

  /** Requests that wait for their answer. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Sends one request. @throws KvStateServerUnreachableException when the server is gone or goes before it answers */
  request(request: KvStateRequest): Promise<KvStateResponse> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const requestId = this.#nextRequestId++;
    return new Promise((resolve, reject) => {
      this.#outstanding.set(requestId, { resolve, reject });
      try {
        this.#send({ requestId, request });
      } catch (error) {
        this.#outstanding.delete(requestId);
        reject(new KvStateServerUnreachableException(`query not sent: ${messageOf(error)}`, { cause: error }));
      }
    });
  }

  /** To be called with each message that comes back; an answer nobody waits for is dropped. */
  receive(message: KvStateResponseMessage): void {
    const waiting = this.#outstanding.get(message.requestId);
    this.#outstanding.delete(message.requestId);
    waiting?.resolve(message.response);
  }

  /** The server is gone: fails all requests under way with `cause`. A second call does nothing. */
  close(cause: unknown): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = new KvStateServerUnreachableException(`the state's server is gone: ${messageOf(cause)}`, {
      cause,
    });
    const waiting = [...this.#outstanding.values()];
    this.#outstanding.clear();
    for (const { reject } of waiting) reject(this.#closedBy);
  }
}
