/**
 * The process of a job over each backend: two of them contend, the one that leads is killed, the other takes over within
 * the attempt, and both together commit what one undisturbed run commits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { JOB_ORDER_VARIABLE, type JobOrder } from '../../src/cli/job-process/job-order.ts';
import type { FromJobProcess } from '../../src/cli/job-process/messages.ts';
import type { HaPlace } from '../../src/cli/job-process/open-ha.ts';
import {
  type HighAvailabilityServices,
  openAttempt,
  openEmbeddedHaServices,
  openKubernetesHaServices,
  openZooKeeperHaServices,
} from '../../src/ha/index.ts';
import { LEASES } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStorage } from '../../src/storage/index.ts';
import { aClient, tokenConnection } from '../builders/kube.ts';
import { kubeconfigFile } from '../builders/kubeconfig.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { clusterForTests } from '../cluster/index.ts';
import { committedRecords, differenceOf, pendingFiles } from '../oracles/committed-output.ts';
import { type BundledPrograms, bundlePrograms } from '../soak/bundled-programs.ts';
import { undisturbedRecords, writeInputs } from '../soak/exactly-once-run.ts';
import { zooKeeperForTests } from '../zookeeper/desk.ts';

const SEED = 11;
/** Short ones, so that the lease of a process that was killed is soon free. */
const LEASE = { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 };
const SESSION_MS = 2_000;
/** Slow enough that a busy machine does not end the job before its leader is killed. */
const PACED = '150';
const AT_FULL_SPEED = '0';

const cluster = await clusterForTests();
const zookeeper = await zooKeeperForTests();

let programs: BundledPrograms;
let inputs = '';
let expected: string[] = [];
beforeAll(async () => {
  programs = await bundlePrograms();
  const directory = mkdtempSync(join(tmpdir(), 'undisturbed-'));
  inputs = mkdtempSync(join(tmpdir(), 'inputs-'));
  writeInputs(inputs, SEED);
  expected = await undisturbedRecords({ seed: SEED, directory, programs }, 2, 0);
  rmSync(directory, { recursive: true });
});
afterAll(() => {
  programs.remove();
  rmSync(inputs, { recursive: true, force: true });
});

type Common = Parameters<typeof openEmbeddedHaServices>[0] & { readonly random: () => number };

/** Where a job is kept, and how whoever runs it makes its object. */
interface Place {
  readonly highAvailability: HaPlace;
  readonly environment?: Readonly<Record<string, string>>;
  open(common: Omit<Common, 'directory'>): Promise<HighAvailabilityServices>;
}

async function embedded(): Promise<Place> {
  const directory = aTemporaryDirectory();
  return {
    highAvailability: { backend: 'Embedded', directory },
    open: (common) => openEmbeddedHaServices({ ...common, directory }),
  };
}

async function inKubernetes(): Promise<Place> {
  const namespace = await cluster!.namespace();
  const job = 'random';
  const client = aClient(tokenConnection(cluster!));
  await client.create(LEASES, { metadata: { namespace, name: `${job}-leader` }, spec: {} }, { signal: NEVER });
  const kubeconfig = kubeconfigFile(cluster!.access, namespace);
  onTestFinished(() => kubeconfig[Symbol.dispose]());
  return {
    highAvailability: { backend: 'Kubernetes', namespace, job, podUid: randomBytes(4).toString('hex'), lease: LEASE },
    environment: { KUBECONFIG: kubeconfig.path },
    open: (common) => openKubernetesHaServices({ ...common, client, namespace, job, createAbove: 0 }),
  };
}

async function inZooKeeper(): Promise<Place> {
  const at = { quorum: `127.0.0.1:${zookeeper!.port}`, root: '/flinkjob', cluster: randomBytes(4).toString('hex') };
  return {
    highAvailability: { backend: 'ZooKeeper', ...at, sessionTimeoutMs: SESSION_MS },
    open: (common) => openZooKeeperHaServices({ ...common, ...at, createAbove: 0 }),
  };
}

const NEVER = new AbortController().signal;

/** A process of the job, as whoever made it sees it. */
class JobProcess {
  isLeading = false;
  isRestored = false;
  checkpoints = 0;
  readonly ended: Promise<number | null>;
  readonly child: ChildProcess;
  stderr = '';

  constructor(order: JobOrder, environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', programs.jobProcess], {
      env: { ...process.env, ...environment, [JOB_ORDER_VARIABLE]: JSON.stringify(order) },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.child.stderr?.on('data', (text) => {
      this.stderr += text;
    });
    this.child.on('message', (message) => this.#on(message as FromJobProcess));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  #on(message: FromJobProcess): void {
    if (message.type === 'leading') this.isLeading = true;
    if (message.type === 'event' && message.event.event === 'restoring') this.isRestored = true;
    if (message.type === 'event' && message.event.event === 'checkpointCompleted') this.checkpoints++;
  }

  async leads(checkpoints: number): Promise<void> {
    await expect.poll(() => this.isLeading && this.checkpoints >= checkpoints, { timeout: 60_000 }).toBe(true);
  }
}

describe.for([
  ['Embedded', embedded, true],
  ['Kubernetes', inKubernetes, cluster !== undefined],
  ['ZooKeeper', inZooKeeper, zookeeper !== undefined],
] as const)('over %s', ([, placeOf, isThere]) => {
  test.skipIf(!isThere)('a standby takes over from a leader that is killed, and output is committed once', async () => {
    const place = await placeOf();
    const directory = aTemporaryDirectory();
    const storageUri = pathToFileURL(join(directory, 'storage')).href;
    const jobId = randomBytes(16).toString('hex');
    const common = { storage: openStorage(storageUri), jobId, clock: systemClock, random: Math.random };
    const supervisor = await place.open({ ...common, identity: 'supervisor' });
    onTestFinished(() => supervisor.close());
    const ledgers = supervisor.getLedgerStore();
    const view = (await ledgers.read())!;
    await ledgers.write(view, openAttempt(view.ledger, { at: 1, epoch: view.nextEpoch }), 'supervisor');

    const out = join(directory, 'out');
    const order = (name: string, speed: string): JobOrder => ({
      jobId,
      jobName: 'random',
      attempt: 1,
      program: {
        module: { kind: 'file', path: programs.randomJob },
        workingDirectory: directory,
        args: [String(SEED), inputs, out, speed],
        parallelism: 2,
        maxParallelism: 24,
      },
      storageUri,
      highAvailability: place.highAvailability,
      checkpoints: {
        intervalMs: 50,
        timeoutMs: 60_000,
        minPauseMs: 0,
        tolerableFailures: 0,
        retained: 1,
        onCancel: 'Retain',
      },
      allowNonRestoredState: false,
      terminationLog: join(directory, `${name}.json`),
      rest: { host: '127.0.0.1', port: 0 },
    });
    const first = new JobProcess(order('first', PACED), place.environment);
    await first.leads(3);
    const second = new JobProcess(order('second', AT_FULL_SPEED), place.environment);
    first.child.kill('SIGKILL');
    expect(await second.ended, second.stderr).toBe(0);
    expect(second.isRestored).toBe(true);
    expect(differenceOf(expected, committedRecords(out))).toEqual([]);
    expect(pendingFiles(out)).toEqual([]);
    expect((await ledgers.read())?.ledger.attempts).toHaveLength(1);
  });
});
