/** The names of everything kept in the object of a job, spelled here and nowhere else. */

/** The version of this layout. It is also the one key that is always there. */
export const LAYOUT_KEY = 'layout';
export const LAYOUT = '1';

/** Decimal: the id the next checkpoint gets. */
export const COUNTER_KEY = 'counter';
/** The attempts of the job, as JSON. */
export const LEDGER_KEY = 'ledger';

const CHECKPOINT_PREFIX = 'checkpointID-';
const EXECUTION_PLAN_PREFIX = 'executionPlan-';
const JOB_RESULT_PREFIX = 'jobResult-';
const RUNNING_JOB_PREFIX = 'runningJobsRegistry-';
const LEADER_PREFIX = 'leader.';

/** `checkpointID-` and 19 digits, so that names sort as the ids do. */
export const checkpointKey = (checkpointId: number): string =>
  CHECKPOINT_PREFIX + String(checkpointId).padStart(19, '0');
export const isCheckpointKey = (key: string): boolean => key.startsWith(CHECKPOINT_PREFIX);

/** The id in the name of a checkpoint, or -1 when there is none. */
export function checkpointIdOf(key: string): number {
  const digits = key.slice(CHECKPOINT_PREFIX.length);
  return isCheckpointKey(key) && /^\d{1,19}$/.test(digits) ? Number(digits) : -1;
}

export const executionPlanKey = (jobId: string): string => EXECUTION_PLAN_PREFIX + jobId;
export const isExecutionPlanKey = (key: string): boolean => key.startsWith(EXECUTION_PLAN_PREFIX);
/** The job in the name of an execution plan; undefined when it is no job id. */
export function executionPlanJobId(key: string): string | undefined {
  const jobId = key.slice(EXECUTION_PLAN_PREFIX.length);
  return isExecutionPlanKey(key) && isJobId(jobId) ? jobId : undefined;
}

export const jobResultKey = (jobId: string): string => JOB_RESULT_PREFIX + jobId;
export const isJobResultKey = (key: string): boolean => key.startsWith(JOB_RESULT_PREFIX);

export const runningJobKey = (jobId: string): string => RUNNING_JOB_PREFIX + jobId;

export const leaderKey = (componentId: string): string => LEADER_PREFIX + componentId;
export const isLeaderKey = (key: string): boolean => key.startsWith(LEADER_PREFIX);
export const componentIdOf = (key: string): string => key.slice(LEADER_PREFIX.length);

/** The component under which the JobMaster of a job is elected. */
export const jobManagerComponent = (jobId: string): string => `job-${jobId}`;

/** 32 lowercase hex digits, as Flink's JobID prints itself. */
export const isJobId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** Where the stores keep the files that entries point to. */
export const haDirectory = (jobId: string): string => `${jobId}/ha`;
/** First part of the name of the file that keeps how the job ended. */
export const KEPT_RESULT = 'jobResult';
/** First part of the name of an empty file that says which epoch there has been. */
export const EPOCH_MARK = 'epoch';
/** Where the blobs of a job lie. */
export const blobDirectory = (jobId: string): string => `${jobId}/blob`;

/** The epoch in the name of a file of the stores (`<kind>-<epoch>-<random>`) or of a checkpoint (`chk-<N>-<epoch>-<random>`). */
export function epochInName(name: string): number | undefined {
  const match = /^chk-\d+-(\d+)-[^-]+$/.exec(name) ?? /^[A-Za-z]+-(\d+)-[^-]+$/.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The id in the name of a checkpoint's directory. */
export function checkpointIdInName(name: string): number | undefined {
  const id = /^chk-(\d+)-\d+-[^-]+$/.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}
