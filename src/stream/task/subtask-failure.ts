/** A failure that is known to be one subtask's, on the way to being reported as such. */
import type { SubtaskRef } from '../checkpoint/subtask-state.ts';

/** Something went wrong in one subtask; the cause is what is reported. */
export class SubtaskFailure extends Error {
  readonly ref: SubtaskRef;

  constructor(ref: SubtaskRef, cause: unknown) {
    super('a subtask failed', { cause });
    this.ref = ref;
  }
}

/** Waits for a step of a subtask. @throws SubtaskFailure for whatever goes wrong in it */
export async function inSubtask<R>(ref: SubtaskRef, step: Promise<R>): Promise<R> {
  try {
    return await step;
  } catch (cause) {
    throw new SubtaskFailure(ref, cause);
  }
}
