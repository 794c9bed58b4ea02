/** Who calls through the proxy: a bearer token is passed on; of a client certificate the server is told user and groups. */
import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { ClusterAccess } from '../../cluster/index.ts';

/** Headers and connection under which a request goes on. */
export interface Passport {
  readonly headers: IncomingMessage['headers'];
  readonly agent: Agent;
}

/** Callers of one cluster. Destroy it. */
export class Callers {
  readonly #adminToken: string;
  readonly #direct: Agent;
  readonly #asFrontProxy: Agent;

  constructor({ adminToken, ca, frontProxy }: ClusterAccess) {
    this.#adminToken = adminToken;
    this.#direct = new Agent({ keepAlive: true, ca });
    this.#asFrontProxy = new Agent({ keepAlive: true, ca, ...frontProxy });
  }

  /** User name; `anonymous` without credentials. */
  identityOf(call: IncomingMessage): string {
    const token = call.headers.authorization?.replace(/^Bearer /, '');
    if (token === this.#adminToken) return 'test-admin';
    if (token !== undefined) return subjectOf(token);
    return peerOf(call)?.subject.CN?.toString() ?? 'anonymous';
  }

  passport(call: IncomingMessage): Passport {
    const { connection: _, host: __, ...headers } = call.headers;
    const peer = headers.authorization === undefined ? peerOf(call) : undefined;
    if (peer === undefined) return { headers, agent: this.#direct };
    const groups = [peer.subject.O ?? []].flat();
    const user = { 'x-remote-user': peer.subject.CN?.toString() ?? '', 'x-remote-group': groups };
    return { headers: { ...headers, ...user } as unknown as IncomingMessage['headers'], agent: this.#asFrontProxy };
  }

  destroy(): void {
    this.#direct.destroy();
    this.#asFrontProxy.destroy();
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
