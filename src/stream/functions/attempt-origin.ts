/** What an attempt of a job goes on from, as functions that meet output of earlier attempts have to know it. */

/** A checkpoint or savepoint that was restored. */
export interface RestoredOrigin {
  readonly from: 'checkpoint';
  /** The job that took it: another one where a job starts from somebody else's savepoint. */
  readonly jobId: string;
  readonly checkpointId: number;
  /** The epoch that took it. */
  readonly epoch: number;
  /** A newer checkpoint of this job was complete, and was passed over because it is damaged. */
  readonly isFallback: boolean;
}

/**
 * `nothing`: no attempt of this job has had its functions open before. `nothingAgain`: one has, and ended before a
 * checkpoint was complete, or without its checkpoints being found.
 */
export type AttemptOrigin = { readonly from: 'nothing' } | { readonly from: 'nothingAgain' } | RestoredOrigin;
