/** The operator as the process that a pod runs, on a real API server: begins, is asked, hands over, ends. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { EVENTS, FLINK_JOBS, type FlinkJobObject, LEASES, PODS } from '../../src/kube/index.ts';
import { eventually } from '../builders/eventually.ts';
import { aClient, aProxy, tokenConnection } from '../builders/kube.ts';
import {
  OperatorProcess,
  PLACES,
  podVariables,
  startOperator,
  startOperatorByKubeconfig,
} from '../builders/operator-process.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { clusterForTests } from '../cluster/index.ts';
import { metricRows } from '../docs/metric-rows.ts';
import { ApiServer, shippedDefinition } from './crd/definition.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const { signal } = new AbortController();

async function setUp() {
  expect((await new ApiServer(cluster!).define(shippedDefinition())).applied.status).toBeLessThan(300);
  const namespace = await cluster!.namespace();
  const direct = aClient(tokenConnection(cluster!));
  const lease = () => direct.get(LEASES, { namespace, name: 'flinkjob-operator' }, { signal });
  const holder = async () => (await lease())?.spec?.holderIdentity;
  /** Each asks through a proxy of its own: who asked is known by it. */
  const start = async (...args: string[]) => {
    const proxy = await aProxy(cluster!);
    const operator = startOperator({ ...cluster!.access, server: proxy.url }, namespace, ...args);
    return { operator, proxy };
  };
  return { namespace, direct, lease, holder, start };
}

