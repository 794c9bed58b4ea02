/**
 * Where the readers of bounded sources keep their splits. Two operator states stand behind it: an even-split list of the
 * splits that still have records, and a union list that only says "this source has started".
 *
 * Why two: after a restore an empty share of the split list has two meanings. Either everything was read (or went to
 * other subtasks): then there is nothing to do. Or the source is new in this version of the job: then it starts from the
 * beginning. Every subtask sees the whole union list, so each can tell the two apart. Splits that were read to their end
 * are dropped: nothing names them any more, so nothing reads them again, at any parallelism.
 */
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import type { ListState } from '../state/state.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';

const FORMAT_VERSION = 1;

/** The splits of one source in one subtask. */
export class SplitState<S> {
  readonly #name: string;
  readonly #type: TypeInformation<S>;
  #splits: ListState<S> | undefined;
  #started: ListState<number> | undefined;

  /** @param name of the state; stays for the life of the stored state */
  constructor(name: string, type: TypeInformation<S>) {
    this.#name = name;
    this.#type = type;
  }

  /** The splits this subtask goes on with, or undefined when the source has never run and must plan afresh. */
  initialize(context: FunctionInitializationContext): S[] | undefined {
    const store = context.getOperatorStateStore();
    this.#splits = store.getListState(new ListStateDescriptor(this.#name, this.#type));
    this.#started = store.getUnionListState(new ListStateDescriptor(`${this.#name}-started`, Types.INT));
    const ranBefore = context.isRestored() && [...this.#started.get()].length > 0;
    return ranBefore ? [...this.#splits.get()] : undefined;
  }

  /** Stores the splits that still have records, each with its position. */
  update(splits: Iterable<S>): void {
    this.#splits?.update(splits);
    this.#started?.update([FORMAT_VERSION]);
  }
}
