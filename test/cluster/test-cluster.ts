/** The cluster as a test sees it: a namespace of its own, users made on the spot, and the server's record of who did what. */
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterAccess } from './access.ts';
import { AuditLog } from './audit-log.ts';
import { type Certificate, issueCertificate } from './certificates.ts';
import { askForCluster } from './desk.ts';

/** One line of the server's audit log, as far as tests read it. */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** The object after a write; of ConfigMaps only. */
  readonly responseObject?: {
    readonly metadata?: {
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };
  };
  /** When the request came, and when the answer was written: microseconds, UTC. */
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/**
 * The cluster of this test run, or undefined where this machine can have none; the run then says why. To be awaited at the
 * top of a test file: `const cluster = await clusterForTests()`, then `test.skipIf(cluster === undefined)`.
 */
export async function clusterForTests(needs: { controllerManager?: boolean } = {}): Promise<TestCluster | undefined> {
  const found = await askForCluster('cluster');
  if ('unavailable' in found) return undefined;
  if (needs.controllerManager === true) await askForCluster('controllerManager');
  return new TestCluster(found);
}

/** A test cluster, used as its administrator. */
export class TestCluster {
  readonly access: ClusterAccess;
  private readonly agent: Agent;
  private readonly auditLog: AuditLog<AuditEvent>;

  constructor(access: ClusterAccess) {
    this.access = access;
    this.auditLog = new AuditLog(access.auditLog);
    this.agent = new Agent({ keepAlive: true, ca: access.ca });
  }

  /** A namespace that no other test uses. It goes with the cluster. */
  async namespace(): Promise<string> {
    const name = `test-${randomBytes(5).toString('hex')}`;
    await this.call('POST', '/api/v1/namespaces', { metadata: { name } });
    return name;
  }

  /** Sends a request as administrator, past everything under test; throws unless it succeeds. */
  async call<T = unknown>(method: string, path: string, body?: object, contentType = 'application/json'): Promise<T> {
    const { status, content } = await this.send(method, path, body, contentType);
    if (status >= 300) throw new Error(`${method} ${path} was answered with ${status}: ${content}`);
    return JSON.parse(content) as T;
  }

  /** A client certificate for a user; the groups decide what it may do (`system:masters`: everything). */
  certificateFor(user: string, groups: readonly string[] = []): Certificate {
    return issueCertificate(this.access.authority, { commonName: user, organizations: groups });
  }

  /**
   * A service account that may do everything in its namespace (or what the rules say), and nothing elsewhere.
   * @returns its name as a user
   */
  async serviceAccount(namespace: string, name: string, rules: readonly object[] = ALL_RULES): Promise<string> {
    await this.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await this.call('POST', `${rbac}/roles`, { metadata: { name }, rules });
    await this.call('POST', `${rbac}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    return `system:serviceaccount:${namespace}:${name}`;
  }

  /** A token for a service account that exists; the server refuses it once it has expired. */
  async tokenFor(namespace: string, name: string, validForMs = 3_600_000): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
    const { metadata } = await this.call<{ metadata: { uid: string } }>('GET', path);
    const now = Math.floor(Date.now() / 1000);
    const issuer = 'https://kubernetes.default.svc';
    const claims = {
      iss: issuer,
      aud: [issuer],
      sub: `system:serviceaccount:${namespace}:${name}`,
      iat: now - 60,
      nbf: now - 60,
      exp: now + Math.ceil(validForMs / 1000),
      jti: randomBytes(8).toString('hex'),
      'kubernetes.io': { namespace, serviceaccount: { name, uid: metadata.uid } },
    };
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const content = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
    const key = createPrivateKey(this.access.serviceAccountKey);
    const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  }

  /** What the server has recorded since this was made, and the filter lets through, in the order of its log. */
  auditEvents(filter: (event: AuditEvent) => boolean): AuditEvent[] {
    return this.auditLog.events().filter(filter);
  }

  /** Waits until the record holds at least so many; it is written shortly after the answer is sent. */
  async auditEventsOnceThere(atLeast: number, filter: (event: AuditEvent) => boolean): Promise<AuditEvent[]> {
    const stop = performance.now() + 10_000;
    for (;;) {
      const events = this.auditEvents(filter);
      if (events.length >= atLeast) return events;
      if (performance.now() > stop)
        throw new Error(`the audit log holds ${events.length} events instead of ${atLeast}`);
      await pause(10);
    }
  }

  private send(
    method: string,
    path: string,
    body: object | undefined,
    contentType: string,
  ): Promise<{ status: number; content: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.access.server}${path}`,
        {
          method,
          agent: this.agent,
          headers: { authorization: `Bearer ${this.access.adminToken}`, 'content-type': contentType },
        },
        (answer) => void text(answer).then((content) => resolve({ status: answer.statusCode ?? 0, content }), reject),
      );
      call.once('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

const ALL_RULES = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