test('it begins, leads, is ready and alive, and tells what it measures', async () => {
  const { start, holder } = await setUp();
  const { operator } = await start();
  await operator.says('leads');
  await operator.isReady();
  expect(await operator.ask('/livez')).toEqual({ status: 200, body: 'ok\n' });
  expect(await holder()).toMatch(/^.+_[0-9a-f-]{36}$/);
  const { status, body } = await operator.ask('/metrics');
  expect(status).toBe(200);
  expect(body).toContain('leader_election_master_status{name="flinkjob-operator"} 1\n');
  expect(body).toContain('informer_synced{resource="flinkjobs"} 1\n');
  expect(body).toMatch(/^rest_client_requests_total\{verb="list",resource="flinkjobs",code="200"\} 1$/m);
  expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(body).toMatch(/^flinkjob_build_info\{version="\d+\.\d+\.\d+",node="24\./m);
  const [first] = operator.log;
  expect(first).toMatchObject({
    level: 'info',
    message: 'the operator begins',
    configuration: { 'metrics.port': '0', 'leaderElection.enabled': 'true', 'reconcile.workers': '8' },
  });
});

test('every metric it tells has its row in the documentation, with its sentence and its labels', async () => {
  const { start } = await setUp();
  const { operator } = await start();
  await operator.says('leads');
  await operator.isReady();
  const rows = ['Of each job,', 'Of all jobs together', 'Of the process;'].flatMap((heading) =>
    metricRows(readFileSync('docs/operating.md', 'utf8'), heading),
  );
  const { body } = await operator.ask('/metrics');
  const told = [...body.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => ({ name, help }));
  const sorted = (metrics: readonly { name?: string | undefined }[]) =>
    metrics.toSorted((a, b) => String(a.name).localeCompare(String(b.name)));
  expect(sorted(told)).toEqual(sorted(rows.map(({ name, help }) => ({ name, help }))));
  for (const [, series = '', labels = ''] of body.matchAll(/^([a-z_]+)\{(.*)\} /gm)) {
    const name = series.replace(/_(bucket|sum|count)$/, '');
    const row = rows.find((each) => each.name === name || each.name === series);
    const names = [...labels.matchAll(/(?:^|,)([a-z]+)="/g)].map(([, label]) => label);
    expect(
      names.filter((label) => label !== 'le'),
      series,
    ).toEqual(row?.labels);
  }
});

test('a job that is applied is taken up: its pod is made, its figures are told, an event stands beside it', async () => {
  const { start, namespace, direct } = await setUp();
  const { operator } = await start();
  const spec = { typescript: { module: 'job.js' }, storage: { uri: 's3://bucket/jobs' } };
  const job = { metadata: { namespace, name: 'flights' }, spec } as FlinkJobObject;
  await direct.create(FLINK_JOBS, job, { signal });
  await eventually(async () => (await direct.list(PODS, { namespace, signal })).items.length === 2);
  const labels = `namespace="${namespace}",name="flights",runtime="typescript"`;
  await eventually(async () => (await operator.ask('/metrics')).body.includes(`flinkjob_phase{${labels},phase="`));
  // Controllers of the cluster tell of other objects.
  const eventOfJob = async () =>
    (await direct.list(EVENTS, { namespace, signal })).items.find(
      (each) => (each as { regarding?: { kind?: string } }).regarding?.kind === 'FlinkJob',
    );
  await eventually(async () => (await eventOfJob()) !== undefined);
  const event = await eventOfJob();
  expect(event).toMatchObject({
    regarding: { kind: 'FlinkJob', name: 'flights' },
    reportingController: 'flinkjob.dev/operator',
  });
  const told = operator.log.filter(({ job }) => job === `${namespace}/flights`);
  expect(told.length).toBeGreaterThan(0);
  expect(told.at(-1)).toMatchObject({ attempt: 1, epoch: 1, reason: event?.reason, message: event?.note });
  const [pod] = (await direct.list(PODS, { namespace, signal })).items;
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(pod).toMatchObject({ spec: { containers: [{ image: `flinkjob:${version}` }] } });
});

test('told to stop it ends what it does, gives its lease back and says that it went well', async () => {
  const { start, holder } = await setUp();
  const { operator } = await start();
  await operator.says('leads');
  operator.kill('SIGTERM');
  const { code, stderr } = await operator.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await holder()).toBe('');
  expect(operator.log.slice(-4).map(({ message }) => message)).toEqual([
    'ends what is in work',
    'stops',
    'has stopped',
    'the operator has ended',
  ]);
});

test('a second one stands by, warm and ready, and leads a moment after the first was told to stop', async () => {
  const { start } = await setUp();
  const { operator: first } = await start();
  await first.says('leads');
  const { operator: second, proxy } = await start();
  await second.says('stands by for the lease');
  await second.isReady();
  await eventually(() => proxy.count({ verb: 'watch', resource: 'leases' }) === 1);
  const requests = proxy.requests.length;
  first.kill('SIGTERM');
  const askedAt = performance.now();
  await second.says('leads');
  // What a machine that is not busy needs of this is a tenth.
  expect(performance.now() - askedAt).toBeLessThan(2_000);
  expect((await first.ended).code).toBe(0);
  const asked = proxy.requests.slice(requests).filter(({ resource }) => resource === 'leases');
  expect(asked.map(({ verb }) => verb)).toEqual(['update']);
  expect(proxy.count({ verb: 'list', resource: 'flinkjobs' })).toBe(1);
});

test('a leader whose lease is taken away says so in one line, and ends with a failure', async () => {
  const { start, lease, direct, holder } = await setUp();
  const times = ['--leader-election-lease-duration', '2s', '--leader-election-renew-deadline', '1500ms'];
  const { operator } = await start(...times, '--leader-election-retry-period', '200ms');
  await operator.says('leads');
  const taken = await lease();
  const spec = { ...taken?.spec, holderIdentity: 'thief', leaseDurationSeconds: 3_600 };
  await eventually(async () => {
    const now = await lease();
    return direct.replace(LEASES, { ...now, spec }, { signal }).then(
      () => true,
      () => false,
    );
  });
  const { code, stderr } = await operator.ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const errors = operator.log.filter(({ level }) => level === 'error');
  expect(errors).toMatchObject([{ message: 'the operator ends', code: 'ELECTION_LEASE_LOST' }]);
  expect(await holder()).toBe('thief');
});

test('without an election it works at once, and asks for no lease', async () => {
  const { start, lease } = await setUp();
  const { operator, proxy } = await start('--leader-election-enabled', 'false');
  await operator.says('leads');
  await operator.isReady();
  expect(await lease()).toBeUndefined();
  expect(proxy.count({ resource: 'leases' })).toBe(0);
});

test('it watches the namespaces it is told to, each by itself, or all at once', async () => {
  const { start, namespace } = await setUp();
  const other = await cluster!.namespace();
  const { operator: two, proxy: ofTwo } = await start('--watch-namespaces', `${namespace},${other}`);
  await two.isReady();
  const listed = ofTwo.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'flinkjobs');
  expect(listed.map((request) => request.namespace).sort()).toEqual([namespace, other].sort());
  const { operator: all, proxy: ofAll } = await start('--watch-all-namespaces', 'true');
  await all.isReady();
  const everywhere = ofAll.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'flinkjobs');
  expect(everywhere.map((request) => request.namespace)).toEqual([undefined]);
});

test('a wrong configuration is told whole, without a stack, before anything is done', async () => {
  const file = join(aTemporaryDirectory(), 'operator.yaml');
  writeFileSync(file, 'metrics: { port: 99999 }\nleaderElecton: {}\n');
  const operator = new OperatorProcess(['--config', file, '--log-level', 'loud'], { FLINKJOB_REST_TIMEOUT: 'soon' });
  const { code, stdout, stderr } = await operator.ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.replaceAll(file, 'operator.yaml')).toBe(
    `error: the configuration has 4 problems
  leaderElecton (operator.yaml, line 2): there is no such setting. Did you mean leaderElection?
  rest.timeout (FLINKJOB_REST_TIMEOUT) is "soon": must be a duration from 100ms to 1m. Write e.g. 5s
  metrics.port (operator.yaml, line 1) is 99999: must be an integer from 0 to 65535. Write e.g. 8080
  log.level (--log-level) is "loud": must be one of debug, info, warn, error. Write e.g. debug
`,
  );
});

