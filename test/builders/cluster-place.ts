/**
 * A namespace of a real API server with one FlinkJob in it, and commands for it. The test is the operator: it writes what a
 * status says; and it is the job, and the kubelet, where one is asked for.
 */
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { aJob } from '../api/manifest.ts';
import { flinkjob, type Ran } from '../cli/fake-io.ts';
import { clusterForTests, issueCertificate } from '../cluster/index.ts';
import { ApiServer, flinkJobs, type Json, shippedDefinition } from '../integration/crd/definition.ts';
import { eventually } from './eventually.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

/** Undefined where there is none: then nothing else here can be used. */
export const cluster = await clusterForTests();

/** An API server passes nothing on to loopback addresses. */
export const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && each.family === 'IPv4' && !each.internal)?.address;
let defined: Promise<ApiServer> | undefined;

/** The API server, which knows FlinkJobs. */
export function theServer(): Promise<ApiServer> {
  defined ??= (async () => {
    const server = new ApiServer(cluster!);
    await server.define(shippedDefinition());
    return server;
  })();
  return defined;
}

export const JOB_ID = '9f0c1a2b3c4d5e6f708192a3b4c5d6e7';
export const TIME = '2026-01-02T03:04:05Z';

/** Condition Ready, True. */
export const ready = (reason: string, message = '') => ({
  type: 'Ready',
  status: 'True',
  reason,
  message,
  lastTransitionTime: TIME,
});

/** A status of a job that runs. */
export const RUNNING = {
  observedGeneration: 1,
  phase: 'Running',
  jobId: JOB_ID,
  conditions: [ready('Succeeded', 'All tasks run.')],
  attempt: { number: 3, started: TIME, leader: 'flights-3-0', epoch: 5 },
};

/** A namespace with a FlinkJob, and commands of somebody who may do everything there, or what `token` allows. */
export class Place {
  readonly namespace: string;
  readonly path: string;
  readonly server: ApiServer;
  private readonly kubeconfig: string;

  private constructor(server: ApiServer, namespace: string) {
    this.server = server;
    this.namespace = namespace;
    this.path = `${flinkJobs(namespace)}/flights`;
    this.kubeconfig = join(aTemporaryDirectory(), 'config');
    this.actAs(cluster!.access.adminToken);
  }

  static async withJob(status: Json = RUNNING, spec: Json = {}): Promise<Place> {
    const server = await theServer();
    const place = new Place(server, await server.namespace());
    const job = aJob(spec, { name: 'flights' });
    // As kubectl apply leaves it.
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(job) };
    const made = await server.create(flinkJobs(place.namespace), aJob(spec, { name: 'flights', annotations }));
    expect([made.status, made.body.message]).toEqual([201, undefined]);
    if (status !== undefined) await place.report(status);
    return place;
  }

  actAs(adminToken: string, url = cluster!.access.server): void {
    writeFileSync(this.kubeconfig, kubeconfigText({ ...cluster!.access, server: url, adminToken }, this.namespace));
  }

  /** What the operator would write. */
  async report(status: Json): Promise<void> {
    const { body } = await this.server.get(this.path);
    const observedGeneration = body.metadata.generation;
    const answer = await this.server.merge(`${this.path}/status`, { status: { ...status, observedGeneration } });
    expect([answer.status, answer.body.message]).toEqual([200, undefined]);
  }

  async read(): Promise<Json> {
    return (await this.server.get(this.path)).body;
  }

  run(args: readonly string[], options: Parameters<typeof flinkjob>[1] = {}): Promise<Ran> {
    return flinkjob(args, { env: { KUBECONFIG: this.kubeconfig }, isPlugin: true, ...options });
  }

  async pod(name: string, attempt: number, status: Json): Promise<void> {
    const labels = {
      'flinkjob.dev/job': 'flights',
      'flinkjob.dev/attempt': String(attempt),
      'app.kubernetes.io/component': 'job-manager',
    };
    const limits = { memory: '512Mi' };
    const pods = `/api/v1/namespaces/${this.namespace}/pods`;
    const made = await this.server.create(pods, {
      metadata: { name, labels },
      spec: {
        nodeName: 'node-of-nobody',
        containers: [{ name: 'job', image: 'example.org/flights:1', resources: { limits } }],
      },
    });
    expect([made.status, made.body.message]).toEqual([201, undefined]);
    await this.server.merge(`${pods}/${name}/status`, { status });
  }
}

/** Waits until the spec says so. */
export const specSays = (place: Place, holds: (spec: Json) => boolean) =>
  eventually(async () => holds((await place.read()).spec), 20_000);

export const READY_POD = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

/** A server of this test, on an address that an API server passes on to. */
async function listening(made: ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((done) => made.listen(0, address, done));
  onTestFinished(() => {
    made.closeAllConnections();
    made.close();
  });
  return (made.address() as AddressInfo).port;
}

/** What the job's REST API answers, by path and query. */
export type RestAnswers = Readonly<Record<string, { status: number; body: unknown }>>;

/** The job's Service, leading to a server of this test. */
export async function aPlaceWithRest(answers: RestAnswers, spec: Json = {}): Promise<Place> {
  const place = await Place.withJob(RUNNING, spec);
  const { server } = place;
  const port = await listening(
    createHttpServer(({ url = '' }, response) => {
      const { status, body } = answers[url] ?? { status: 404, body: { errors: [`no ${url}`] } };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }),
  );
  const core = `/api/v1/namespaces/${place.namespace}`;
  const ports = [{ name: 'rest', port: 8081, protocol: 'TCP' }];
  expect(
    (await server.create(`${core}/services`, { metadata: { name: 'flights-rest' }, spec: { ports } })).status,
  ).toBe(201);
  // Only addresses of pods are passed on to.
  await place.pod('flights-3-0', 3, { ...READY_POD, podIP: address, podIPs: [{ ip: address }] });
  const targetRef = { kind: 'Pod', name: 'flights-3-0', namespace: place.namespace };
  const slice = await server.create(`${core}/endpoints`, {
    metadata: { name: 'flights-rest' },
    subsets: [{ addresses: [{ ip: address, targetRef }], ports: [{ name: 'rest', port, protocol: 'TCP' }] }],
  });
  expect([slice.status, slice.body.message]).toEqual([201, undefined]);
  return place;
}

/** A node whose kubelet is this test. */
export async function aPlaceWithKubelet(logs: Readonly<Record<string, string>>): Promise<Place> {
  const place = await Place.withJob();
  const { server } = place;
  const { cert, key } = issueCertificate(cluster!.access.authority, {
    commonName: 'kubelet',
    hosts: [address ?? ''],
  });
  const port = await listening(
    createHttpsServer({ cert, key }, ({ url = '' }, response) => {
      const { pathname, searchParams } = new URL(url, 'https://kubelet');
      const pod = pathname.split('/')[3] ?? '';
      response.end(`${logs[pod]}${searchParams.get('tailLines') ?? ''}`);
    }),
  );
  const node = `node-${place.namespace}`;
  expect((await server.create('/api/v1/nodes', { metadata: { name: node } })).status).toBe(201);
  await server.merge(`/api/v1/nodes/${node}/status`, {
    status: { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
  });
  for (const pod of Object.keys(logs)) {
    await server.create(`/api/v1/namespaces/${place.namespace}/pods`, {
      metadata: {
        name: pod,
        labels: {
          'flinkjob.dev/job': 'flights',
          'flinkjob.dev/attempt': pod.split('-')[1],
          'app.kubernetes.io/component': 'job-manager',
        },
      },
      spec: { nodeName: node, containers: [{ name: 'job', image: 'a' }] },
    });
  }
  return place;
}
