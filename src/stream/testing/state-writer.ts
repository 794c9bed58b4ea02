import { type WriteSubtaskState, writeSubtaskState } from '../checkpoint/checkpoint-writer.ts';
import type { SubtaskStateResult } from '../checkpoint/subtask-state.ts';

/** Told how the writing ended; exactly one of the two, once. */
export interface StateWriterListener {
  written(result: SubtaskStateResult): void;
  failed(error: unknown): void;
}

/**
 * The asynchronous part of a capture, slice by slice at the pace of whoever calls `goOn`: between two slices, and before
 * the first, records may flow. What is written must not depend on that.
 */
export class StateWriter {
  readonly #request: Omit<WriteSubtaskState, 'breathe'>;
  readonly #listener: StateWriterListener;
  #next: (() => void) | undefined = () => this.#begin();

  constructor(request: Omit<WriteSubtaskState, 'breathe'>, listener: StateWriterListener) {
    this.#request = request;
    this.#listener = listener;
    // Nobody may be waiting yet when it fails.
    for (const { durable } of request.snapshots) durable?.catch(() => {});
  }

  /** Whether a slice is left to do. False while it waits for something else, and at the end. */
  get canGoOn(): boolean {
    return this.#next !== undefined;
  }

  /** Does a slice; what it leads to is seen after a turn of the event loop. */
  goOn(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }

  #begin(): void {
    const breathe = (): Promise<void> =>
      new Promise((resolve) => {
        this.#next = resolve;
      });
    writeSubtaskState({ ...this.#request, breathe }).then(
      (result) => this.#listener.written(result),
      (error: unknown) => this.#listener.failed(error),
    );
  }
}