test('by a kubeconfig it works where the context says', async () => {
  const { namespace } = await setUp();
  const operator = startOperatorByKubeconfig(cluster!.access, namespace);
  expect(await operator.says('connects')).toMatchObject({ namespaces: [namespace] });
  await operator.says('leads');
});

test('the file can be named by a variable', async () => {
  const file = join(aTemporaryDirectory(), 'operator.yaml');
  writeFileSync(file, 'metrics: { port: many }\n');
  const { code, stderr } = await new OperatorProcess([], { FLINKJOB_CONFIG: file }).ended;
  expect(code).toBe(2);
  expect(stderr).toContain('metrics.port');
});

test('a port that is taken and a cluster that is not known end it with one line', async () => {
  const { start } = await setUp();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const { operator } = await start('--health-port', String(port));
  expect((await operator.ended).code).toBe(1);
  expect(operator.log.at(-1)).toMatchObject({ level: 'error', code: 'OPERATOR_PORT' });
  expect(String(operator.log.at(-1)?.cause)).toContain(`127.0.0.1:${port}`);

  const alone = new OperatorProcess([], { HOME: aTemporaryDirectory() });
  expect((await alone.ended).code).toBe(1);
  expect(alone.log.at(-1)).toMatchObject({ level: 'error', code: 'KUBE_CONFIG' });
});

test.each([
  ['is thrown', 'throw new Error("surprise")'],
  ['is rejected, and nobody looks at', 'Promise.reject(new Error("surprise"))'],
])('an error that nobody expected and that %s is one line of the log, and the end', async (_, surprise) => {
  const { namespace } = await setUp();
  const preload = `process.on("SIGUSR2",()=>{${surprise}})`;
  const operator = new OperatorProcess(PLACES, {
    ...podVariables(cluster!.access, namespace),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
  });
  await operator.says('leads');
  operator.kill('SIGUSR2');
  const { code, stderr } = await operator.ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const errors = operator.log.filter(({ level }) => level === 'error');
  expect(errors).toMatchObject([
    { message: 'the operator ends of an error that nobody expected', error: { message: 'surprise' } },
  ]);
});

test('a second signal of another kind ends it at once, and leaves the lease to run out', async () => {
  const { start, holder } = await setUp();
  const { operator, proxy } = await start();
  await operator.says('leads');
  proxy.freeze();
  operator.kill('SIGTERM');
  await operator.says('ends what is in work');
  operator.kill('SIGINT');
  expect((await operator.ended).code).toBe(130);
  expect(await holder()).not.toBe('');
});
