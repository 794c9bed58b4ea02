/**
 * A small operator state store for tests of functions and connectors: lists are written and read back with their types
 * at every capture, and dealt anew on restore, even-split lists as consecutive shares, union lists to everybody.
 */
import type { FunctionInitializationContext, OperatorStateStore } from '../../src/stream/functions/checkpointed.ts';
import type { ListStateDescriptor } from '../../src/stream/state/descriptors.ts';
import { ListState } from '../../src/stream/state/state.ts';
import { DataInput, DataOutput, type TypeInformation } from '../../src/stream/types/index.ts';

/** What one subtask stored: encoded elements by name of the state. */
export interface StoredLists {
  readonly split: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly union: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** A capture of all subtasks. */
export interface StoredCapture {
  readonly checkpointId: number;
  readonly subtasks: readonly StoredLists[];
}

export class OperatorStateDouble implements OperatorStateStore {
  readonly #restored: StoredLists | undefined;
  readonly #split = new Map<string, ListDouble<unknown>>();
  readonly #union = new Map<string, ListDouble<unknown>>();

  constructor(restored?: StoredLists) {
    this.#restored = restored;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(this.#split, descriptor, this.#restored?.split.get(descriptor.name));
  }

  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(this.#union, descriptor, this.#restored?.union.get(descriptor.name));
  }

  getBroadcastState(): never {
    throw new Error('this double has no broadcast state');
  }

  store(): StoredLists {
    return { split: encoded(this.#split), union: encoded(this.#union) };
  }

  #list<T>(
    lists: Map<string, ListDouble<unknown>>,
    { name, elementType }: ListStateDescriptor<T>,
    restored: readonly Uint8Array[] = [],
  ): ListState<T> {
    const known = lists.get(name);
    if (known !== undefined) return known as unknown as ListState<T>;
    const list = new ListDouble<T>(elementType);
    list.update(restored.map((bytes) => elementType.read(new DataInput(bytes))));
    lists.set(name, list as unknown as ListDouble<unknown>);
    return list;
  }
}

/** What subtask `index` of `parallelism` gets of a capture. */
export function shareOfCapture({ subtasks }: StoredCapture, index: number, parallelism: number): StoredLists {
  if (parallelism === subtasks.length) return { split: subtasks[index]!.split, union: allOf(subtasks, 'union') };
  const split = new Map<string, readonly Uint8Array[]>();
  for (const [name, elements] of allOf(subtasks, 'split')) {
    const base = Math.floor(elements.length / parallelism);
    const more = elements.length % parallelism;
    const start = base * index + Math.min(index, more);
    split.set(name, elements.slice(start, start + base + (index < more ? 1 : 0)));
  }
  return { split, union: allOf(subtasks, 'union') };
}

/** The context of a fresh start, or of a restore from `capture`. */
export function anInitializationContext(
  store: OperatorStateStore,
  restoredCheckpointId?: number,
): FunctionInitializationContext {
  return {
    isRestored: () => restoredCheckpointId !== undefined,
    getRestoredCheckpointId: () => restoredCheckpointId,
    getOperatorStateStore: () => store,
    getKeyedStateStore: () => {
      throw new Error('not keyed');
    },
  };
}

class ListDouble<T> extends ListState<T> {
  readonly #type: TypeInformation<T>;
  #elements: T[] = [];

  constructor(type: TypeInformation<T>) {
    super();
    this.#type = type;
  }
  add(value: T): void {
    this.#elements.push(value);
  }
  addAll(values: Iterable<T>): void {
    this.#elements.push(...values);
  }
  get(): Iterable<T> {
    return [...this.#elements];
  }
  update(values: Iterable<T>): void {
    this.#elements = [...values];
  }
  clear(): void {
    this.#elements = [];
  }
  encode(): Uint8Array[] {
    return this.#elements.map((element) => {
      const out = new DataOutput(64);
      this.#type.write(out, element);
      return out.toBytes();
    });
  }
}

function encoded(lists: ReadonlyMap<string, ListDouble<unknown>>): Map<string, Uint8Array[]> {
  return new Map([...lists].map(([name, list]) => [name, list.encode()]));
}

function allOf(subtasks: readonly StoredLists[], mode: 'split' | 'union'): Map<string, Uint8Array[]> {
  const all = new Map<string, Uint8Array[]>();
  for (const subtask of subtasks) {
    for (const [name, elements] of subtask[mode]) all.set(name, [...(all.get(name) ?? []), ...elements]);
  }
  return all;
}
