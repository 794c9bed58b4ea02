/** What a subtask answers a barrier with, and how subtasks are named. Plain data: it travels between threads. */
import type { OperatorHandles } from './encode-subtask-state.ts';
import type { StateFile } from './manifest.ts';

/** One subtask of one vertex. */
export interface SubtaskRef {
  readonly vertexId: string;
  readonly subtaskIndex: number;
}

/** The state of one subtask as it lies in the storage: an acknowledgement. */
export interface SubtaskStateResult extends SubtaskRef {
  /** Directory of the checkpoint. A late result is found and deleted by it. */
  readonly directory: string;
  /** Relative to the directory. Undefined when the subtask stored nothing. */
  readonly file: StateFile | undefined;
  readonly operators: readonly OperatorHandles[];
}

/** `<vertex>/<subtask>`, for maps and messages. */
export function subtaskKey({ vertexId, subtaskIndex }: SubtaskRef): string {
  return `${vertexId}/${subtaskIndex}`;
}
