/** A real Apache Flink with Kubernetes HA on the test API server: one JobManager, one TaskManager, as processes. */
import type { ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compileFlinkJob, FLINK_VERSION, flinkMissing, installFlink } from '../../../scripts/flink/distribution.ts';
import {
  type FlinkProgram,
  JOB_MANAGER,
  launchFlink,
  OPENED_PACKAGES,
  TASK_MANAGER,
  writeLogging,
} from '../../../scripts/flink/process.ts';
import { kubeconfigText } from '../../builders/kubeconfig.ts';
import type { ClusterAccess } from '../../cluster/index.ts';
import { freePorts } from '../../servers/ports.ts';

/** A JVM is up in ten seconds on a quiet machine. */
const PATIENCE_MS = 120_000;
/** Short, so that the next JobManager leads soon; long enough for a busy machine. */
const LEASE_MS = 8_000;

/** Why there can be no Flink here, or undefined once it is ready to be started. */
export async function flinkUnavailable(say: (line: string) => void): Promise<string | undefined> {
  const why = flinkMissing();
  if (why !== undefined) return why;
  try {
    await installFlink(say);
    return undefined;
  } catch (error) {
    return `Flink cannot be fetched: ${(error as Error).message.split('\n', 1)[0]}`;
  }
}

/** What Flink's REST API says of the checkpoints of a job, as far as it is read. */
export interface RestCheckpoints {
  readonly counts: { readonly completed: number; readonly total: number };
  readonly latest: {
    readonly completed: { readonly id: number; readonly external_path: string } | null;
    readonly restored: { readonly id: number } | null;
  };
}

/** Starts with `start`; whatever happens, `stop` ends it. */
export class FlinkHaCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'flink-ha-live-'));
  readonly clusterId: string;
  readonly #namespace: string;
  #restPort = 0;
  #jobManager: ChildProcess | undefined;
  #taskManager: ChildProcess | undefined;
  #jobManagers = 0;

  constructor(access: ClusterAccess, namespace: string, clusterId: string) {
    this.clusterId = clusterId;
    this.#namespace = namespace;
    mkdirSync(join(this.folder, 'conf'));
    writeFileSync(this.kubeconfig, kubeconfigText(access, namespace));
    writeLogging(this.folder, ['log4j-console'], 'INFO');
  }

  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  get restAddress(): string {
    return `http://127.0.0.1:${this.#restPort}`;
  }

  /** Of the JobManager that runs, or ran last. */
  get log(): string {
    return readFileSync(join(this.folder, `job-manager-${this.#jobManagers}.log`), 'utf8');
  }

  async start(): Promise<void> {
    const [rest, rpc] = await freePorts(2);
    this.#restPort = rest ?? 0;
    writeFileSync(join(this.folder, 'conf/config.yaml'), this.#configuration(rpc ?? 0));
    this.startJobManager();
    this.#taskManager = launchFlink(quickly(TASK_MANAGER), { folder: this.folder, log: 'task-manager.log' });
    await this.until('a slot is free', async () => {
      const overview = await this.rest<{ 'slots-available'?: number }>('/overview');
      return overview['slots-available'] === 1;
    });
  }

  startJobManager(): void {
    this.#jobManagers += 1;
    const log = `job-manager-${this.#jobManagers}.log`;
    this.#jobManager = launchFlink(quickly(JOB_MANAGER), { folder: this.folder, log });
  }

  async killJobManager(): Promise<void> {
    await killed(this.#jobManager);
    this.#jobManager = undefined;
  }

  /** Runs the job of this folder. @returns its id */
  async submit(): Promise<string> {
    const form = new FormData();
    form.append('jarfile', new Blob([readFileSync(jobJar())], { type: 'application/x-java-archive' }), 'job.jar');
    const uploaded = await this.rest<{ filename: string }>('/jars/upload', { method: 'POST', body: form });
    const jar = uploaded.filename.split('/').at(-1);
    const body = JSON.stringify({ entryClass: 'CountingJob' });
    const headers = { 'content-type': 'application/json' };
    return (await this.rest<{ jobid: string }>(`/jars/${jar}/run`, { method: 'POST', body, headers })).jobid;
  }

  checkpoints(jobId: string): Promise<RestCheckpoints> {
    return this.rest<RestCheckpoints>(`/jobs/${jobId}/checkpoints`);
  }

  async rest<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(`${this.restAddress}${path}`, init);
    if (!response.ok) throw new TypeError(`${path} was answered with ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Waits; a REST server that is not there yet is a reason to wait on. */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    let last: unknown;
    while (performance.now() < end) {
      try {
        if (await condition()) return;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        last = error;
      }
      if (this.#jobManager?.exitCode != null) throw new Error(`the JobManager ended: ${this.log.slice(-4_000)}`);
      await pause(200);
    }
    throw new Error(`waited in vain until ${what}: ${this.log.slice(-4_000)}`, { cause: last });
  }

  async stop(): Promise<void> {
    await Promise.all([killed(this.#jobManager), killed(this.#taskManager)]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configuration(rpcPort: number): string {
    return [
      'jobmanager.rpc.address: localhost',
      `jobmanager.rpc.port: ${rpcPort}`,
      'jobmanager.bind-host: localhost',
      'jobmanager.memory.process.size: 1600m',
      'taskmanager.bind-host: localhost',
      'taskmanager.host: localhost',
      'taskmanager.memory.process.size: 1728m',
      'taskmanager.numberOfTaskSlots: 1',
      'rest.address: 127.0.0.1',
      'rest.bind-address: 127.0.0.1',
      `rest.port: ${this.#restPort}`,
      // What the REST API says is as old as this.
      'web.refresh-interval: 100',
      'state.backend.type: hashmap',
      'execution.checkpointing.interval: 1s',
      `execution.checkpointing.dir: file://${this.folder}/checkpoints`,
      // State in files of its own, not in the _metadata.
      'execution.checkpointing.data-inline-threshold: 0b',
      'high-availability.type: kubernetes',
      `high-availability.storageDir: file://${this.folder}/ha`,
      `high-availability.cluster-id: /${this.clusterId}`,
      `high-availability.kubernetes.leader-election.lease-duration: ${LEASE_MS}ms`,
      'high-availability.kubernetes.leader-election.renew-deadline: 7s',
      'high-availability.kubernetes.leader-election.retry-period: 1s',
      `kubernetes.cluster-id: ${this.clusterId}`,
      `kubernetes.namespace: ${this.#namespace}`,
      `kubernetes.config.file: ${this.kubeconfig}`,
      `env.java.opts.all: ${OPENED_PACKAGES.join(' ')}`,
      '',
    ].join('\n');
  }
}

/** Starting fast counts for more here than running fast. */
function quickly(program: FlinkProgram): FlinkProgram {
  const jvm = program.jvm.map((option) => (option === '-XX:+UseG1GC' ? '-XX:+UseSerialGC' : option));
  return { ...program, jvm: [...jvm, '-XX:TieredStopAtLevel=1'] };
}

/** The job, compiled once for each text of it. */
function jobJar(): string {
  const source = join(import.meta.dirname, 'CountingJob.java');
  const key = hash('sha256', readFileSync(source), 'hex').slice(0, 12);
  const folder = join(import.meta.dirname, '../../../.tools/flink-job');
  const jar = join(folder, `counting-${FLINK_VERSION}-${key}.jar`);
  if (existsSync(jar)) return jar;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'compile-'));
  try {
    compileFlinkJob(source, work, join(work, 'job.jar'));
    renameSync(join(work, 'job.jar'), jar);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return jar;
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
