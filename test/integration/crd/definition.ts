/** The rendered definition on the cluster of a test run, and requests for the resources it defines. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { API_GROUP, API_VERSION_NAME, CRD_NAME, PLURAL } from '../../../src/api/index.ts';
import { pauseBetweenLooks } from '../../builders/eventually.ts';
import type { TestCluster } from '../../cluster/index.ts';

/** JSON that nobody has checked. */
// biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at field by field.
export type Json = any;

/** What the API server answers. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
  /** Its `Warning` headers. */
  readonly warnings: readonly string[];
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** The definition as it is shipped. */
export function shippedDefinition(): Json {
  return parse(readFileSync(new URL(`../../../crds/${CRD_NAME}.yaml`, import.meta.url), 'utf8'));
}

/** The API server, asked as administrator. Answers are values, refusals too. */
export class ApiServer {
  private readonly cluster: TestCluster;
  private readonly agent: Agent;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.agent = new Agent({ keepAlive: true, ca: cluster.access.ca, maxSockets: 16 });
  }

  namespace(): Promise<string> {
    return this.cluster.namespace();
  }

  /** Applies a definition and waits until its resources are served. */
  async define(crd: Json): Promise<{ applied: Answer; stored: Json }> {
    const { group, names, versions } = crd.spec;
    const path = `${CRDS}/${crd.metadata.name}`;
    const applied = await this.apply(path, crd);
    const isServed = async () => {
      const { body } = await this.send('GET', path);
      if (!trueConditions(body).includes('Established')) return false;
      return (await this.send('GET', `/apis/${group}/${versions[0].name}/${names.plural}`)).status === 200;
    };
    if (applied.status < 300) await until(isServed);
    return { applied, stored: (await this.send('GET', path)).body };
  }

  /** Creates an object as `kubectl create` does. @param options further parameters of the request */
  create(path: string, object: Json, options = ''): Promise<Answer> {
    return this.send('POST', `${path}?fieldValidation=Strict&fieldManager=test${options}`, object);
  }

  /** Server-side apply, as `kubectl apply --server-side`. */
  apply(path: string, object: Json, options = '&fieldManager=test'): Promise<Answer> {
    const query = `fieldValidation=Strict&force=true${options}`;
    return this.send('PATCH', `${path}?${query}`, object, { type: 'application/apply-patch+yaml' });
  }

  /** Changes some fields, as a controller without apply does. */
  merge(path: string, change: Json): Promise<Answer> {
    return this.send('PATCH', path, change, { type: 'application/merge-patch+json' });
  }

  get(path: string, accept?: string): Promise<Answer> {
    return this.send('GET', path, undefined, accept === undefined ? {} : { accept });
  }

  send(
    method: string,
    path: string,
    body?: Json,
    { type = 'application/json', accept = 'application/json' }: { type?: string; accept?: string } = {},
  ): Promise<Answer> {
    const { server, adminToken } = this.cluster.access;
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': type, accept };
    return new Promise((resolve, reject) => {
      const call = request(`${server}${path}`, { method, agent: this.agent, headers }, (answer) => {
        const warnings = [answer.headers.warning ?? []].flat();
        text(answer)
          .then((content) => resolve({ status: answer.statusCode ?? 0, body: parsed(content), warnings }))
          .catch(reject);
      });
      call.once('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** The types of the conditions that are true. */
export function trueConditions({ status }: Json): string[] {
  const conditions: { type: string; status: string }[] = status?.conditions ?? [];
  return conditions.filter((condition) => condition.status === 'True').map(({ type }) => type);
}

/** Where the FlinkJobs of a namespace are. */
export function flinkJobs(namespace: string, group = API_GROUP): string {
  return `/apis/${group}/${API_VERSION_NAME}/namespaces/${namespace}/${PLURAL}`;
}

/** Waits until it is so. @throws Error after 20 s */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const begun = performance.now();
  while (!(await condition())) {
    if (performance.now() - begun > 20_000) throw new Error(`still not so after 20 s: ${condition}`);
    await pauseBetweenLooks(begun, 20);
  }
}

/** Of what it does not serve yet the server says so in plain text. */
function parsed(content: string): Json {
  return content.startsWith('{') ? JSON.parse(content) : { message: content.trim() };
}
