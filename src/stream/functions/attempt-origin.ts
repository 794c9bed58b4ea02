/** What an attempt of a job goes on from, as functions that meet output of earlier attempts have to know it. */

/** A checkpoint or savepoint that was restored. */
export interface RestoredOrigin extends Surroundings {
  readonly from: 'checkpoint';
  /** The job that took it: another one where a job starts from somebody else's savepoint. */
  readonly jobId: string;
  readonly checkpointId: number;
  /** The epoch that took it. */
  readonly epoch: number;
  /** A newer checkpoint of this job was complete, and was passed over because it is damaged. */
  readonly isFallback: boolean;
}

/** A savepoint that lies in the job's storage. */
export interface StoredSavepoint {
  readonly checkpointId: number;
  /** The epoch that took it. */
  readonly epoch: number;
}

/** What holds for every attempt, whatever it goes on from. */
interface Surroundings {
  /**
   * The savepoints of the job when the attempt began. Each may be restored for as long as it is there, also by another
   * job, so what it promises must stay. One that cannot be read may promise anything. @default none
   */
  readonly savepoints?: readonly (StoredSavepoint | 'unreadable')[];
}

/**
 * `nothing`: no attempt of this job has had its functions open before. `nothingAgain`: one has, and ended before a
 * checkpoint was complete, or without its checkpoints being found.
 */
export type AttemptOrigin =
  | (Surroundings & { readonly from: 'nothing' })
  | (Surroundings & { readonly from: 'nothingAgain' })
  | RestoredOrigin;
