/**
 * Jobs that are only played, for tests and benchmarks that have many: no process, one answer for all pods of an attempt, in
 * the words of the real REST service. A played job runs as soon as a pod of it is ready, has a completed checkpoint, and takes
 * savepoints at once; stopped or cancelled it ends as a job ends. Into the object of the job it writes who leads, and nothing else.
 * A pod for work in the storage ends at once, with an answer: all is done, and there was nothing.
 */
import { LABELS, POD_VARIABLES } from '../../src/api/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { JOB_EXIT, type TerminationRecord } from '../../src/lib/exit-codes.ts';
import { decodeStorageOrder, encodeStorageAnswer, type StorageOrder } from '../../src/lib/storage-work.ts';
import {
  type CheckpointView,
  type JobControl,
  type JobView,
  type RestService,
  restService,
  type SavepointCommand,
  type VertexView,
} from '../../src/stream/rest/index.ts';
import type { ContainerEnd } from './container.ts';
import type { Play, PlayedFacts, PlayPlace } from './played-container.ts';
import { takeOver } from './played-leader.ts';
import type { Pod } from './pod-shapes.ts';

export interface PlayedJobOptions {
  /** From running to ready. @default 0 */
  readonly readyAfterMs?: number;
  /** How long a savepoint takes. @default 0 */
  readonly savepointMs?: number;
  /** @default 1 */
  readonly parallelism?: number;
}

/** For `played` of a simulator: plays every pod that was told which job it is of. */
export function playedJobs(options: PlayedJobOptions = {}): (pod: Pod) => Play | undefined {
  const jobs = new Map<string, PlayedJob>();
  return (pod) => {
    const order = decodeStorageOrder(variableOf(pod, POD_VARIABLES.storageOrder) ?? '');
    if (order !== undefined) return { ends: { exitCode: JOB_EXIT.finished, message: answerTo(order) } };
    const jobId = variableOf(pod, POD_VARIABLES.jobId);
    if (jobId === undefined) return undefined;
    const attempt = Number(variableOf(pod, POD_VARIABLES.attempt));
    const key = `${pod.metadata?.namespace}/${jobId}/${attempt}`;
    return (place) => {
      const job = jobs.get(key) ?? new PlayedJob(jobId, attempt, options, () => jobs.delete(key));
      jobs.set(key, job);
      return job.join(place);
    };
  };
}

function variableOf(pod: Pod, name: string): string | undefined {
  return pod.spec?.containers[0]?.env?.find((variable) => variable.name === name)?.value;
}

/** How long a process that ends with a savepoint waits for its caller to ask where it lies. */
const RESULTS_READ_MS = 2_000;
const VERTEX = '0'.repeat(31).concat('1');

interface Member {
  readonly end: (end: ContainerEnd) => void;
  /** Writes that it leads. */
  readonly lead: () => Promise<void>;
}

function answerTo({ do: did }: StorageOrder): string {
  return encodeStorageAnswer({ did, isWhole: true, files: 0, bytes: 0 });
}

/** One answer for all pods of an attempt, of which the first leads. */
class PlayedJob {
  readonly #jobId: string;
  readonly #attempt: number;
  readonly #options: PlayedJobOptions;
  readonly #startTime = Date.now();
  readonly #service: RestService;
  readonly #forget: () => void;
  /** The leader first. */
  #pods: Member[] = [];
  #epoch = 0;
  #checkpoints: readonly CheckpointView[];

  constructor(jobId: string, attempt: number, options: PlayedJobOptions, forget: () => void) {
    this.#jobId = jobId;
    this.#attempt = attempt;
    this.#options = options;
    this.#forget = forget;
    this.#checkpoints = [this.#checkpoint(1, 'CHECKPOINT', `file:///played/${jobId}/chk-1`)];
    this.#service = restService({
      host: '0.0.0.0',
      clock: systemClock,
      view: () => ({ status: 'serving', job: this.#view }),
      control: this.#control,
      product: { version: '0.0.0-played', revision: 'unknown' },
    });
  }

