/** The states of windows by descriptor, as triggers and window functions ask for them. */
import { assertNever } from '../../lib/assert-never.ts';
import { UnsupportedOperationException } from '../../lib/java-errors.ts';
import type { KeyedStateStore } from '../functions/checkpointed.ts';
import type { KeyedStateBackend, Merging, Namespaced, TimeWindowLike } from '../state/backend.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import type { AggregatingState, ListState, MapState, ReducingState, State, ValueState } from '../state/state.ts';

type WindowedState = State & Namespaced;

interface Found {
  readonly descriptor: StateDescriptor;
  readonly state: WindowedState;
}

/** Finds states without asking the backend for every record. */
export class WindowStates {
  readonly #backend: KeyedStateBackend;
  readonly #found = new Map<string, Found>();

  constructor(backend: KeyedStateBackend) {
    this.#backend = backend;
  }

  /** The state of a descriptor, in this window. */
  stateIn<D extends StateDescriptor>(descriptor: D, window: TimeWindowLike): WindowedState {
    const state = this.#stateOf(descriptor);
    state.setWindow(window.start, window.end);
    return state;
  }

  /** Moves the state of some windows into another. @throws UnsupportedOperationException for value and map state */
  merge(descriptor: StateDescriptor, target: TimeWindowLike, sources: readonly TimeWindowLike[]): void {
    const state = this.#stateOf(descriptor) as Partial<Merging>;
    if (state.mergeWindows === undefined) {
      throw new UnsupportedOperationException(
        `State "${descriptor.name}" cannot be merged when windows merge. Use a list, reducing or aggregating state.`,
      );
    }
    state.mergeWindows(target, sources);
  }

  #stateOf(descriptor: StateDescriptor): WindowedState {
    const known = this.#found.get(descriptor.name);
    if (known?.descriptor === descriptor) return known.state;
    // Another descriptor of the same name: the backend says whether the two agree.
    const state = windowStateOf(this.#backend, descriptor);
    this.#found.set(descriptor.name, { descriptor, state });
    return state;
  }
}

/** The state of the current key in the window that is set, for functions. */
export class WindowStateStore implements KeyedStateStore {
  window: TimeWindowLike = { start: 0, end: 0 };
  readonly #states: WindowStates;

  constructor(states: WindowStates) {
    this.#states = states;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.#states.stateIn(descriptor, this.window) as unknown as ValueState<T>;
  }
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#states.stateIn(descriptor, this.window) as unknown as ListState<T>;
  }
  getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV> {
    return this.#states.stateIn(descriptor, this.window) as unknown as MapState<UK, UV>;
  }
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.#states.stateIn(descriptor, this.window) as unknown as ReducingState<T>;
  }
  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.#states.stateIn(descriptor, this.window) as unknown as AggregatingState<IN, OUT>;
  }
}

function windowStateOf(backend: KeyedStateBackend, descriptor: StateDescriptor): WindowedState {
  switch (descriptor.kind) {
    case 'value':
      return backend.getWindowState(descriptor as ValueStateDescriptor<unknown>);
    case 'list':
      return backend.getWindowListState(descriptor as ListStateDescriptor<unknown>);
    case 'map':
      return backend.getWindowMapState(descriptor as MapStateDescriptor<unknown, unknown>);
    case 'reducing':
      return backend.getWindowReducingState(descriptor as ReducingStateDescriptor<unknown>);
    case 'aggregating':
      return backend.getWindowAggregatingState(descriptor as AggregatingStateDescriptor<unknown, unknown, unknown>);
    default:
      return assertNever(descriptor.kind);
  }
}
