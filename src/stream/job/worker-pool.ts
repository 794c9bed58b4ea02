/**
 * The worker threads of one attempt, seen from the JobMaster: a few threads that talk by messages, with shared memory
 * between them. A worker that ends by itself or throws fails the job; nothing is restarted here.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../lib/errors.ts';
import type { FromWorker, SerializedError, ToWorker, WorkerData } from '../task/worker-protocol.ts';
import { JobExecutionError } from './errors.ts';

/** What workers say that the pool does not keep to itself. */
export type TaskMessage = Exclude<FromWorker, { readonly type: 'ready' | 'deployed' | 'closed' | 'completed' }>;

/** Hears what workers say. */
export interface WorkerPoolListener {
  onMessage(workerIndex: number, message: TaskMessage): void;
  /** A thread died without saying why. */
  onWorkerLost(workerIndex: number, error: Error): void;
}

/** Messages by which a worker says that it has come to a point. */
type Milestone = 'ready' | 'deployed' | 'closed';

export class WorkerPool {
  readonly #workers: Worker[];
  readonly #listener: WorkerPoolListener;
  readonly #entry: URL;
  readonly #reached: Record<Milestone, { count: number; readonly all: PromiseWithResolvers<void> }> = {
    ready: { count: 0, all: Promise.withResolvers() },
    deployed: { count: 0, all: Promise.withResolvers() },
    closed: { count: 0, all: Promise.withResolvers() },
  };
  readonly #completions = new Map<number, { left: number; resolve(): void }>();
  #nextRequestId = 1;
  #closing = false;

  /** @param entry the module that each thread runs */
  constructor(
    count: number,
    data: Omit<WorkerData, 'workerIndex' | 'workerCount'>,
    listener: WorkerPoolListener,
    entry: URL = ownWorkerEntry(),
  ) {
    this.#listener = listener;
    this.#entry = entry;
    this.#workers = Array.from({ length: count }, (_, workerIndex) =>
      this.#spawn({ ...data, workerIndex, workerCount: count }),
    );
  }

  get size(): number {
    return this.#workers.length;
  }

  send(workerIndex: number, message: ToWorker): void {
    this.#workers[workerIndex]?.postMessage(message);
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#workers) worker.postMessage(message);
  }

  /** Resolves when every worker has come to this point. */
  all(milestone: Milestone): Promise<void> {
    return this.#reached[milestone].all.promise;
  }

  /** Tells all tasks that a checkpoint is complete. Resolves when every one has committed what waited for it. */
  complete(checkpointId: number): Promise<void> {
    const requestId = this.#nextRequestId++;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#completions.set(requestId, { left: this.size, resolve });
    this.broadcast({ type: 'complete', checkpointId, requestId });
    return promise;
  }

  /** Workers that end from now on were meant to. */
  expectEnd(): void {
    this.#closing = true;
  }

  /** Ends all threads at once, whatever they do. */
  async terminate(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #spawn(data: WorkerData): Worker {
    const worker = new Worker(this.#entry, { workerData: data, name: `worker-${data.workerIndex}` });
    const { workerIndex } = data;
    worker.on('message', (message: FromWorker) => this.#onMessage(workerIndex, message));
    worker.on('error', (error) => this.#lost(workerIndex, `threw: ${messageOf(error)}`, error));
    worker.on('exit', (code) => this.#lost(workerIndex, `ended with code ${code}`));
    return worker;
  }

  #onMessage(workerIndex: number, message: FromWorker): void {
    if (message.type === 'ready' || message.type === 'deployed' || message.type === 'closed') {
      const reached = this.#reached[message.type];
      reached.count++;
      if (reached.count === this.size) reached.all.resolve();
    } else if (message.type === 'completed') this.#onCompleted(message.requestId);
    else this.#listener.onMessage(workerIndex, message);
  }

  #onCompleted(requestId: number): void {
    const completion = this.#completions.get(requestId);
    if (completion === undefined) return;
    completion.left--;
    if (completion.left > 0) return;
    this.#completions.delete(requestId);
    completion.resolve();
  }

  #lost(workerIndex: number, how: string, cause?: unknown): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#listener.onWorkerLost(
      workerIndex,
      new JobExecutionError('WORKER_LOST', `worker ${workerIndex} ${how}`, { cause }),
    );
  }
}

function ownWorkerEntry(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../task/worker-entry.ts' : './worker-entry.js', import.meta.url);
}

/** An error that came from a worker, as an error again. */
export class WorkerReportedError extends JobExecutionError {
  readonly serialized: SerializedError;
  constructor(serialized: SerializedError, where: string) {
    // The causes go with it: what wraps an error to suppress restarts does not say what happened.
    const causes = [serialized.message, ...serialized.chain.slice(1)].join(' Caused by: ');
    super(serialized.code ?? 'JOB_FAILED', `${where} failed: ${causes}`);
    this.serialized = serialized;
    this.stack = `${this.message}\n${serialized.stack}`;
  }
}
