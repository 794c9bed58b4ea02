/** Runs one benchmark job in a process of its own, as `flinkjob run` would, and collects what it says of itself. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JOB_ORDER_VARIABLE, type JobOrder } from '../src/cli/job-process/job-order.ts';
import type { FromJobProcess } from '../src/cli/job-process/messages.ts';
import { JOB_NODE_FLAGS } from '../src/cli/run/job-process-handle.ts';
import { openAttempt, openEmbeddedHaServices } from '../src/ha/index.ts';
import { systemClock } from '../src/lib/clock.ts';
import { openStorage } from '../src/storage/index.ts';
import type { JobEvent } from '../src/stream/index.ts';

const root = join(import.meta.dirname, '..');
const scratch = join(root, '.bench');
const JOB_ID = 'b'.repeat(32);

export interface BenchRun {
  readonly name: string;
  readonly records: number;
  readonly keys: number;
  readonly parallelism: number;
  /** Cores the process may use, as for taskset; all when undefined. */
  readonly cpus?: string;
  /** @default 1000 */
  readonly checkpointIntervalMs?: number;
  /** Go on from what the run before left. @default false */
  readonly resume?: boolean;
  /** Kills the process when it has completed so many checkpoints. */
  readonly killAfterCheckpoints?: number;
}

export interface BenchResult {
  readonly records: number;
  readonly wallMs: number;
  /** User and system time of the whole process, from the first record to the last. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** From the start of the process to its first record. */
  readonly startMs: number;
  readonly events: readonly { readonly atMs: number; readonly event: JobEvent }[];
}

/** Runs the job to its end, or until it is killed. */
export async function runBenchJob(run: BenchRun): Promise<BenchResult> {
  if (run.resume !== true) rmSync(scratch, { recursive: true, force: true });
  for (const folder of ['ha', 'storage']) mkdirSync(join(scratch, 'job', folder), { recursive: true });
  const order = await orderFor(run);
  const entry = join(root, 'src/cli/job-process/entry.ts');
  const pinned = run.cpus === undefined ? [] : ['taskset', '-c', run.cpus];
  const [command = process.execPath, ...args] = [
    ...pinned,
    process.execPath,
    ...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? JOB_NODE_FLAGS),
    entry,
  ];
  const startedAt = Date.now();
  const child = spawn(command, args, {
    cwd: root,
    // Compiled once, as bin/flinkjob has it.
    env: {
      NODE_COMPILE_CACHE: join(root, '.tools/compile-cache'),
      ...process.env,
      [JOB_ORDER_VARIABLE]: JSON.stringify(order),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const events: { atMs: number; event: JobEvent }[] = [];
  let checkpoints = 0;
  child.on('message', (message: FromJobProcess) => {
    if (message.type !== 'event') return;
    events.push({ atMs: Date.now() - startedAt, event: message.event });
    if (message.event.event === 'checkpointCompleted' && ++checkpoints === run.killAfterCheckpoints)
      child.kill('SIGKILL');
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as SinkLine);
  if (code !== 0 && run.killAfterCheckpoints === undefined)
    throw new Error(`the benchmark job ended with code ${code}`);
  return summarize(lines, startedAt, events);
}

interface SinkLine {
  readonly records: number;
  readonly startedAt: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
}

function summarize(all: readonly SinkLine[], startedAt: number, events: BenchResult['events']): BenchResult {
  // A subtask that got no record has measured nothing.
  const lines = all.filter((line) => line.records > 0);
  return {
    records: lines.reduce((sum, line) => sum + line.records, 0),
    wallMs: Math.max(0, ...lines.map((line) => line.wallMs)),
    cpuMs: Math.max(0, ...lines.map((line) => line.cpuMs)),
    rssBytes: Math.max(0, ...lines.map((line) => line.rssBytes)),
    startMs: Math.min(...lines.map((line) => line.startedAt)) - startedAt,
    events,
  };
}

async function orderFor(run: BenchRun): Promise<JobOrder> {
  const storageUri = pathToFileURL(join(scratch, 'job/storage')).href;
  const haDirectory = join(scratch, 'job/ha');
  const services = await openEmbeddedHaServices({
    directory: haDirectory,
    storage: openStorage(storageUri),
    jobId: JOB_ID,
    clock: systemClock,
    identity: 'bench',
  });
  const ledger = services.getLedgerStore();
  const view = await ledger.read();
  if (view === undefined) throw new Error('no ledger');
  if (view.attempt === 0)
    await ledger.write(view, openAttempt(view.ledger, { at: Date.now(), epoch: view.nextEpoch }), 'bench');
  await services.close();
  return {
    jobId: JOB_ID,
    jobName: run.name,
    attempt: 1,
    program: {
      module: { kind: 'file', path: join(root, 'bench/jobs/throughput.ts') },
      workingDirectory: root,
      args: [run.name, String(run.records), String(run.keys)],
      parallelism: run.parallelism,
      maxParallelism: 128,
    },
    storageUri,
    highAvailability: { backend: 'Embedded', directory: haDirectory },
    checkpoints: {
      intervalMs: run.checkpointIntervalMs ?? 1_000,
      timeoutMs: 60_000,
      minPauseMs: 0,
      tolerableFailures: 100,
      retained: 1,
      onCancel: 'Retain',
    },
    allowNonRestoredState: false,
    terminationLog: join(scratch, 'termination.json'),
    rest: { host: '127.0.0.1', port: 0 },
  };
}

/** The middle value; of an even number the lower one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** The value below which the share lies, nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
