/** What the coordinator's state machine is told and what it decides: two closed unions, and the facts they carry. */
import type { Instant } from '../../lib/clock.ts';
import type { CheckpointBarrier, CheckpointKind } from '../exchange/channel.ts';
import type { CheckpointRequest } from './checkpoint-requests.ts';
import type { SubtaskRef, SubtaskStateResult } from './subtask-state.ts';

/** Both clocks at one instant. */
export interface Time {
  /** Wall clock, for people and barriers. */
  readonly now: Instant;
  /** For intervals and time-outs. */
  readonly monotonic: number;
}

/** A subtask has stored its part. */
export interface Acknowledgement extends SubtaskRef {
  readonly checkpointId: number;
  readonly result: SubtaskStateResult;
  /** It had reached the end of its input. */
  readonly finished: boolean;
  readonly syncMs: number;
  readonly asyncMs: number;
  readonly alignmentMs: number;
}

/** How storing a complete checkpoint ended. */
export type FinalizeOutcome =
  /** Committed. `lastSubsumedId`: this checkpoint and older ones had to make room. */
  | { readonly outcome: 'done'; readonly lastSubsumedId?: number }
  /** Certainly not committed: its files may go. */
  | { readonly outcome: 'notDone'; readonly cause: unknown }
  /** Nobody can tell: its files must stay. */
  | { readonly outcome: 'unknown'; readonly cause: unknown };

export type CoordinatorEvent =
  /** All tasks run; `random` in [0, 1) picks the first periodic trigger. */
  | { readonly type: 'tasksRunning'; readonly random: number }
  | { readonly type: 'tick' }
  | { readonly type: 'requested'; readonly request: CheckpointRequest }
  | { readonly type: 'idTaken'; readonly token: number; readonly checkpointId: number; readonly directory: string }
  | { readonly type: 'idFailed'; readonly token: number; readonly cause: unknown }
  | { readonly type: 'triggerFailed'; readonly checkpointId: number; readonly cause: unknown }
  | { readonly type: 'acknowledged'; readonly ack: Acknowledgement }
  | {
      readonly type: 'declined';
      readonly checkpointId: number;
      readonly subtask: SubtaskRef;
      readonly reason: string;
      readonly message: string;
    }
  | { readonly type: 'finalized'; readonly checkpointId: number; readonly result: FinalizeOutcome }
  /** What a completed checkpoint has replaced is being removed; `cleaned` follows. */
  | { readonly type: 'cleaning' }
  /** That, or a `discard`, has ended, well or not. */
  | { readonly type: 'cleaned' }
  /** The subtask is gone for good and answers no more; it had emitted everything. */
  | { readonly type: 'taskGone'; readonly subtask: SubtaskRef }
  /** The job ends. What is being committed is let finish; everything else is given up. */
  | { readonly type: 'stopped' };

/** A checkpoint that all subtasks have answered. */
export interface CompleteCheckpoint {
  readonly checkpointId: number;
  readonly kind: CheckpointKind;
  readonly directory: string;
  readonly timestamp: Instant;
  readonly results: readonly SubtaskStateResult[];
  /** Keys of subtasks that had reached the end of their input. */
  readonly finished: ReadonlySet<string>;
}

/** What a request is answered with. */
export interface CheckpointAnswer {
  readonly checkpointId: number;
  readonly kind: CheckpointKind;
  readonly directory: string;
  readonly bytes: number;
  /** From trigger to commit. */
  readonly durationMs: number;
}

export type CoordinatorDecision =
  /** Take an id from the counter and a directory for it, then tell. */
  | { readonly do: 'takeId'; readonly request: CheckpointRequest }
  | { readonly do: 'trigger'; readonly barrier: CheckpointBarrier; readonly directory: string }
  /** Write the manifest and commit; one at a time. */
  | { readonly do: 'finalize'; readonly checkpoint: CompleteCheckpoint }
  | { readonly do: 'notifyComplete'; readonly checkpointId: number }
  | { readonly do: 'notifyAborted'; readonly checkpointId: number }
  /** Delete the files of a checkpoint that failed, then tell. */
  | { readonly do: 'discard'; readonly directory: string }
  /** Delete one file that came too late. */
  | { readonly do: 'discardFile'; readonly directory: string; readonly path: string }
  | { readonly do: 'answer'; readonly token: number; readonly answer: CheckpointAnswer }
  | { readonly do: 'refuse'; readonly token: number; readonly error: Error }
  | { readonly do: 'failJob'; readonly error: Error }
  | { readonly do: 'report'; readonly report: CheckpointReport };

/** What is worth a log line or a place in the progress display. */
export type CheckpointReport =
  | { readonly what: 'triggered'; readonly checkpointId: number; readonly kind: CheckpointKind }
  | ({ readonly what: 'completed' } & CheckpointAnswer)
  | {
      readonly what: 'failed';
      readonly checkpointId: number | undefined;
      readonly kind: CheckpointKind;
      readonly error: Error;
    }
  /** Committed or not, nobody knows: the files stay and may have to be removed by hand. */
  | { readonly what: 'undecided'; readonly checkpointId: number; readonly directory: string; readonly cause: unknown }
  | { readonly what: 'late'; readonly checkpointId: number; readonly subtask: SubtaskRef; readonly known: boolean };
