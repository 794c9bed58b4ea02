/**
 * A real Apache Flink on this machine: one JobManager and one TaskManager, from the PyPI package that carries the whole
 * distribution, kept in an ignored folder. CPU time is read from /proc.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFlinkJob, flinkMissing, installFlink } from '../../scripts/flink/distribution.ts';
import {
  flinkEnvironment,
  JOB_MANAGER,
  javaOptions,
  launchFlink,
  OPENED_PACKAGES,
  TASK_MANAGER,
  writeLogging,
} from '../../scripts/flink/process.ts';

const root = join(import.meta.dirname, '../..');
const work = join(root, '.bench-flink');
const REST = 'http://127.0.0.1:18081';
const TICKS_PER_SECOND = 100;

/** Why the comparison cannot run here, or undefined. */
export function missing(): string | undefined {
  const why = flinkMissing();
  return why === undefined ? undefined : `No comparison with Apache Flink: ${why}.`;
}

export interface FlinkRun {
  readonly records: number;
  readonly keys: number;
  readonly json: boolean;
  readonly parallelism: number;
}

export interface FlinkResult {
  readonly wallMs: number;
  /** User and system time of the TaskManager. */
  readonly cpuMs: number;
}

export class FlinkCluster {
  #jobManager: ChildProcess | undefined;
  #taskManager: ChildProcess | undefined;

  /** @param cpus cores of the TaskManager, as for taskset; the JobManager gets the last one */
  async start(slots: number, cpus: string): Promise<void> {
    await installFlink(console.log);
    rmSync(work, { recursive: true, force: true });
    mkdirSync(join(work, 'conf'), { recursive: true });
    writeFileSync(join(work, 'conf/config.yaml'), configuration(slots));
    writeLogging(work, ['log4j-console', 'log4j-cli'], 'WARN');
    this.#jobManager = launch(JOB_MANAGER, cpus.split(',').at(-1) ?? '0');
    this.#taskManager = launch(TASK_MANAGER, cpus);
    await until(
      async () => ((await get('/overview')) as { 'slots-available'?: number })['slots-available'] === slots,
      90_000,
      'Flink is up',
    );
  }

  async run({ records, keys, json, parallelism }: FlinkRun): Promise<FlinkResult> {
    const pid = this.#taskManager?.pid ?? 0;
    const before = cpuMsOf(pid);
    const output = execFileSync(
      'java',
      [
        ...javaOptions(work, 'log4j-cli'),
        'org.apache.flink.client.cli.CliFrontend',
        'run',
        '-d',
        '-c',
        'BenchJob',
        join(work, 'bench.jar'),
        '--n',
        String(records),
        '--keys',
        String(keys),
        '--json',
        String(json),
        '--parallelism',
        String(parallelism),
        '--every',
        '1000000000',
      ],
      { env: flinkEnvironment(work), encoding: 'utf8' },
    );
    const jobId = /JobID ([0-9a-f]{32})/.exec(output)?.[1];
    if (jobId === undefined) throw new Error(`Flink took no job: ${output}`);
    let job: { state?: string; duration?: number } = {};
    await until(
      async () => {
        job = (await get(`/jobs/${jobId}`)) as typeof job;
        if (job.state === 'FAILED') throw new Error('the Flink job failed');
        return job.state === 'FINISHED';
      },
      600_000,
      'the Flink job has finished',
    );
    return { wallMs: job.duration ?? Number.NaN, cpuMs: cpuMsOf(pid) - before };
  }

  async stop(): Promise<void> {
    for (const child of [this.#taskManager, this.#jobManager]) {
      if (child === undefined || child.exitCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }
}

/** Compiles BenchJob into a jar. */
export function compileJob(): void {
  compileFlinkJob(join(import.meta.dirname, 'BenchJob.java'), work, join(work, 'bench.jar'));
}

/** On these cores. */
function launch(program: typeof JOB_MANAGER, cpus: string): ChildProcess {
  return launchFlink(program, { folder: work, before: ['taskset', '-c', cpus] });
}

function configuration(slots: number): string {
  return [
    'jobmanager.rpc.address: localhost',
    'jobmanager.rpc.port: 16123',
    'jobmanager.bind-host: localhost',
    'jobmanager.memory.process.size: 1600m',
    'taskmanager.bind-host: localhost',
    'taskmanager.host: localhost',
    'taskmanager.memory.process.size: 1728m',
    `taskmanager.numberOfTaskSlots: ${slots}`,
    'rest.address: localhost',
    'rest.bind-address: localhost',
    'rest.port: 18081',
    'state.backend.type: hashmap',
    'execution.checkpointing.interval: 1s',
    `execution.checkpointing.dir: file://${work}/checkpoints`,
    `env.java.opts.all: ${OPENED_PACKAGES.join(' ')}`,
    '',
  ].join('\n');
}

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

async function get(path: string): Promise<unknown> {
  const response = await fetch(`${REST}${path}`);
  return response.json();
}

/** Waits for a condition; errors of the condition's own requests count as not yet. */
async function until(condition: () => Promise<boolean>, deadlineMs: number, what: string): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const holds = await condition().catch((error: unknown) => {
      if (error instanceof TypeError) return false;
      throw error;
    });
    if (holds) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`waited ${deadlineMs} ms until ${what}`);
}
