/** A local job as other commands see it. */
import type { FlinkJobSettings } from '../../api/index.ts';
import type { FlinkClient, JobDetails } from '../../flink/index.ts';
import type { HaSnapshot, JobResult, Ledger } from '../../ha/index.ts';
import type { TerminationRecord } from '../../lib/exit-codes.ts';
import type { JobHome } from '../run/job-home.ts';
import type { LastRun } from '../run/last-run.ts';

/** What a command that names a job finds. */
export type LocalJob =
  | { readonly is: 'notFound'; readonly wanted: string; readonly home: string; readonly known: readonly string[] }
  | { readonly is: 'notRunning'; readonly record: LocalJobRecord }
  | { readonly is: 'running'; readonly record: LocalJobRecord; readonly leader: RunningLeader };

/** What is kept of a job, whether it runs or not. */
export interface LocalJobRecord {
  readonly home: JobHome;
  /** `namespace/name`, or only the name in the namespace default. */
  readonly title: string;
  /** Undefined when the job was never supervised. */
  readonly lastRun: LastRun | undefined;
  /** What the resource of the last run says. */
  readonly settings: FlinkJobSettings | undefined;
  readonly ledger: Ledger;
  /** The job's object; undefined when there is none. */
  readonly snapshot: HaSnapshot | undefined;
  /** How the job ended for good; undefined while it has not, or where that cannot be read. */
  readonly result: JobResult | undefined;
  /** What the last process of the open attempt said when it ended; undefined while it runs, and when it was killed. */
  readonly ended: TerminationRecord | undefined;
  /** The process that supervises it now. */
  readonly supervisorPid: number | undefined;
  /** `file://` URI of its checkpoints and savepoints. */
  readonly storageUri: string;
}

/** The process that leads a job and answers. */
export interface RunningLeader {
  readonly pid: number;
  readonly url: string;
  readonly client: FlinkClient;
  readonly details: JobDetails;
}
