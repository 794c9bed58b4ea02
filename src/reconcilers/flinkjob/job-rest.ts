/** What the operator asks a job over its REST API: how it is, and for a savepoint. One request at a time, each with a deadline. */
import { type CheckpointStatistics, FlinkClient, FlinkRestError, JOB_STATUSES } from '../../flink/index.ts';
import type { CheckpointSeen, OperationSeen, RestAnswer, RestSeen } from './facts.ts';

/** Where a job answers. */
export interface JobAddress {
  readonly podIp: string;
  readonly jobId: string;
}

export interface JobRestOptions {
  readonly port: number;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** A savepoint is asked for again after this long, doubled each time. */
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 300_000;

export class JobRest {
  private readonly options: JobRestOptions;

  constructor(options: JobRestOptions) {
    this.options = options;
  }

  /** How a job is: all that a look asks of it. Never throws. @param before what it answered last */
  async look(address: JobAddress, attempt: number, before: RestSeen, signal: AbortSignal): Promise<RestSeen> {
    return this.answered(attempt, before, async (at) => {
      const seen = await this.jobSeen(address, { attempt, at, before }, signal);
      return seen.runningSince === undefined ? seen : { ...seen, ...(await this.checkpointsSeen(address, signal)) };
    });
  }

  /**
   * How a job that runs well still is. Asks one of two things, in turn: what may change without a pod that says so is slow.
   * Never throws.
   */
  async lookAgain(address: JobAddress, before: RestAnswer, signal: AbortSignal): Promise<RestSeen> {
    const { attempt, askedFor } = before;
    return this.answered(attempt, before, async (at) => {
      if (askedFor !== 'checkpoints') return { ...before, at, ...(await this.checkpointsSeen(address, signal)) };
      const seen = await this.jobSeen(address, { attempt, at, before }, signal);
      const { checkpoint, completed, failed, lastFailure, restored } = before;
      return seen.runningSince === undefined ? seen : { ...seen, checkpoint, completed, failed, lastFailure, restored };
    });
  }

  /** Its newest checkpoint, and how many have failed. Never throws: undefined where it does not answer. */
  async checkpoint(
    address: JobAddress,
    signal: AbortSignal,
  ): Promise<{ readonly checkpoint: CheckpointSeen; readonly failed: number } | undefined> {
    try {
      const { checkpoint, failed } = await this.checkpointsSeen(address, signal);
      return checkpoint === undefined ? undefined : { checkpoint, failed };
    } catch {
      return undefined;
    }
  }

  private async answered(
    attempt: number,
    before: RestSeen,
    ask: (at: number) => Promise<RestAnswer>,
  ): Promise<RestSeen> {
    const at = this.options.now();
    try {
      return await ask(at);
    } catch {
      // Unknown is not failed: what a job does not say is not held against it.
      const isStill = before.is === 'silent' && before.attempt === attempt;
      return { is: 'silent', attempt, at, since: isStill ? before.since : at };
    }
  }

  private async jobSeen(
    address: JobAddress,
    { attempt, at, before }: { readonly attempt: number; readonly at: number; readonly before: RestSeen },
    signal: AbortSignal,
  ): Promise<RestAnswer> {
    const { state, vertices } = await this.client(address).job(address.jobId, signal);
    if (!JOB_STATUSES.includes(state)) throw new TypeError('a job is in no such state');
    const tasksTotal = vertices.reduce((sum, { parallelism }) => sum + count(parallelism), 0);
    const tasksRunning = vertices.reduce((sum, { tasks }) => sum + count(tasks.RUNNING) + count(tasks.FINISHED), 0);
    const isRunning = state === 'RUNNING' && tasksRunning === tasksTotal;
    const knownSince = before.is === 'answered' && before.attempt === attempt ? before.runningSince : undefined;
    const runningSince = isRunning ? (knownSince ?? at) : undefined;
    const nothing = { checkpoint: undefined, completed: 0, failed: 0 };
    return { is: 'answered', askedFor: 'job', attempt, at, state, tasksRunning, tasksTotal, runningSince, ...nothing };
  }

