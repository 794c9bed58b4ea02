/**
 * The pod of a job, run as the process that its container runs, on a real API server and with the rights of its account:
 * two pods of an attempt, one leads, the other stands by and answers for it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { POD_VARIABLES } from '../../src/api/index.ts';
import { openAttempt, openKubernetesHaServices } from '../../src/ha/index.ts';
import { LEASES } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { jobRole } from '../../src/resources/index.ts';
import { openStorage } from '../../src/storage/index.ts';
import { aPodOf } from '../builders/job-facts.ts';
import { aClient, tokenConnection } from '../builders/kube.ts';
import { kubeconfigFile } from '../builders/kubeconfig.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { clusterForTests } from '../cluster/index.ts';
import { freePorts } from '../servers/ports.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

const NEVER = new AbortController().signal;
const ENTRY = resolve('src/cli/run-job/entry.ts');
const JOB = 'counts';

/** The process of a pod. */
class Pod {
  readonly uid = randomBytes(6).toString('hex');
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #terminationLog: string;
  #stderr = '';

  constructor(variables: Readonly<Record<string, string>>, port: number, directory: string) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#terminationLog = join(directory, `termination-${this.uid}`);
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY], {
      cwd: resolve('.'),
      stdio: ['ignore', 'inherit', 'pipe'],
      env: {
        ...process.env,
        [POD_VARIABLES.podUid]: this.uid,
        [POD_VARIABLES.podIp]: '127.0.0.1',
        [POD_VARIABLES.restPort]: String(port),
        [POD_VARIABLES.terminationLog]: this.#terminationLog,
        ...variables,
      },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((done) => this.#child.on('close', done));
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** Lines of its log, each an object. */
  get log(): Record<string, unknown>[] {
    return this.#stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  get termination(): Record<string, unknown> | undefined {
    return existsSync(this.#terminationLog) ? JSON.parse(readFileSync(this.#terminationLog, 'utf8')) : undefined;
  }

  /** Status and body of an answer; 0 while nobody listens. */
  async ask(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
    try {
      const response = await fetch(`${this.#url}${path}`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    } catch {
      return { status: 0, body: {} };
    }
  }

  async answers(path: string, status = 200): Promise<Record<string, unknown>> {
    await expect
      .poll(async () => (await this.ask(path)).status, { timeout: 60_000, message: this.#stderr })
      .toBe(status);
    return (await this.ask(path)).body;
  }
}

/** A job as the operator leaves it to its pods. It goes on until its gate is there. */
async function aJob() {
  const namespace = await cluster!.namespace();
  const operator = aClient(tokenConnection(cluster!));
  await operator.create(LEASES, { metadata: { namespace, name: `${JOB}-leader` }, spec: {} }, { signal: NEVER });
  const directory = aTemporaryDirectory();
  const storageUri = pathToFileURL(join(directory, 'storage')).href;
  const jobId = randomBytes(16).toString('hex');
  const services = await openKubernetesHaServices({
    client: operator,
    namespace,
    job: JOB,
    jobId,
    storage: openStorage(storageUri),
    identity: 'operator',
    clock: systemClock,
    random: Math.random,
    createAbove: 0,
  });
  onTestFinished(() => services.close());
  const ledgers = services.getLedgerStore();
  const view = (await ledgers.read())!;
  await ledgers.write(view, openAttempt(view.ledger, { at: Date.now(), epoch: view.nextEpoch }), 'operator');

  const rules = jobRole(aPodOf({}, { name: JOB, namespace }))['rules'] as object[];
  await cluster!.serviceAccount(namespace, JOB, rules);
  const token = await cluster!.tokenFor(namespace, JOB);
  const kubeconfig = kubeconfigFile({ ...cluster!.access, adminToken: token }, namespace);
  onTestFinished(() => kubeconfig[Symbol.dispose]());

  const gate = join(directory, 'gate');
  const resource = join(directory, 'job.yaml');
  const spec = {
    typescript: { module: 'test/fixtures/jobs/gated-counts.ts' },
    args: [gate],
    parallelism: 1,
    storage: { uri: storageUri },
    checkpoints: { interval: '100ms' },
  };
  writeFileSync(
    resource,
    stringify({ apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', metadata: { name: JOB, namespace }, spec }),
  );
  const variables = {
    KUBECONFIG: kubeconfig.path,
    [POD_VARIABLES.resource]: resource,
    [POD_VARIABLES.jobId]: jobId,
    [POD_VARIABLES.attempt]: '1',
    [POD_VARIABLES.since]: new Date().toISOString(),
  };
  const pod = async (): Promise<Pod> => new Pod(variables, (await freePorts(1))[0]!, directory);
  return { pod, jobId, ledgers, operator, namespace, finish: () => writeFileSync(gate, '') };
}

test('a standby is ready, answers for the leader, and takes over when that goes down in order', async () => {
  const { pod, jobId, operator, namespace, finish } = await aJob();
  const first = await pod();
  await first.answers(`/jobs/${jobId}/checkpoints`);
  const second = await pod();
  expect(await second.answers('/readyz')).toEqual({ status: 'ready' });
  // It learns of the leader when it has read the object of the job.
  expect(await second.answers(`/jobs/${jobId}`)).toMatchObject({ jid: jobId, state: 'RUNNING' });
  const lease = await operator.get(LEASES, { namespace, name: `${JOB}-leader` }, { signal: NEVER });
  expect(lease?.spec?.holderIdentity).toMatch(new RegExp(`^${first.uid}_`));
  const completed = async (): Promise<number> => {
    const { counts } = (await first.answers(`/jobs/${jobId}/checkpoints`)) as { counts?: { completed: number } };
    return counts?.completed ?? 0;
  };
  await expect.poll(completed, { timeout: 30_000 }).toBeGreaterThan(0);

  first.kill('SIGTERM');
  expect(await first.ended).toBe(14);
  expect(first.termination).toMatchObject({ exitCode: 14, attempt: 1, outcome: 'stopped' });
  const restored = async (): Promise<number | undefined> => {
    const { latest } = (await second.answers(`/jobs/${jobId}/checkpoints`)) as {
      latest?: { restored?: { id: number } };
    };
    return latest?.restored?.id;
  };
  await expect.poll(restored, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(await second.answers('/livez')).toEqual({ status: 'alive' });
  finish();
  expect(await second.ended).toBe(0);
  const lines = second.log;
  expect(lines.every(({ job, attempt }) => job === JOB && attempt === 1)).toBe(true);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  const leads = lines.findIndex(({ message }) => message === 'leads the job');
  expect(lines.slice(leads).filter(({ epoch }) => !(Number(epoch) > 1))).toEqual([]);
});

test('a pod that was told too little, or nonsense, says all of it in one line and ends with 13', async () => {
  const directory = aTemporaryDirectory();
  const pod = new Pod(
    { [POD_VARIABLES.attempt]: 'first', [POD_VARIABLES.jobId]: 'abc', [POD_VARIABLES.since]: 'yesterday' },
    (await freePorts(1))[0]!,
    directory,
  );
  expect(await pod.ended).toBe(13);
  expect(pod.termination).toMatchObject({ exitCode: 13, outcome: 'invalid' });
  const cause = String(pod.termination?.['cause']);
  for (const named of [POD_VARIABLES.attempt, POD_VARIABLES.resource, POD_VARIABLES.since])
    expect(cause).toContain(named);
  expect(pod.log).toHaveLength(1);
});
