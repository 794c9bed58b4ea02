/** `kubectl flinkjob` on a real API server. The test is the operator: it writes what a status says. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test as anyTest, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { awaitProgress } from '../../src/cli/cluster-job/await-progress.ts';
import { aJob } from '../api/manifest.ts';
import { eventually } from '../builders/eventually.ts';
import { aClient, aProxy, tokenConnection } from '../builders/kube.ts';
import { kubeconfigText } from '../builders/kubeconfig.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { flinkjob, type Ran } from '../cli/fake-io.ts';
import { clusterForTests, issueCertificate } from '../cluster/index.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { ApiServer, flinkJobs, type Json, shippedDefinition } from './crd/definition.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

/** An API server passes nothing on to loopback addresses. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && each.family === 'IPv4' && !each.internal)?.address;
const testWithNetwork = anyTest.skipIf(cluster === undefined || address === undefined);

let server: ApiServer;

beforeAll(async () => {
  if (cluster === undefined) return;
  server = new ApiServer(cluster);
  await server.define(shippedDefinition());
});

const JOB_ID = '9f0c1a2b3c4d5e6f708192a3b4c5d6e7';
const TIME = '2026-01-02T03:04:05Z';

const ready = (reason: string, message = '') => ({
  type: 'Ready',
  status: 'True',
  reason,
  message,
  lastTransitionTime: TIME,
});

const RUNNING = {
  observedGeneration: 1,
  phase: 'Running',
  jobId: JOB_ID,
  conditions: [ready('Succeeded', 'All tasks run.')],
  attempt: { number: 3, started: TIME, leader: 'flights-3-0', epoch: 5 },
};

/** A namespace with a FlinkJob, and commands of somebody who may do everything there, or what `token` allows. */
class Place {
  readonly namespace: string;
  readonly path: string;
  private readonly kubeconfig: string;

  private constructor(namespace: string) {
    this.namespace = namespace;
    this.path = `${flinkJobs(namespace)}/flights`;
    this.kubeconfig = join(aTemporaryDirectory(), 'config');
    this.actAs(cluster!.access.adminToken);
  }

  static async withJob(status: Json = RUNNING, spec: Json = {}): Promise<Place> {
    const place = new Place(await server.namespace());
    const made = await server.create(flinkJobs(place.namespace), aJob(spec, { name: 'flights' }));
    expect([made.status, made.body.message]).toEqual([201, undefined]);
    if (status !== undefined) await place.report(status);
    return place;
  }

  actAs(adminToken: string, url = cluster!.access.server): void {
    writeFileSync(this.kubeconfig, kubeconfigText({ ...cluster!.access, server: url, adminToken }, this.namespace));
  }

  /** What the operator would write. */
  async report(status: Json): Promise<void> {
    const { body } = await server.get(this.path);
    const observedGeneration = body.metadata.generation;
    const answer = await server.merge(`${this.path}/status`, { status: { ...status, observedGeneration } });
    expect([answer.status, answer.body.message]).toEqual([200, undefined]);
  }

  async read(): Promise<Json> {
    return (await server.get(this.path)).body;
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
    const made = await server.create(pods, {
      metadata: { name, labels },
      spec: {
        nodeName: 'node-of-nobody',
        containers: [{ name: 'job', image: 'example.org/flights:1', resources: { limits } }],
      },
    });
    expect([made.status, made.body.message]).toEqual([201, undefined]);
    await server.merge(`${pods}/${name}/status`, { status });
  }
}

/** Waits until the spec says so. */
const specSays = (place: Place, holds: (spec: Json) => boolean) =>
  eventually(async () => holds((await place.read()).spec), 20_000);

const READY_POD = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