  private async checkpointsSeen(address: JobAddress, signal: AbortSignal) {
    const { counts, latest } = await this.client(address).checkpoints(address.jobId, signal);
    const { failed: failure, restored: from } = latest;
    return {
      askedFor: 'checkpoints',
      checkpoint: checkpointSeen(latest.completed),
      completed: count(counts.completed),
      failed: count(counts.failed),
      lastFailure: failure ? { id: count(failure.id), cause: text(failure.failure_message ?? NO_CAUSE) } : undefined,
      restored: from ? { uri: uri(from.external_path), at: instant(from.restore_timestamp) } : undefined,
    } as const;
  }

  /** Asks for a savepoint, or for a stop with one; asking again is the same one. Never throws. */
  async begin(
    what: 'savepoint' | 'stop',
    address: JobAddress,
    triggerId: string,
    before: OperationSeen | undefined,
    signal: AbortSignal,
  ): Promise<OperationSeen> {
    const tries = (before?.triggerId === triggerId ? before.tries : 0) + 1;
    try {
      const client = this.client(address);
      if (what === 'stop') await client.beginStopWithSavepoint(address.jobId, triggerId, signal);
      else await client.beginSavepoint(address.jobId, triggerId, signal);
      return { triggerId, tries, state: { is: 'inProgress' }, notBefore: 0 };
    } catch {
      const notBefore = this.options.now() + Math.min(1_000 * tries, 5_000);
      return { triggerId, tries, state: { is: 'unknown' }, notBefore };
    }
  }

  /** How far an operation is. A process that took over knows of none: then it is begun again. Never throws. */
  async follow(address: JobAddress, operation: OperationSeen, signal: AbortSignal): Promise<OperationSeen> {
    const { triggerId, tries } = operation;
    try {
      const { status, operation: result } = await this.client(address).savepoint(address.jobId, triggerId, signal);
      if (status.id !== 'COMPLETED' || result === null) return operation;
      const { location, 'failure-cause': failure } = result;
      if (typeof location === 'string') return { ...operation, state: { is: 'completed', location: uri(location) } };
      const cause = failure?.['stack-trace'].split('\n')[0] ?? NO_CAUSE;
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1));
      return { ...operation, state: { is: 'failed', cause }, notBefore: this.options.now() + waitMs };
    } catch (error) {
      const isForgotten = error instanceof FlinkRestError && error.status === 404;
      return isForgotten ? { ...operation, state: { is: 'unknown' } } : operation;
    }
  }

  private client({ podIp }: JobAddress): FlinkClient {
    const host = podIp.includes(':') ? `[${podIp}]` : podIp;
    return new FlinkClient(`http://${host}:${this.options.port}`, { timeoutMs: this.options.timeoutMs });
  }
}

/** Whether the job runs in this attempt and has completed a checkpoint in it: from then on it is asked less. */
export function runsWell(rest: RestSeen, attempt: number): rest is RestAnswer {
  const isOf = rest.is === 'answered' && rest.attempt === attempt;
  return isOf && rest.runningSince !== undefined && rest.completed > 0;
}

function checkpointSeen(completed: CheckpointStatistics | null): CheckpointSeen | undefined {
  if (completed === null) return undefined;
  const { id, external_path: where = '', state_size: bytes, end_to_end_duration: tookMs } = completed;
  const at = instant(completed.latest_ack_timestamp);
  return { id: count(id), uri: uri(where), bytes: count(bytes), tookMs: count(tookMs), at };
}

const NO_CAUSE = 'the job gave no cause';
/** As long as one may be in status. */
const URI_LIMIT = 2_048;
/** The last instant whose year has four digits, as status has them. */
const LAST_INSTANT = 253_402_300_799_999;

// What answers runs code of the user's: what is not what it should be is no answer. Each throws a TypeError then.

/** -1 stands for what is not known. */
function count(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError('it is no count');
  return Math.max(0, value as number);
}

function instant(value: unknown): number {
  if (Math.abs(count(value)) > LAST_INSTANT) throw new TypeError('it is no instant');
  return value as number;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('it is no text');
  return value;
}

function uri(value: unknown): string {
  if (text(value).length > URI_LIMIT) throw new TypeError('it is no URI');
  return value as string;
}
