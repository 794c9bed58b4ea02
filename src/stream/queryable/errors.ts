/** What can go wrong between a query and a value. Names and texts are Flink's, so that its documentation applies. */
import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown when a call names a job this JobMaster does not run. Asking again does not help. */
export class FlinkJobNotFoundException extends FlinkJobError {
  readonly jobId: string;

  constructor(jobId: string) {
    super('FLINK_JOB_NOT_FOUND', `Could not find Flink job (${jobId})`);
    this.jobId = jobId;
  }
}

/** Thrown when nobody has registered a state under the name: it does not exist or was never used yet. */
export class UnknownKvStateLocation extends FlinkJobError {
  readonly stateName: string;

  constructor(stateName: string) {
    super('UNKNOWN_KV_STATE_LOCATION', `No KvStateLocation found for KvState instance with name '${stateName}'.`);
    this.stateName = stateName;
  }
}

/** Thrown while no JobMaster is connected that could be asked for a location. */
export class UnknownLocationException extends FlinkJobError {
  constructor(stateName: string, jobId: string) {
    super(
      'UNKNOWN_LOCATION',
      `Could not retrieve location of state=${stateName} of job=${jobId}. Potential reasons are: ` +
        'i) the state is not ready, or ii) the job does not exist.',
      { retryable: true },
    );
  }
}

/** Thrown when a state is known but nobody serves the key group yet, as while subtasks start. */
export class UnknownKvStateKeyGroupLocationException extends FlinkJobError {
  constructor() {
    super('UNKNOWN_KEY_GROUP_LOCATION', 'Unknown key-group location.', { retryable: true });
  }
}

/** Flink's text for a key that has no entry; absence is an answer here, not an exception. */
export const UNKNOWN_KEY_OR_NAMESPACE = 'No state for the specified key/namespace.';

/** Flink's text for a registration the owner does not have any more; the asker then looks the owner up again. */
export function unknownKvStateId(kvStateId: string): string {
  return `No registered state with ID ${kvStateId}.`;
}

/** Thrown when the subtask that serves a state cannot be reached, or did not answer in time. */
export class KvStateServerUnreachableException extends FlinkJobError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('KV_STATE_SERVER_UNREACHABLE', message, { ...options, retryable: true });
  }
}

/** Thrown when a notification arrives before the JobMaster has built its execution graph: send it again later. */
export class NoExecutionGraphException extends FlinkJobError {
  constructor(jobId: string) {
    super(
      'NO_EXECUTION_GRAPH',
      `Job ${jobId} has no execution graph yet; the queryable state notification was not taken. Send it again.`,
      { retryable: true },
    );
  }
}