  /** Another pod of the attempt. */
  join(place: PlayPlace): PlayedFacts {
    const { promise: ended, resolve: end } = Promise.withResolvers<ContainerEnd>();
    const member: Member = { end, lead: () => this.#lead(place) };
    this.#pods.push(member);
    return {
      ended,
      ...(this.#options.readyAfterMs === undefined ? {} : { readyAfterMs: this.#options.readyAfterMs }),
      begin: async () => {
        if (this.#pods[0] === member) await member.lead();
      },
      onEnd: () => this.#leave(member),
      answer: (request, response) => this.#service.handle(request, response),
      onStop: this.#end(JOB_EXIT.stopped, { outcome: 'stopped' }),
    };
  }

  async #lead({ pod, client, signal }: PlayPlace): Promise<void> {
    const { namespace = '', labels = {}, uid: podUid = '' } = pod.metadata ?? {};
    const job = labels[LABELS.job] ?? '';
    const epoch = await takeOver({ client, signal, namespace, job, attempt: this.#attempt, podUid });
    this.#epoch = epoch ?? this.#epoch;
  }

  #leave(member: Member): void {
    const didLead = this.#pods[0] === member;
    this.#pods = this.#pods.filter((one) => one !== member);
    const [leader] = this.#pods;
    if (leader === undefined) {
      this.#service.close();
      this.#forget();
    } else if (didLead) {
      leader.lead().catch((error: unknown) => leader.end({ exitCode: 1, message: String(error) }));
    }
  }

  /** The leader goes, and the next one leads. */
  async #leaderEndsWith(savepoint: string): Promise<void> {
    await this.#service.resultsRead(RESULTS_READ_MS);
    this.#pods[0]?.end(this.#end(JOB_EXIT.finished, { outcome: 'stoppedWithSavepoint', savepoint }));
  }

  /** The job has a result, so every pod ends that finds it. */
  async #allEnd(): Promise<void> {
    await this.#service.resultsRead(RESULTS_READ_MS);
    for (const { end } of this.#pods) end(this.#end(JOB_EXIT.finished, { outcome: 'finished' }));
  }

  #end(exitCode: number, more: Pick<TerminationRecord, 'outcome' | 'savepoint'>): ContainerEnd {
    const record: TerminationRecord = { exitCode, attempt: this.#attempt, epoch: this.#epoch, ...more };
    return { exitCode, message: JSON.stringify(record) };
  }

  async #savepoint({ targetDirectory }: SavepointCommand): Promise<{ location: string }> {
    await new Promise((resolve) => setTimeout(resolve, this.#options.savepointMs ?? 0));
    const id = (this.#checkpoints[0]?.id ?? 0) + 1;
    const location = `${targetDirectory ?? `file:///played/${this.#jobId}`}/sp-${id}`;
    this.#checkpoints = [this.#checkpoint(id, 'SAVEPOINT', location), ...this.#checkpoints];
    return { location };
  }

  get #control(): JobControl {
    const later = (work: Promise<void>): void => void work;
    return {
      triggerSavepoint: (command) => this.#savepoint(command),
      stopWithSavepoint: async (command) => {
        const taken = await this.#savepoint(command);
        later(this.#leaderEndsWith(taken.location));
        return taken;
      },
      cancelWithSavepoint: async (command) => {
        const taken = await this.#savepoint(command);
        later(this.#allEnd());
        return taken;
      },
      triggerCheckpoint: async () => {
        const checkpointId = (this.#checkpoints[0]?.id ?? 0) + 1;
        const location = `file:///played/${this.#jobId}/chk-${checkpointId}`;
        this.#checkpoints = [this.#checkpoint(checkpointId, 'CHECKPOINT', location), ...this.#checkpoints];
        return { checkpointId };
      },
      cancel: async () => later(this.#allEnd()),
      restorePoint: async () => undefined,
      query: async () => {
        throw new Error('a played job has no state');
      },
    };
  }

  #checkpoint(id: number, type: 'CHECKPOINT' | 'SAVEPOINT', location: string): CheckpointView {
    const now = Date.now();
    const parts = { checkpointedSize: 1_024, stateSize: 1_024, syncMs: 1, asyncMs: 1, alignmentMs: 0, startDelayMs: 0 };
    const acks = Array.from({ length: this.#parallelism }, () => ({ ackTime: now, ...parts }));
    return { id, status: 'COMPLETED', type, triggerTime: now, acks: { [VERTEX]: acks }, location };
  }

  get #parallelism(): number {
    return this.#options.parallelism ?? 1;
  }

  get #view(): JobView {
    const completed = this.#checkpoints.find(({ type }) => type === 'CHECKPOINT');
    const savepoint = this.#checkpoints.find(({ type }) => type === 'SAVEPOINT');
    return {
      jobId: this.#jobId,
      name: 'played',
      state: 'RUNNING',
      stateTimestamps: { CREATED: this.#startTime, RUNNING: this.#startTime },
      startTime: this.#startTime,
      attempt: this.#attempt,
      restarts: this.#attempt - 1,
      parallelism: this.#parallelism,
      workers: 1,
      vertices: [this.#vertex],
      checkpoints: {
        counts: { restored: 0, inProgress: 0, completed: this.#checkpoints.length, failed: 0 },
        history: this.#checkpoints,
        latest: { ...(completed && { completed }), ...(savepoint && { savepoint }) },
      },
      checkpointConfig: {
        intervalMs: 60_000,
        timeoutMs: 600_000,
        minPauseMs: 0,
        maxConcurrent: 1,
        tolerableFailures: 0,
        onCancel: 'Retain',
        storage: 'file:///played',
      },
      exceptions: [],
      exceptionsTruncated: false,
      restartStrategy: 'played',
      userConfig: {},
    };
  }

  get #vertex(): VertexView {
    const counters = { recordsIn: 0, recordsOut: 0, bytesIn: 0, bytesOut: 0 };
    const times = { backPressuredMs: 0, idleMs: 0, busyMs: 0 };
    const ratios = { backPressuredRatio: 0, idleRatio: 1, busyRatio: 0 };
    const facts = { attempt: 0, startTime: this.#startTime, worker: 'worker-0', ...counters, ...times, ...ratios };
    return {
      id: VERTEX,
      name: 'played',
      parallelism: this.#parallelism,
      maxParallelism: 128,
      operators: [{ uid: 'played', name: 'played' }],
      inputs: [],
      subtasks: Array.from({ length: this.#parallelism }, () => ({ state: 'RUNNING', ...facts })),
    };
  }
}
