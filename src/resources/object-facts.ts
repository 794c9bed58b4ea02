/** What objects are built from. Everything is settled here, so that the same facts always make the same object. */
import type { FlinkJob } from '../api/index.ts';
import type { StorageOrder } from '../lib/storage-work.ts';

/** A job whose objects are built. */
export interface ObjectFacts {
  readonly job: FlinkJob;
  readonly namespace: string;
  readonly name: string;
  /** Of the FlinkJob: its objects go when it goes. */
  readonly uid: string;
  /** Stable for the life of the state. */
  readonly jobId: string;
  /** When the job got its id, RFC 3339. */
  readonly since: string;
  /** What its state began from. */
  readonly restoreFrom?: string | undefined;
}

/** One revision of a job, with its image settled: another version of the operator changes no job. */
export interface RevisionFacts extends ObjectFacts {
  /** `<job>-<hash>`. */
  readonly revision: string;
  readonly image: string;
}

/** One pod of an attempt. */
export interface PodFacts extends RevisionFacts {
  readonly attempt: number;
  /** Grows within an attempt, and is never used twice. */
  readonly index: number;
}

/** A pod that works in the storage of a job. */
export interface StoragePodFacts extends RevisionFacts {
  readonly order: StorageOrder;
  /** It is ended by then, done or not. */
  readonly deadlineSeconds: number;
}
