/**
 * How a user function takes part in the life of its operator: which of the two checkpointing interfaces it has, and the
 * order of calls. Follows Flink's StreamingFunctionUtils: initializeState or restoreState before open; one interface only.
 */

import { messageOf } from '../../lib/errors.ts';
import { FlinkRuntimeException, IllegalStateException } from '../../lib/java-errors.ts';
import type {
  CheckpointedFunction,
  CheckpointListener,
  KeyedStateStore,
  ListCheckpointed,
  OperatorStateStore,
} from '../functions/checkpointed.ts';
import type { RichFunction } from '../functions/functions.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import { DEFAULT_OPERATOR_STATE_NAME } from '../state/operator-state-backend.ts';
import { Types } from '../types/index.ts';
import type { SnapshotRequest } from './operator.ts';

type Checkpointing =
  | { readonly how: 'none' }
  | { readonly how: 'function'; readonly target: CheckpointedFunction }
  | { readonly how: 'list'; readonly target: ListCheckpointed<unknown> };

/** What initialisation needs to know of the task. */
export interface InitializationFacts {
  readonly restoredCheckpointId: number | undefined;
  readonly operatorState: OperatorStateStore;
  /** Throws where the stream is not keyed. */
  readonly keyedState: KeyedStateStore;
}

/** Drives one user function. Plain functions take no part and cost nothing. */
export class FunctionLifecycle {
  readonly #function: unknown;
  readonly #checkpointing: Checkpointing;
  readonly #name: string;
  #operatorState: OperatorStateStore | undefined;

  /** @throws IllegalStateException when the function has both checkpointing interfaces */
  constructor(userFunction: unknown, name: string) {
    this.#function = userFunction;
    this.#name = name;
    this.#checkpointing = checkpointingOf(userFunction);
  }

  async initialize(facts: InitializationFacts): Promise<void> {
    this.#operatorState = facts.operatorState;
    try {
      await this.#initialize(facts);
    } catch (cause) {
      throw new FlinkRuntimeException(`Failed to restore state to function: ${this.#name}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  async #initialize(facts: InitializationFacts): Promise<void> {
    const restored = facts.restoredCheckpointId !== undefined;
    if (this.#checkpointing.how === 'function') {
      await this.#checkpointing.target.initializeState({
        isRestored: () => restored,
        getRestoredCheckpointId: () => facts.restoredCheckpointId,
        getOperatorStateStore: () => facts.operatorState,
        getKeyedStateStore: () => facts.keyedState,
      });
    } else if (this.#checkpointing.how === 'list' && restored) {
      this.#checkpointing.target.restoreState([...facts.operatorState.getListState(DEFAULT_LIST).get()]);
    }
  }

  async open(context: RuntimeContext): Promise<void> {
    await (this.#function as Partial<RichFunction>).open?.(context);
  }

  /** Asks the function for its state; synchronous unless the function's own snapshotState returns a promise. */
  snapshot(request: SnapshotRequest): void | Promise<void> {
    if (this.#checkpointing.how === 'function') {
      return this.#checkpointing.target.snapshotState({
        checkpointId: request.checkpointId,
        checkpointTimestamp: request.timestamp,
      });
    }
    if (this.#checkpointing.how === 'list') {
      const state = this.#checkpointing.target.snapshotState(request.checkpointId, request.timestamp);
      this.#operatorState?.getListState(DEFAULT_LIST).update(state ?? []);
    }
    return undefined;
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return (this.#function as Partial<CheckpointListener>).notifyCheckpointComplete?.(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void | Promise<void> {
    return (this.#function as Partial<CheckpointListener>).notifyCheckpointAborted?.(checkpointId);
  }

  async close(): Promise<void> {
    await (this.#function as Partial<RichFunction>).close?.();
  }
}

const DEFAULT_LIST = new ListStateDescriptor(DEFAULT_OPERATOR_STATE_NAME, Types.ANY);

/** Wrapped functions (`wrappedFunction`) are unwrapped until one has an interface. */
function checkpointingOf(userFunction: unknown): Checkpointing {
  const visited = new Set<unknown>();
  let candidate = userFunction;
  while (candidate !== null && candidate !== undefined && !visited.has(candidate)) {
    visited.add(candidate);
    const has = candidate as Partial<CheckpointedFunction> & Partial<ListCheckpointed<unknown>>;
    const isFunction = typeof has.initializeState === 'function';
    const isList = typeof has.restoreState === 'function';
    if (isFunction && isList) {
      throw new IllegalStateException(
        'User functions are not allowed to implement CheckpointedFunction AND ListCheckpointed.',
      );
    }
    if (isFunction) return { how: 'function', target: candidate as CheckpointedFunction };
    if (isList) return { how: 'list', target: candidate as ListCheckpointed<unknown> };
    candidate = (candidate as { wrappedFunction?: unknown }).wrappedFunction;
  }
  return { how: 'none' };
}
