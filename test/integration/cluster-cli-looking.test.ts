/** `kubectl flinkjob` on a real API server: what it shows, what it may see, and where a command goes. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, describe, expect } from 'vitest';
import { parse } from 'yaml';
import { aJob } from '../api/manifest.ts';
import {
  address,
  aPlaceWithKubelet,
  aPlaceWithRest,
  cluster,
  JOB_ID,
  Place,
  READY_POD,
  RUNNING,
  TIME,
} from '../builders/cluster-place.ts';
import { eventually } from '../builders/eventually.ts';
import { kubeconfigText } from '../builders/kubeconfig.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { flinkJobs, type Json } from './crd/definition.ts';

const test = anyTest.skipIf(cluster === undefined);
const testWithNetwork = anyTest.skipIf(cluster === undefined || address === undefined);

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
    await place.server.send('DELETE', place.path);
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
    const other = await place.server.namespace();
    await place.server.create(flinkJobs(other), aJob({}, { name: `only-${other}` }));
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

test('events of the job and of its pods are listed, those of others are not', async () => {
  const place = await Place.withJob();
  const event = (name: string, kind: string, regarding: string, note: string) =>
    place.server.create(`/apis/events.k8s.io/v1/namespaces/${place.namespace}/events`, {
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
