/** A job that runs in this process, on worker threads, and is served over HTTP. It is stopped after the test. */
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { CompletedCheckpoint } from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStorage } from '../../src/storage/index.ts';
import { JobMaster, type JobMasterOptions, type JobOutcome, serveJob } from '../../src/stream/index.ts';
import { eventually } from './eventually.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

export const JOB_ID = 'a'.repeat(32);

/** What a test says of its job. */
export interface ServedJobOptions {
  /** Path from the project's root. */
  readonly module: string;
  readonly args?: readonly string[];
  readonly parallelism?: number;
  readonly attempt?: number;
  /** Whether the process leads, at each request. @default it does */
  readonly leads?: () => boolean;
}

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** Options of a JobMaster that keeps its checkpoints in a temporary directory and points to them in memory. */
export function masterOptions({ module, args = [], parallelism = 1, attempt = 1 }: ServedJobOptions): JobMasterOptions {
  const storageUri = pathToFileURL(aTemporaryDirectory()).href;
  const completed: CompletedCheckpoint[] = [];
  let nextId = 1;
  return {
    program: {
      module: { kind: 'file', path: module },
      workingDirectory: process.cwd(),
      args,
      parallelism,
      maxParallelism: undefined,
    },
    jobId: JOB_ID,
    jobName: 'orders',
    attempt,
    epoch: 1,
    storage: openStorage(storageUri),
    storageUri,
    checkpointStore: {
      async addCheckpointAndSubsumeOldestOne(checkpoint) {
        completed.push(checkpoint);
        return completed.length > 1 ? completed.shift() : undefined;
      },
      getLatestCheckpoint: () => completed.at(-1),
      getLatestCheckpointId: () => completed.at(-1)?.checkpointId ?? 0,
      getAllCheckpoints: () => completed,
      getNumberOfRetainedCheckpoints: () => completed.length,
      getMaxNumberOfRetainedCheckpoints: () => 1,
      requiresExternalizedCheckpoints: () => true,
      getBrokenCheckpoints: () => [],
      shutdown: async () => {},
      whenDiscarded: async () => {},
    },
    checkpointIds: {
      start: async () => {},
      getAndIncrement: async () => nextId++,
      get: async () => nextId,
      setCount: async (id) => {
        nextId = id;
      },
      shutdown: async () => {},
    },
    checkpoints: {
      intervalMs: 0,
      timeoutMs: 10_000,
      minPauseMs: 0,
      tolerableFailures: 0,
      retained: 1,
      onCancel: 'Retain',
    },
    restoreFrom: undefined,
    allowNonRestoredState: false,
    clock: systemClock,
    random: () => 0.5,
    log: { info: () => {}, warn: () => {} },
    onEvent: () => {},
    onProgram: async () => {},
  };
}

/** Starts a job and its server. */
export async function aServedJob(options: ServedJobOptions) {
  const master = new JobMaster(masterOptions(options));
  const server = await serveJob(master, { host: '127.0.0.1', port: 0 }, options.leads);
  const ended: Promise<JobOutcome> = master.run();
  onTestFinished(async () => {
    master.stop();
    await ended;
    await server.close();
  });
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${server.url}${path}`, request);
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      headers: response.headers,
    };
  };
  const job = `/jobs/${JOB_ID}`;
  /** Waits for the result of a POST. */
  const operation = async (kind: 'checkpoints' | 'savepoints', begun: Answer): Promise<Record<string, unknown>> => {
    let result: Record<string, unknown> | null = null;
    await eventually(async () => {
      const { body } = await call('GET', `${job}/${kind}/${String(begun.body['request-id'])}`);
      result = body.operation as Record<string, unknown> | null;
      return result !== null;
    });
    return result ?? {};
  };
  return {
    operation,
    master,
    server,
    ended,
    get: (path: string) => call('GET', `${job}${path}`),
    call: (method: string, path: string, body?: unknown) => call(method, `${job}${path}`, body),
    query: (state: string, key: string, more: Record<string, string> = {}) =>
      call('GET', `${job}/state/${encodeURIComponent(state)}?${new URLSearchParams({ key, ...more })}`),
    running: () => eventually(() => master.state === 'RUNNING' || master.outcome !== undefined),
  };
}
