/** What an attempt of a job goes on from, as functions that meet output of earlier attempts have to know it. */

/** A checkpoint or savepoint that was restored. */
export interface RestoredOrigin extends Surroundings {
  readonly from: 'checkpoint';
  /** The job that took it: another one where a job starts from somebody else's savepoint. */
  readonly jobId: string;
  readonly checkpointId: number;
  /** The epoch that took it. */
  readonly epoch: number;
}

/** A checkpoint or savepoint that an attempt of the job, or another job, may restore some day. */
export interface RestorablePoint {
  /** Infinity: not known. */
  readonly checkpointId: number;
  /** The epoch that took it. Absent: not known. */
  readonly epoch?: number;
}

/** What holds for every attempt, whatever it goes on from. */
interface Surroundings {
  /**
   * What may be restored later instead of what is now: savepoints of the job, checkpoints that were passed over because
   * they are damaged, and whole ones that no handle points to. What these promise must stay. @default none
   */
  readonly restorable?: readonly RestorablePoint[];
}

/**
 * `nothing`: no attempt of this job has had its functions open before. `nothingAgain`: one has, and ended before a
 * checkpoint was complete, or without its checkpoints being found.
 */
export type AttemptOrigin =
  | (Surroundings & { readonly from: 'nothing' })
  | (Surroundings & { readonly from: 'nothingAgain' })
  | RestoredOrigin;
