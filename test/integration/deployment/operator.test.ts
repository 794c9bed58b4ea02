/**
 * The operator as it is installed: the arguments and variables of its pod, the settings of its ConfigMap, and no right but
 * those of its account. Two replicas see jobs through their lives; then the server's record is held against the table of
 * rights: nothing missing, nothing unused.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, beforeAll, expect, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { writeImageFiles } from '../../../scripts/image-files.ts';
import { OPERATOR_RIGHTS } from '../../../src/resources/index.ts';
import { eventually } from '../../builders/eventually.ts';
import { kubeconfigText } from '../../builders/kubeconfig.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { commandForTests } from '../../command/desk.ts';
import { compareRights, requestsOfAudit } from '../../oracles/rights.ts';
import { ApiServer, flinkJobs, type Json, shippedDefinition } from '../crd/definition.ts';

const cluster = await clusterForTests();
const main = await commandForTests();
const test = anyTest.skipIf(cluster === undefined);
const ACCOUNT = 'flinkjob-operator';

/** The objects of a manifest for a namespace of the test. */
function objectsOf(file: string, namespace: string): Json[] {
  return parseAllDocuments(readFileSync(`manifests/${file}`, 'utf8')).map((document) =>
    JSON.parse(JSON.stringify(document.toJS()).replaceAll('"namespace":"flinkjob"', `"namespace":"${namespace}"`)),
  );
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: '/api/v1/namespaces/NAMESPACE/serviceaccounts',
  Role: `${RBAC}/namespaces/NAMESPACE/roles`,
  RoleBinding: `${RBAC}/namespaces/NAMESPACE/rolebindings`,
  ClusterRole: `${RBAC}/clusterroles`,
  ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
};

/** What a pod of the operator is made of, once its account is there. */
interface Installed {
  readonly container: Json;
  /** Holds its settings, and how to reach the server. */
  readonly folder: string;
}

async function install(file: string, server: ApiServer, namespace: string): Promise<Installed> {
  const objects = objectsOf(file, namespace);
  for (const object of objects) {
    const path = PATHS[object.kind]?.replace('NAMESPACE', namespace);
    // Other tests have a binding of that name.
    if (object.kind === 'ClusterRoleBinding') object.metadata.name += `-${namespace}`;
    if (path !== undefined) await server.apply(`${path}/${object.metadata.name}`, object);
  }
  const folder = aTemporaryDirectory();
  const settings = objects.find(({ kind }) => kind === 'ConfigMap').data;
  for (const [name, text] of Object.entries<string>(settings)) writeFileSync(join(folder, name), text);
  const token = await cluster!.tokenFor(namespace, ACCOUNT);
  writeFileSync(join(folder, 'kubeconfig'), kubeconfigText({ ...cluster!.access, adminToken: token }, namespace));
  mkdirSync(join(folder, 'serviceaccount'));
  const mounted = { token, namespace, 'ca.crt': cluster!.access.ca };
  for (const [name, text] of Object.entries(mounted)) writeFileSync(join(folder, 'serviceaccount', name), text);
  const [container] = objects.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers;
  return { container, folder };
}

/** How a replica is started: its command line but for the arguments, and how it finds the server. */
interface Start {
  readonly command: readonly string[];
  readonly found: Readonly<Record<string, string>>;
}

const fromPackage = ({ folder }: Installed): Start => ({
  command: [process.execPath, '--disable-warning=ExperimentalWarning', main],
  found: { KUBECONFIG: join(folder, 'kubeconfig') },
});

