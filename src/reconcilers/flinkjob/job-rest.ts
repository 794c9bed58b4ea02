/** What the operator asks a job over its REST API: how it is, and for a savepoint. One request at a time, each with a deadline. */
import { type CheckpointStatistics, FlinkClient, FlinkRestError } from '../../flink/index.ts';
import type { CheckpointSeen, OperationSeen, RestSeen } from './facts.ts';

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

  /** How a job is; never throws. `before`: what it answered last. */
  async look(address: JobAddress, attempt: number, before: RestSeen, signal: AbortSignal): Promise<RestSeen> {
    const at = this.options.now();
    const client = this.client(address);
    const known = before.is !== 'notAsked' && before.attempt === attempt ? before : undefined;
    try {
      const job = await client.job(address.jobId, signal);
      const tasksTotal = job.vertices.reduce((sum, { parallelism }) => sum + parallelism, 0);
      const tasksRunning = job.vertices.reduce((sum, { tasks }) => sum + tasks.RUNNING + tasks.FINISHED, 0);
      const isRunning = job.state === 'RUNNING' && tasksRunning === tasksTotal;
      const seen = {
        is: 'answered',
        attempt,
        at,
        state: job.state,
        tasksRunning,
        tasksTotal,
        runningSince: isRunning ? ((known?.is === 'answered' ? known.runningSince : undefined) ?? at) : undefined,
      } as const;
      if (!isRunning) return { ...seen, checkpoint: undefined, completed: 0, failed: 0 };
      const { counts, latest } = await client.checkpoints(address.jobId, signal);
      const checkpoint = checkpointSeen(latest.completed);
      return { ...seen, checkpoint, completed: counts.completed, failed: counts.failed };
    } catch {
      // Unknown is not failed: what a job does not say is not held against it.
      return { is: 'silent', attempt, at, since: known?.is === 'silent' ? known.since : at };
    }
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
      if (typeof location === 'string') return { ...operation, state: { is: 'completed', location } };
      const cause = failure?.['stack-trace'].split('\n')[0] ?? 'the job gave no cause';
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

function checkpointSeen(completed: CheckpointStatistics | null): CheckpointSeen | undefined {
  if (completed === null) return undefined;
  const { id, external_path: uri = '', state_size: bytes, end_to_end_duration: tookMs } = completed;
  return { id, uri, bytes, tookMs, at: completed.latest_ack_timestamp };
}