describe('status', () => {
  test('shows what a job is doing, with its pods', async () => {
    const place = await Place.withJob();
    await place.pod('flights-3-0', 3, READY_POD);
    const { code, stdout, stderr } = await place.run(['status', 'flights']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Job\t${place.namespace}/flights (${JOB_ID})\n`);
    expect(stdout).toMatch(/^Phase\tRunning for /m);
    expect(stdout).toContain('Why\tThe job runs as the resource asks.\n');
    expect(stdout).toMatch(/^Attempt\t3, started \S+ ago, led by flights-3-0, epoch 5$/m);
    expect(stdout).toMatch(/^flights-3-0\tleader\tyes\tRunning\t0\t\S+\tnode-of-nobody/m);
  });

  test('explains a job that does not start by the pod that cannot', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Starting', conditions: [] });
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    const containerStatuses = [
      { name: 'job', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting } },
    ];
    await place.pod('flights-3-0', 3, { phase: 'Pending', containerStatuses });
    const { stdout } = await place.run(['explain', 'flights']);
    expect(stdout).toContain(
      'ImagePullBackOff: The image example.org/flights:1 of pod flights-3-0 cannot be pulled: Back-off pulling image.\n',
    );
    expect(stdout).toContain(`kubectl edit flinkjob flights -n ${place.namespace}`);
  });

  test('says the same for machines', async () => {
    const place = await Place.withJob();
    const { stdout } = await place.run(['status', '-o', 'json', 'flights']);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'flights',
      namespace: place.namespace,
      phase: 'Running',
      explanation: { reason: 'Succeeded', needsSomebody: false },
      attempt: { number: 3 },
      pods: [],
    });
  });

  test('is drawn again after each change, and ends with the job', async () => {
    const place = await Place.withJob();
    let shown = '';
    const ran = place.run(['status', '--watch', 'flights'], { onStdout: (text) => (shown += text) });
    await eventually(() => shown.includes('Phase\tRunning'), 20_000);
    await place.report({ ...RUNNING, phase: 'Restarting', restarts: { count: 1, lastCause: 'bad record' } });
    await eventually(() => shown.includes('Phase\tRestarting'), 20_000);
    await place.pod('flights-4-0', 4, READY_POD);
    await eventually(() => shown.includes('flights-4-0'), 20_000);
    await server.send('DELETE', place.path);
    expect(await ran).toMatchObject({ code: 0, stderr: `FlinkJob ${place.namespace}/flights was deleted\n` });
  });

  test('on a terminal ages grow while nothing changes, drawn over what is there', async () => {
    const started = `${new Date().toISOString().slice(0, 19)}Z`;
    const place = await Place.withJob({ ...RUNNING, attempt: { ...RUNNING.attempt, started } });
    const stop = new AbortController();
    const ages = new Set<string | undefined>();
    const onStdout = (screen: string) => {
      expect(screen.startsWith('\u001b[H')).toBe(true);
      ages.add(/started (\S+) ago/.exec(screen)?.[1]);
      if (ages.size === 2) stop.abort();
    };
    await place.run(['status', '-w', 'flights'], { signal: stop.signal, isTty: true, onStdout });
    expect(ages.size).toBe(2);
  });

  test('ends when it is interrupted', async () => {
    const place = await Place.withJob();
    const stop = new AbortController();
    const ran = place.run(['status', '-w', 'flights'], { signal: stop.signal, onStdout: () => stop.abort() });
    expect((await ran).code).toBe(0);
  });
});

describe('a job that is not there', () => {
  test('is said with the name that was probably meant', async () => {
    const place = await Place.withJob();
    const { code, stdout, stderr } = await place.run(['status', 'fligths']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`error: there is no FlinkJob fligths in namespace ${place.namespace}`);
    expect(stderr).toContain('Did you mean flights?');
  });

  test('is said with the namespace that has it', async () => {
    const place = await Place.withJob();
    const other = await server.namespace();
    await server.create(flinkJobs(other), aJob({}, { name: `only-${other}` }));
    const { stderr } = await place.run(['status', `only-${other}`]);
    expect(stderr).toContain(`There is one in namespace ${other}: name it with -n.`);
    expect((await place.run(['status', '-n', other, `only-${other}`])).code).toBe(0);
    expect((await place.run(['status', `${other}/only-${other}`])).code).toBe(0);
  });

  test('is said before anything is asked for', async () => {
    const place = await Place.withJob();
    for (const command of ['savepoint', 'restart', 'suspend', 'resume', 'logs', 'events', 'checkpoints']) {
      expect((await place.run([command, 'other'])).stderr, command).toContain('error: there is no FlinkJob other');
    }
  });
});

describe('rights', () => {
  const mayGet = { apiGroups: ['flinkjob.dev'], resources: ['flinkjobs'], verbs: ['get'] };

  async function actAs(place: Place, rules: readonly object[]): Promise<void> {
    await cluster!.serviceAccount(place.namespace, 'somebody', rules);
    place.actAs(await cluster!.tokenFor(place.namespace, 'somebody'));
  }

  test('that are missing altogether are named, verb and resource', async () => {
    const place = await Place.withJob();
    await actAs(place, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]);
    const { code, stderr } = await place.run(['status', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain(`:somebody may not get flinkjobs in namespace ${place.namespace}.`);
    expect(stderr).toContain(`kubectl auth can-i get flinkjobs -n ${place.namespace}`);
  });

  test('to read are not rights to change', async () => {
    const place = await Place.withJob();
    await actAs(place, [mayGet]);
    const { code, stderr } = await place.run(['savepoint', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('may not patch flinkjobs');
  });

  test('as docs/kubectl.md gives them are enough to look, and patch to ask', async () => {
    const place = await Place.withJob();
    const role = codeBlocks('docs/kubectl.md').find(({ language }) => language === 'yaml');
    const rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] = parse(role!.lines.join('\n'));
    await actAs(place, [...rules, { apiGroups: ['flinkjob.dev'], resources: ['flinkjobs'], verbs: ['patch'] }]);
    for (const command of ['status', 'events', 'checkpoints', 'explain']) {
      const { code, stdout, stderr } = await place.run([command, 'flights']);
      expect([command, code, `${stdout}${stderr}`.includes('may not')]).toEqual([command, 0, false]);
    }
    expect((await place.run(['logs', 'flights'])).stderr).not.toContain('may not');
    expect((await place.run(['savepoint', '--no-wait', 'flights'])).code).toBe(0);
  });

  test('to the job alone show the job, and say what is left out', async () => {
    const place = await Place.withJob();
    await place.pod('flights-3-0', 3, READY_POD);
    await actAs(place, [mayGet]);
    const { code, stdout } = await place.run(['status', 'flights']);
    expect(code).toBe(0);
    expect(stdout).toContain('Phase\tRunning');
    expect(stdout).toContain('(pods may not be listed');
    expect(stdout).toContain('(events may not be listed');
    expect(stdout).toContain('you may not get services/proxy');
  });

  test('to watch are needed to wait', async () => {
    const place = await Place.withJob();
    await actAs(place, [{ ...mayGet, verbs: ['get', 'patch'] }]);
    const { code, stderr } = await place.run(['savepoint', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: it is asked for, but cannot be waited for:');
    expect(stderr).toContain('may not list flinkjobs');
    expect((await place.read()).spec.triggers.savepoint).toBe(1);
  });
});

test('a cluster that does not answer is named', async () => {
  const place = await Place.withJob();
  const config = join(aTemporaryDirectory(), 'config');
  writeFileSync(config, kubeconfigText({ ...cluster!.access, server: 'https://127.0.0.1:1' }, place.namespace));
  const { code, stderr } = await place.run(['status', '--kubeconfig', config, 'flights']);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^error: the cluster at https:\/\/127\.0\.0\.1:1 \(kubeconfig \S+, context test\) does not answer/,
  );
});

describe('savepoint', () => {
  test('asks with a number above all before, waits, and prints where it lies', async () => {
    const place = await Place.withJob(
      { ...RUNNING, handledTriggers: { savepoint: 4 } },
      { triggers: { savepoint: 2 } },
    );
    const said: string[] = [];
    const ran = place.run(['savepoint', 'flights'], { onStderr: (text) => said.push(text) });
    await specSays(place, ({ triggers }) => triggers.savepoint === 5);
    const taken = { trigger: 5, state: 'Triggered' };
    await place.report({ ...RUNNING, handledTriggers: { savepoint: 5 }, savepoints: [taken] });
    await eventually(() => said.join('').includes('savepoint 5 is being taken'), 20_000);
    const uri = 's3://bucket/jobs/savepoint-5';
    await place.report({ ...RUNNING, savepoints: [{ ...taken, state: 'Completed', uri, completed: TIME }] });
    expect(await ran).toMatchObject({ code: 0, stdout: `${uri}\n` });
  });

  test('does not touch other fields', async () => {
    const place = await Place.withJob(RUNNING, { triggers: { restart: 7 }, parallelism: 3 });
    const before = (await place.read()).spec;
    expect(await place.run(['savepoint', '--no-wait', 'flights'])).toMatchObject({
      code: 0,
      stdout: 'savepoint 1 is asked for\n',
    });
    expect((await place.read()).spec).toEqual({ ...before, triggers: { ...before.triggers, savepoint: 1 } });
  });

  test('of many at once asks for as many', async () => {
    const place = await Place.withJob();
    const all = await Promise.all(Array.from({ length: 5 }, () => place.run(['savepoint', '--no-wait', 'flights'])));
    expect(all.map(({ stdout }) => stdout).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `savepoint ${n} is asked for\n`));
  });

  test.each(['dropBefore', 'dropAfter'] as const)(
    'of a request that gets lost (%s) is asked for once',
    async (fault) => {
      const place = await Place.withJob();
      const proxy = await aProxy(cluster!);
      proxy.inject({ verb: 'patch', resource: 'flinkjobs', fault: { do: fault } });
      place.actAs(cluster!.access.adminToken, proxy.url);
      expect(await place.run(['savepoint', '--no-wait', 'flights'])).toMatchObject({
        code: 0,
        stdout: 'savepoint 1 is asked for\n',
      });
      expect((await place.read()).spec.triggers.savepoint).toBe(1);
    },
  );

  test('that fails says why, and ends with 1', async () => {
    const place = await Place.withJob();
    const ran = place.run(['savepoint', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.savepoint === 1);
    const savepoints = [{ trigger: 1, state: 'Failed', cause: 'no space left' }];
    await place.report({ ...RUNNING, savepoints, handledTriggers: { savepoint: 1 } });
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: savepoint 1 of job ${place.namespace}/flights failed: no space left. The job goes on.`,
    );
  });

  test('of a job that stands still is refused, and nothing is written', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Suspended' });
    const { code, stderr } = await place.run(['savepoint', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain(`job ${place.namespace}/flights is not running (Suspended).`);
    expect(stderr).toContain(`kubectl flinkjob resume flights -n ${place.namespace} starts it again`);
    expect((await place.read()).spec.triggers).toEqual({ savepoint: 0, restart: 0, restore: 0 });
  });

  test('that is not done in time stays asked for', async () => {
    const place = await Place.withJob();
    const { code, stderr } = await place.run(['savepoint', '--timeout', '200ms', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: not done within 200ms; it stays asked for.');
    expect((await place.read()).spec.triggers.savepoint).toBe(1);
  });

  test('that a GitOps tool takes back before it was acted on is said, with the name of the tool', async () => {
    const place = await Place.withJob();
    const applied = aJob({ triggers: { savepoint: 1 } }, { name: 'flights' });
    expect((await server.apply(place.path, applied, '&fieldManager=argocd-controller')).status).toBe(200);
    const ran = place.run(['savepoint', 'flights']);
    await specSays(place, ({ triggers }) => triggers.savepoint === 2);
    expect((await server.apply(place.path, applied, '&fieldManager=argocd-controller')).status).toBe(200);
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain('warning: spec.triggers.savepoint is kept by Argo CD (field manager argocd-controller)');
    expect(stderr).toContain('spec.triggers.savepoint of job');
    expect(stderr).toContain('is 1 again before 2 was acted on');
  });
});

test('who waits is told when nobody acts on what was asked for', async () => {
  const place = await Place.withJob();
  const { namespace } = place;
  const client = aClient(tokenConnection(cluster!));
  const stop = new AbortController();
  const said: string[] = [];
  const line = {
    say: (text: string) => {
      said.push(text);
      if (text.includes('is there an operator?')) stop.abort();
    },
    end: () => {},
  };
  const where = { client, namespace, name: 'flights', origin: 'a test', server: 'a server', signal: stop.signal };
  const waited = awaitProgress(where, () => ({ is: 'underWay', text: 'asked for' }), {
    timeoutMs: 20_000,
    silentMs: 50,
    line,
  });
  await expect(waited).rejects.toThrow('not done within');
  expect(said).toEqual([
    'asked for',
    expect.stringMatching(/^nobody has acted on it for 50ms; is there an operator\? Start the operator/),
  ]);
});

describe('restart, suspend, resume', () => {
  test('restart takes a failed job up again and waits for the next attempt', async () => {
    const failed = { ...RUNNING, phase: 'Failed', conditions: [{ ...ready('RestartsExhausted'), status: 'False' }] };
    const place = await Place.withJob(failed);
    const ran = place.run(['restart', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.restart === 1);
    const attempt = { ...RUNNING.attempt, number: 4 };
    await place.report({ ...RUNNING, attempt, phase: 'Starting', handledTriggers: { restart: 1 }, conditions: [] });
    await place.report({ ...RUNNING, attempt, handledTriggers: { restart: 1 } });
    expect(await ran).toMatchObject({ code: 0, stdout: 'attempt 4 runs\n' });
  });

  test('a restart that fails says why', async () => {
    const place = await Place.withJob();
    const ran = place.run(['restart', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.restart === 1);
    const stalled = { ...ready('RestartsExhausted', 'bad record'), type: 'Stalled' };
    await place.report({ ...RUNNING, phase: 'Failed', handledTriggers: { restart: 1 }, conditions: [stalled] });
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain('restart strategy allows; its state is kept. The last failure: bad record.');
  });

  test('suspend waits until the job stands still, and prints where its state lies', async () => {
    const place = await Place.withJob();
    const ran = place.run(['suspend', 'flights']);
    await specSays(place, ({ state }) => state === 'Suspended');
    await place.report({ ...RUNNING, phase: 'Suspending' });
    const latest = { id: 8, uri: 's3://bucket/jobs/chk-8', completed: TIME };
    await place.report({ ...RUNNING, phase: 'Suspended', checkpoint: { latest } });
    expect(await ran).toMatchObject({ code: 0, stdout: 's3://bucket/jobs/chk-8\n' });
    expect(await place.run(['suspend', 'flights'])).toMatchObject({ code: 0, stdout: 's3://bucket/jobs/chk-8\n' });
  });

  test('resume waits until the job runs', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Suspended' }, { state: 'Suspended' });
    const ran = place.run(['resume', 'flights']);
    await specSays(place, ({ state }) => state === 'Running');
    await place.report({ ...RUNNING, phase: 'Starting' });
    await place.report(RUNNING);
    expect(await ran).toMatchObject({ code: 0, stdout: 'Running\n' });
  });

  test('resume of a job that failed names what takes it up again', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Failed' });
    const { code, stderr } = await place.run(['resume', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('is not suspended, it is Failed.');
    expect(stderr).toContain(`kubectl flinkjob restart flights -n ${place.namespace}`);
  });

  test('resume of a job that was suspended when it had failed goes on', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Failed' }, { state: 'Suspended' });
    expect(await place.run(['resume', '--no-wait', 'flights'])).toMatchObject({
      code: 0,
      stdout: 'resume is asked for\n',
    });
  });

  test('who keeps the state in Git is told of', async () => {
    const place = await Place.withJob();
    const applied = aJob({ state: 'Running' }, { name: 'flights' });
    await server.apply(place.path, applied, '&fieldManager=kustomize-controller');
    const { stderr } = await place.run(['suspend', '--no-wait', 'flights']);
    expect(stderr).toContain('warning: spec.state is kept by Flux (field manager kustomize-controller)');
  });
});

test('events of the job and of its pods are listed, those of others are not', async () => {
  const place = await Place.withJob();
  const event = (name: string, kind: string, regarding: string, note: string) =>
    server.create(`/apis/events.k8s.io/v1/namespaces/${place.namespace}/events`, {
      metadata: { name, namespace: place.namespace },
      eventTime: '2026-01-02T03:04:05.000000Z',
      reportingController: 'flinkjob-operator',
      reportingInstance: 'a',
      action: 'Test',
      type: 'Warning',
      reason: 'Told',
      note,
      regarding: { kind, name: regarding, namespace: place.namespace },
    });
  for (const [name, kind, regarding, note] of [
    ['a', 'FlinkJob', 'flights', 'of the job'],
    ['b', 'Pod', 'flights-3-0', 'of its pod'],
    ['c', 'Pod', 'flights-again-3-0', 'of another job'],
    ['d', 'FlinkJob', 'other', 'of the other'],
  ] as const) {
    expect((await event(name, kind, regarding, note)).status).toBe(201);
  }
  const { code, stdout } = await place.run(['events', '-o', 'json', 'flights']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).map(({ note }: Json) => note)).toEqual(['of the job', 'of its pod']);
});

/** A server of this test, on an address that an API server passes on to. */
async function listening(made: ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((done) => made.listen(0, address, done));
  onTestFinished(() => {
    made.closeAllConnections();
    made.close();
  });
  return (made.address() as AddressInfo).port;
}

describe('the REST API through the API server', () => {
  const COMPLETED = {
    className: 'completed',
    id: 812,
    status: 'COMPLETED',
    is_savepoint: false,
    trigger_timestamp: Date.parse(TIME),
    latest_ack_timestamp: Date.parse(TIME) + 340,
    state_size: 12_900_000,
    checkpointed_size: 1,
    end_to_end_duration: 340,
    external_path: 's3://bucket/jobs/chk-812',
  };
  const CHECKPOINTS = {
    counts: { restored: 0, total: 1, in_progress: 0, completed: 1, failed: 2 },
    summary: {},
    latest: { completed: COMPLETED, savepoint: null, failed: null, restored: null },
    history: [COMPLETED],
  };

  /** The job's Service, leading to a server of this test. */
  async function aPlaceWithRest(answers: Readonly<Record<string, { status: number; body: unknown }>>): Promise<Place> {
    const place = await Place.withJob();
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

  const live = { [`/jobs/${JOB_ID}/checkpoints`]: { status: 200, body: CHECKPOINTS } };

  testWithNetwork('shows the checkpoints of now', async () => {
    const place = await aPlaceWithRest(live);
    expect((await place.run(['checkpoints', 'flights'])).stdout).toBe(
      'ID\tKIND\tSTATE\tTAKEN\tBYTES\tTOOK\tLOCATION\n' +
        '812\tcheckpoint\tcompleted\t2026-01-02T03:04:05Z\t12.3 MiB\t340ms\ts3://bucket/jobs/chk-812\n',
    );
    const { stdout } = await place.run(['status', 'flights']);
    expect(stdout).toMatch(
      /^Checkpoint\t812, \S+ ago, 12\.3 MiB, took 340ms, s3:\/\/bucket\/jobs\/chk-812; 2 failed$/m,
    );
    expect(stdout).not.toContain('(checkpoints are');
  });

  testWithNetwork('reads a value of queryable state, and says why there is none', async () => {
    const place = await aPlaceWithRest({
      [`/jobs/${JOB_ID}/state/delays?key=JFK`]: { status: 200, body: { status: 'found', value: 17, source: 'live' } },
      [`/jobs/${JOB_ID}/state/delays?key=SFO`]: { status: 404, body: { status: 'notFound', default: 0 } },
    });
    expect(await place.run(['query', 'flights', 'delays', 'JFK'])).toEqual({ code: 0, stdout: '17\n', stderr: '' });
    const { code, stderr } = await place.run(['query', 'flights', 'delays', 'SFO']);
    expect(code).toBe(1);
    expect(stderr).toContain('has no entry for key SFO. Its default is 0.');
  });

  test('that nobody serves leaves what stands in status, and says so', async () => {
    const latest = { id: 8, uri: 's3://bucket/jobs/chk-8', bytes: 2048, tookMs: 12, completed: TIME };
    const place = await Place.withJob({ ...RUNNING, checkpoint: { latest } });
    const { code, stdout, stderr } = await place.run(['checkpoints', 'flights']);
    expect(code).toBe(0);
    expect(stdout).toContain('8\tcheckpoint\tcompleted\t2026-01-02T03:04:05Z\t2.0 KiB\t12ms\ts3://bucket/jobs/chk-8\n');
    expect(stderr).toContain('shown is what stands in status');
    const answer = await place.run(['query', 'flights', 'delays', 'JFK']);
    expect(answer.code).toBe(1);
    expect(answer.stderr).toMatch(/^error: the REST API of job \S+ cannot be reached through the API server: /);
  });

  test('of a job that nobody leads is not asked', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Restarting', attempt: { number: 3 } });
    const { code, stderr } = await place.run(['query', 'flights', 'delays', 'JFK']);
    expect(code).toBe(1);
    expect(stderr).toContain(`error: nobody leads job ${place.namespace}/flights at this moment (Restarting).`);
  });
});

describe('logs', () => {
  /** A node whose kubelet is this test. */
  async function aPlaceWithKubelet(logs: Readonly<Record<string, string>>): Promise<Place> {
    const place = await Place.withJob();
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

  testWithNetwork('are those of the leader, of another pod, of all, or of the attempt before', async () => {
    const place = await aPlaceWithKubelet({
      'flights-2-1': 'died\n',
      'flights-3-0': 'leads\n\nand goes on',
      'flights-3-1': 'stands by\n',
    });
    expect(await place.run(['logs', 'flights'])).toEqual({ code: 0, stdout: 'leads\n\nand goes on\n', stderr: '' });
    expect((await place.run(['logs', '--pod', 'flights-3-1', 'flights'])).stdout).toBe('stands by\n');
    expect((await place.run(['logs', '--previous', 'flights'])).stdout).toBe('died\n');
    expect((await place.run(['logs', '--tail', '5', '--pod', 'flights-3-1', 'flights'])).stdout).toBe('stands by\n5\n');
    const { stdout } = await place.run(['logs', '--standbys', 'flights']);
    expect(stdout.split('\n').sort()).toEqual(
      ['', '[flights-3-0] ', '[flights-3-0] and goes on', '[flights-3-0] leads', '[flights-3-1] stands by'].sort(),
    );
  });

  test('of pods that are gone are what status kept', async () => {
    const place = await Place.withJob({ ...RUNNING, rootException: 'RangeError: full' });
    const { code, stdout, stderr } = await place.run(['logs', '--previous', 'flights']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'RangeError: full\n' });
    expect(stderr).toContain('has no pod that has ended now');
  });

  test('of a pod that is not there are refused with the way to find another', async () => {
    const place = await Place.withJob();
    const { code, stderr } = await place.run(['logs', '--pod', 'flights-9-9', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('the log of pod flights-9-9');
    expect(stderr).toContain('"flights-9-9" not found');
  });
});

describe('where a command goes', () => {
  test('without the name of the plugin, options name the cluster', async () => {
    const place = await Place.withJob();
    const { code, stdout } = await place.run(['status', '-n', place.namespace, 'flights'], { isPlugin: false });
    expect({ code, isShown: stdout.includes('Phase\tRunning') }).toEqual({ code: 0, isShown: true });
  });

  test('what only reads finds a job of the cluster that this machine does not have', async () => {
    const place = await Place.withJob();
    const ran = await place.run(['status', 'flights'], { isPlugin: false, cwd: aTemporaryDirectory() });
    expect(ran.stdout).toContain('Phase\tRunning');
  });

  test('what changes a job does not go to a cluster that nobody named', async () => {
    const place = await Place.withJob();
    const ran = await place.run(['suspend', 'flights'], { isPlugin: false, cwd: aTemporaryDirectory() });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('there is no job flights in ');
    expect(ran.stderr).toContain(
      'For a FlinkJob on a cluster, name its namespace: flinkjob suspend -n NAMESPACE flights\n',
    );
    expect((await place.read()).spec.state).toBe('Running');
  });
});

test('called as kubectl-flinkjob, a checkout means a cluster', async () => {
  const { status, stdout, stderr } = spawnSync('bin/kubectl-flinkjob', ['status', 'flights'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: aTemporaryDirectory() },
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('error: no cluster is known');
});

describe('plan', () => {
  const manifest = (directory: string, spec: Json): string => {
    const file = join(directory, 'flights.yaml');
    writeFileSync(file, JSON.stringify(aJob(spec, { name: 'flights' })));
    return file;
  };

  test('says what applying a file would do to the job that is there, and writes nothing', async () => {
    const place = await Place.withJob(RUNNING, { parallelism: 2 });
    const before = await place.read();
    const { code, stdout } = await place.run(['plan', manifest(aTemporaryDirectory(), { parallelism: 4 })]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${place.namespace}/flights: rescale`);
    expect(stdout).toContain('spec.parallelism');
    expect((await place.read()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  test('says that a job is new, and what the server would refuse', async () => {
    const place = await Place.withJob({ ...RUNNING, maxParallelism: 128 }, { maxParallelism: 128 });
    const directory = aTemporaryDirectory();
    const refused = await place.run(['plan', manifest(directory, { maxParallelism: 256 })]);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('spec.maxParallelism')]);
    const other = join(directory, 'other.yaml');
    writeFileSync(other, JSON.stringify(aJob({}, { name: 'other' })));
    const created = await place.run(['plan', '-o', 'json', other]);
    expect([created.code, JSON.parse(created.stdout).effect]).toEqual([0, 'create']);
  });
});