/** As in its container: the account's files where a pod has them, the image's own read-only. Takes a namespace of mounts. */
function fromImage({ folder }: Installed, image: string): Start {
  const account = '/run/secrets/kubernetes.io/serviceaccount';
  const mounts = [
    `mount -t tmpfs tmpfs /run && mkdir -p ${account} && cp '${folder}'/serviceaccount/* ${account}/`,
    `mount --bind '${image}' '${image}' && mount -o remount,bind,ro '${image}'`,
  ];
  const [, ...entry] = JSON.parse(
    /^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '[]',
  ) as string[];
  const { hostname, port } = new URL(cluster!.access.server);
  return {
    command: [
      ...['unshare', '-rm', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh', process.execPath],
      ...entry.map((part) => part.replace('/opt/flinkjob', image)),
    ],
    found: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  };
}

const mayMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;
if (!mayMount) console.log('skipped in part: this machine gives no namespace of mounts (unshare -rm)');

/** One replica. */
class Replica {
  readonly ended: Promise<number | null>;
  said = '';
  readonly #process: ChildProcess;

  constructor({ container, folder }: Installed, { command: [program = '', ...before], found }: Start) {
    const variables = Object.fromEntries(container.env.map(({ name, value }: Json) => [name, value]));
    const args = container.args.map((arg: string) => arg.replace('/etc/flinkjob', folder));
    const ports = { FLINKJOB_METRICS_PORT: '0', FLINKJOB_HEALTH_PORT: '0' };
    const env = { PATH: process.env.PATH, HOME: folder, ...found, ...variables, ...ports };
    const replica = spawn(program, [...before, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [replica.stdout, replica.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    this.ended = new Promise((done) => replica.once('close', done));
    onTestFinished(() => void replica.kill('SIGKILL'));
    this.#process = replica;
  }

  /** The line of its log that has such a field, as soon as there is one. */
  async line(field: string, value?: string): Promise<Json> {
    const found = (): Json =>
      this.said
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line))
        .find((line) => (value === undefined ? line[field] !== undefined : line[field] === value));
    await eventually(() => found() !== undefined || this.#process.exitCode !== null, 60_000);
    expect(found(), this.said).toBeDefined();
    return found();
  }

  stop(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    return this.ended;
  }
}

beforeAll(async () => {
  if (cluster !== undefined) await new ApiServer(cluster).define(shippedDefinition());
});

/** What the account has asked the server for. */
async function asked(namespace: string) {
  const user = `system:serviceaccount:${namespace}:${ACCOUNT}`;
  const events = await cluster!.auditEventsOnceThere(5, (event) => event.user.username === user);
  expect(events.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
  return requestsOfAudit(events);
}

/** Starts it, asks what kubelets and scrapers ask, ends it. */
async function leadsAndEnds(replica: Replica, { container }: Installed): Promise<void> {
  await replica.line('phase', 'leading');
  const { healthPort, metricsPort } = await replica.line('healthPort');
  for (const { httpGet } of [container.livenessProbe, container.readinessProbe])
    expect((await fetch(`http://127.0.0.1:${healthPort}${httpGet.path}`)).status, httpGet.path).toBe(200);
  const figures = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(figures).toContain('leader_election_master_status');
  expect(await replica.stop(), replica.said).toBe(0);
}

test('cluster-wide it answers its probes, leads, and gives the lease back, with its own rights', async () => {
  const server = new ApiServer(cluster!);
  const namespace = await server.namespace();
  const installed = await install('install-cluster.yaml', server, namespace);
  await leadsAndEnds(new Replica(installed, fromPackage(installed)), installed);
  const lease = await server.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${ACCOUNT}`);
  expect(lease.body.spec.holderIdentity ?? '').toBe('');
  const where = { ownNamespace: namespace, jobNamespaces: 'all' } as const;
  expect(compareRights(OPERATOR_RIGHTS, await asked(namespace), where).missing).toEqual([]);
});

anyTest.skipIf(cluster === undefined || !mayMount)(
  'in its container it finds its account, and runs from files that cannot be written',
  async () => {
    const server = new ApiServer(cluster!);
    const namespace = await server.namespace();
    const installed = await install('install.yaml', server, namespace);
    const image = aTemporaryDirectory();
    await writeImageFiles(image);
    const replica = new Replica(installed, fromImage(installed, image));
    await leadsAndEnds(replica, installed);
    expect((await replica.line('cluster')).cluster).toContain('service account in');
  },
);

test('in one namespace, lives of jobs use every right of the account, and need no other', async () => {
  const server = new ApiServer(cluster!);
  const namespace = await server.namespace();
  const installed = await install('install.yaml', server, namespace);
  const replicas = [1, 2].map(() => new Replica(installed, fromPackage(installed)));
  await Promise.all(replicas.map((replica) => replica.line('phase', 'standingBy')));

  const jobs = flinkJobs(namespace);
  const names = ['flights', 'payments'];
  const tell = async (): Promise<string> => {
    const seen = await Promise.all(names.map((name) => server.get(`${jobs}/${name}`)));
    const pods = (await server.get(`/api/v1/namespaces/${namespace}/pods`)).body.items;
    const podNames = pods.map(({ metadata }: Json) => `${metadata.name} ${metadata.deletionTimestamp ?? ''}`);
    return JSON.stringify([
      seen.map(({ body }) => body.status ?? body.message),
      podNames,
      replicas.map(({ said }) => said),
    ]);
  };
  const each = async (holds: (job: Json, pods: Json[], name: string) => boolean): Promise<void> => {
    const isSo = async (): Promise<boolean> => {
      const { items } = (await server.get(`/api/v1/namespaces/${namespace}/pods`)).body;
      const seen = await Promise.all(names.map((name) => server.get(`${jobs}/${name}`)));
      const podsOf = (name: string): Json[] =>
        items.filter(({ metadata }: Json) => metadata.labels['flinkjob.dev/job'] === name);
      return names.every((name, index) => holds(seen[index]!, podsOf(name), name));
    };
    await eventually(isSo, 60_000, 50).catch(async (cause) => {
      throw new Error(await tell(), { cause });
    });
  };
  const change = (spec: Json) => Promise.all(names.map((name) => server.merge(`${jobs}/${name}`, { spec })));

  // One with a pod that stands by, one without: their pods are removed in different ways.
  for (const [standbys, name] of names.entries()) {
    const spec = { typescript: { module: 'job.js' }, storage: { uri: 's3://bucket/jobs' } };
    const job = { metadata: { name }, spec: { ...spec, highAvailability: { standbys: 1 - standbys } } };
    await server.create(jobs, { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', ...job });
  }
  await each((_job, pods, name) => pods.length === (name === 'flights' ? 2 : 1));
  await change({ args: ['other'], upgrade: { mode: 'Stateless' } });
  await each(({ body }, pods) => body.status?.attempt?.number === 2 && pods.length > 0);
  await change({ state: 'Suspended' });
  await each(({ body }, pods) => body.status?.phase === 'Suspended' && pods.length === 0);
  for (const name of names) await server.send('DELETE', `${jobs}/${name}`);
  await each(({ status }) => status === 404);

  for (const replica of replicas) expect(await replica.stop(), replica.said).toBe(0);
  const where = { ownNamespace: namespace, jobNamespaces: [namespace] };
  expect(compareRights(OPERATOR_RIGHTS, await asked(namespace), where)).toEqual({ missing: [], unused: [] });
});
