/** A checkpoint that has been triggered and is not decided yet. Changed by the coordinator's state machine only. */
import type { Instant } from '../../lib/clock.ts';
import type { CheckpointRequest } from './checkpoint-requests.ts';
import type { Acknowledgement, CheckpointAnswer, CompleteCheckpoint } from './coordinator-events.ts';
import type { SubtaskStateResult } from './subtask-state.ts';
import { subtaskKey } from './subtask-state.ts';

/** What `acknowledge` did with an answer. */
export type AcknowledgeOutcome = 'taken' | 'complete' | 'duplicate' | 'unknown';

export class PendingCheckpoint {
  readonly id: number;
  readonly request: CheckpointRequest;
  readonly directory: string;
  readonly timestamp: Instant;
  /** Monotonic. */
  readonly startedAt: number;
  /** All subtasks have answered; it is being stored, or waits for its turn. It can no longer expire. */
  isComplete = false;
  readonly #awaited: Set<string>;
  readonly #results = new Map<string, SubtaskStateResult>();
  readonly #finished = new Set<string>();

  constructor(facts: {
    readonly id: number;
    readonly request: CheckpointRequest;
    readonly directory: string;
    readonly timestamp: Instant;
    readonly startedAt: number;
    /** Keys of the subtasks that must answer. */
    readonly awaited: ReadonlySet<string>;
    /** Keys of those that are gone: they count as finished. */
    readonly gone: ReadonlySet<string>;
  }) {
    this.id = facts.id;
    this.request = facts.request;
    this.directory = facts.directory;
    this.timestamp = facts.timestamp;
    this.startedAt = facts.startedAt;
    this.#awaited = new Set(facts.awaited);
    for (const key of facts.gone) this.#finished.add(key);
  }

  acknowledge(ack: Acknowledgement): AcknowledgeOutcome {
    const key = subtaskKey(ack);
    if (this.#results.has(key)) return 'duplicate';
    if (!this.#awaited.delete(key)) return 'unknown';
    this.#results.set(key, ack.result);
    if (ack.finished) this.#finished.add(key);
    return this.#answered();
  }

  /** A subtask that will not answer any more: all it emitted lies before the barrier, and it has nothing left to store. */
  gone(key: string): AcknowledgeOutcome {
    if (!this.#awaited.delete(key)) return 'unknown';
    this.#finished.add(key);
    return this.#answered();
  }

  get bytes(): number {
    return [...this.#results.values()].reduce((sum, { file }) => sum + (file?.sizeBytes ?? 0), 0);
  }

  complete(): CompleteCheckpoint {
    return {
      checkpointId: this.id,
      kind: this.request.kind,
      directory: this.directory,
      timestamp: this.timestamp,
      results: [...this.#results.values()],
      finished: this.#finished,
    };
  }

  answer(now: number): CheckpointAnswer {
    const durationMs = Math.round(now - this.startedAt);
    return { checkpointId: this.id, kind: this.request.kind, directory: this.directory, bytes: this.bytes, durationMs };
  }

  #answered(): AcknowledgeOutcome {
    if (this.#awaited.size > 0) return 'taken';
    this.isComplete = true;
    return 'complete';
  }
}
