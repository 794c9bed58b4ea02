/** Exit codes of job processes: the contract between a job and whoever runs it. */
export const JOB_EXIT = {
  /** The job ended well, or was stopped with a savepoint. */
  finished: 0,
  /** The job failed; the restart strategy decides. */
  failed: 10,
  /** The job failed and must not be restarted. */
  suppressRestarts: 11,
  /** Another process leads the job, or another attempt is open. Counts for nothing. */
  lostLeadership: 12,
  /** The job or its configuration is not valid. Not restarted. */
  invalid: 13,
  /** Stopped on request (SIGTERM), without a savepoint. Counts for nothing. */
  stopped: 14,
} as const;

/** What a job process writes when it ends: a small JSON file or, in a pod, the termination message (at most 4,000 bytes). */
export interface TerminationRecord {
  readonly exitCode: number;
  readonly attempt: number;
  readonly epoch: number;
  readonly outcome: 'finished' | 'failed' | 'stoppedWithSavepoint' | 'stopped' | 'lostLeadership' | 'invalid';
  /** In words; absent when the job ended well. */
  readonly cause?: string;
  readonly code?: string;
  /** Where the savepoint of a stop lies. */
  readonly savepoint?: string;
}

/** The longest termination message a kubelet keeps, with room to spare. */
export const TERMINATION_MESSAGE_LIMIT_BYTES = 4_000;

/** A record as text within the limit: the cause is cut, never the facts. */
export function encodeTerminationRecord(record: TerminationRecord): string {
  let text = JSON.stringify(record);
  let { cause } = record;
  while (Buffer.byteLength(text) > TERMINATION_MESSAGE_LIMIT_BYTES && cause !== undefined && cause.length > 0) {
    cause = cause.slice(0, Math.floor(cause.length * 0.8));
    text = JSON.stringify({ ...record, cause: `${cause}…` });
  }
  return text;
}

const OUTCOMES: readonly string[] = [
  'finished',
  'failed',
  'stoppedWithSavepoint',
  'stopped',
  'lostLeadership',
  'invalid',
];

/** A record that was read, or undefined when the text is not one (a process that was killed leaves nothing, or half). */
export function decodeTerminationRecord(text: string): TerminationRecord | undefined {
  try {
    const record = JSON.parse(text) as TerminationRecord;
    return isRecord(record) ? record : undefined;
  } catch {
    // Not JSON: whoever wrote it was not a job process that ended in order.
    return undefined;
  }
}

/** A job's code may write there as well as the process that runs it. */
function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { exitCode, attempt, outcome, cause, code, savepoint } = value as Partial<TerminationRecord>;
  const words: readonly unknown[] = [cause, code, savepoint];
  const isWorded = words.every((each) => each === undefined || typeof each === 'string');
  return isWorded && Number.isInteger(exitCode) && Number.isInteger(attempt) && OUTCOMES.includes(outcome ?? '');
}
