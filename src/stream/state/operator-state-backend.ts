/**
 * Operator (non-keyed) state of one operator in one subtask: lists that are split or united over subtasks on restore, and
 * broadcast maps that are the same everywhere. Follows Flink's DefaultOperatorStateBackend; differs where upstream would
 * lose data silently (a list and a broadcast map of one name; update(null) after clearing).
 *
 * A capture encodes at once: later writes never reach it. Restored state that nobody asks for is kept and written again.
 */
import { IllegalStateException, NullPointerException, StateMigrationException } from '../../lib/java-errors.ts';
import type { OperatorStateStore } from '../functions/checkpointed.ts';
import type { OperatorStatePart, RedistributionMode } from '../operators/operator.ts';
import { DataInput } from '../types/data-input.ts';
import { DataOutput } from '../types/data-output.ts';
import { typeFromSchema } from '../types/index.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type { ListStateDescriptor, MapStateDescriptor } from './descriptors.ts';
import { compatibleReader } from './schema-compatibility.ts';
import { BroadcastState, ListState } from './state.ts';

/** The list of a ListCheckpointed function. Flink's name for it. */
export const DEFAULT_OPERATOR_STATE_NAME = '_default_';

export class OperatorStateBackend implements OperatorStateStore {
  readonly #operator: string;
  readonly #lists = new Map<string, OperatorListState<unknown>>();
  readonly #maps = new Map<string, OperatorBroadcastState<unknown, unknown>>();
  /** By name; several where subtasks had stored a name with different types. */
  readonly #restored = new Map<string, readonly OperatorStatePart[]>();

  /** @param operator uid, for messages */
  constructor(operator: string) {
    this.#operator = operator;
  }

  /** Takes what a checkpoint held; called once, before any state is asked for. */
  restore(parts: readonly OperatorStatePart[]): void {
    for (const part of parts) {
      this.#restored.set(part.name, [...(this.#restored.get(part.name) ?? []), part]);
    }
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(descriptor, 'SPLIT_DISTRIBUTE');
  }

  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(descriptor, 'UNION');
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    const known = this.#maps.get(descriptor.name);
    if (known !== undefined)
      return known as OperatorBroadcastState<unknown, unknown> as unknown as BroadcastState<K, V>;
    if (this.#lists.has(descriptor.name))
      throw this.#clash(descriptor.name, 'BROADCAST', this.#lists.get(descriptor.name)?.mode);
    const restored = this.#takeRestored(descriptor.name, 'BROADCAST');
    const state = new OperatorBroadcastState<K, V>(descriptor);
    for (const part of restored) state.load(part);
    this.#maps.set(descriptor.name, state as unknown as OperatorBroadcastState<unknown, unknown>);
    return state;
  }

  /** Names of the states asked for so far. */
  registeredNames(): string[] {
    return [...this.#lists.keys(), ...this.#maps.keys()];
  }

  /** Synchronous part of a capture; no state gives an empty list. */
  snapshot(): OperatorStatePart[] {
    return [
      ...[...this.#lists.values()].map((list) => list.encode()),
      ...[...this.#maps.values()].map((map) => map.encode()),
      ...[...this.#restored.values()].flat(),
    ];
  }

  #list<T>(descriptor: ListStateDescriptor<T>, mode: RedistributionMode): ListState<T> {
    const known = this.#lists.get(descriptor.name);
    if (known !== undefined) {
      if (known.mode !== mode) throw this.#clash(descriptor.name, mode, known.mode);
      return known as unknown as OperatorListState<T>;
    }
    if (this.#maps.has(descriptor.name)) throw this.#clash(descriptor.name, mode, 'BROADCAST');
    const restored = this.#takeRestored(descriptor.name, mode);
    const state = new OperatorListState<T>(descriptor.name, descriptor.elementType, mode);
    for (const part of restored) state.load(part);
    this.#lists.set(descriptor.name, state as unknown as OperatorListState<unknown>);
    return state;
  }

  #takeRestored(name: string, mode: RedistributionMode): readonly OperatorStatePart[] {
    const parts = this.#restored.get(name) ?? [];
    const other = parts.find((part) => part.mode !== mode);
    if (other !== undefined) throw this.#clash(name, mode, other.mode);
    this.#restored.delete(name);
    return parts;
  }

  #clash(name: string, asked: RedistributionMode, present: RedistributionMode | undefined): IllegalStateException {
    return new IllegalStateException(
      `Incompatible state assignment modes: operator state "${name}" of operator ${this.#operator} is ${present}, and ${asked} was asked for. Use one mode per name.`,
    );
  }
}

class OperatorListState<T> extends ListState<T> {
  readonly name: string;
  readonly mode: RedistributionMode;
  readonly #type: TypeInformation<T>;
  #elements: T[] = [];

  constructor(name: string, type: TypeInformation<T>, mode: RedistributionMode) {
    super();
    this.name = name;
    this.mode = mode;
    this.#type = type;
  }

  get(): Iterable<T> {
    return this.#elements.values();
  }

  add(value: T): void {
    if (value === null || value === undefined) throw new NullPointerException('You cannot add null to a ListState.');
    this.#elements.push(value);
  }

  addAll(values: Iterable<T>): void {
    this.#elements.push(...checkedElements(values));
  }

  update(values: Iterable<T>): void {
    // Built first: a null element leaves the old list as it was.
    this.#elements = checkedElements(values);
  }

  clear(): void {
    this.#elements = [];
  }

  load(part: OperatorStatePart): void {
    const read = readerOf(part.name, part.type, this.#type);
    for (const bytes of part.partitions) this.#elements.push(read(new DataInput(bytes)));
  }

  encode(): OperatorStatePart {
    const out = new DataOutput(64);
    const partitions = this.#elements.map((element) => {
      out.reset();
      this.#type.write(out, element);
      return out.toBytes();
    });
    return { name: this.name, mode: this.mode, type: this.#type.schema, partitions };
  }
}

class OperatorBroadcastState<K, V> extends BroadcastState<K, V> {
  readonly #descriptor: MapStateDescriptor<K, V>;
  readonly #entries = new Map<K, V>();

  constructor(descriptor: MapStateDescriptor<K, V>) {
    super();
    this.#descriptor = descriptor;
  }

  get(key: K): V | null {
    return this.#entries.get(key) ?? null;
  }
  contains(key: K): boolean {
    return this.#entries.has(key);
  }
  put(key: K, value: V): void {
    this.#entries.set(key, value);
  }
  putAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.#entries.set(key, value);
  }
  remove(key: K): void {
    this.#entries.delete(key);
  }
  clear(): void {
    this.#entries.clear();
  }
  entries(): Iterable<[K, V]> {
    return this.#entries.entries();
  }
  immutableEntries(): Iterable<readonly [K, V]> {
    return this.#entries.entries();
  }

  load(part: OperatorStatePart): void {
    const { name, keyType, valueType } = this.#descriptor;
    const readKey = readerOf(`${name} (key)`, part.mapKeyType ?? keyType.schema, keyType);
    const readValue = readerOf(name, part.type, valueType);
    for (const bytes of part.partitions) {
      const input = new DataInput(bytes);
      for (let left = input.readCount(); left > 0; left--) this.#entries.set(readKey(input), readValue(input));
    }
  }

  /** One partition: the whole map. */
  encode(): OperatorStatePart {
    const { name, keyType, valueType } = this.#descriptor;
    const out = new DataOutput();
    out.writeVarint(this.#entries.size);
    for (const [key, value] of this.#entries) {
      keyType.write(out, key);
      valueType.write(out, value);
    }
    return { name, mode: 'BROADCAST', type: valueType.schema, mapKeyType: keyType.schema, partitions: [out.toBytes()] };
  }
}

function checkedElements<T>(values: Iterable<T>): T[] {
  if (values === null || values === undefined) throw new NullPointerException('You cannot add null to a ListState.');
  const elements = [...values];
  for (const element of elements) {
    if (element === null || element === undefined)
      throw new NullPointerException('You cannot add null to a ListState.');
  }
  return elements;
}

/** A reader of stored elements for the declared type, or StateMigrationException when they do not fit. */
function readerOf<T>(name: string, stored: TypeSchema, declared: TypeInformation<T>): (input: DataInput) => T {
  const verdict = compatibleReader(typeFromSchema(stored), declared);
  if (verdict.compatible) return verdict.read;
  throw new StateMigrationException(
    `operator state "${name}" was stored with another type: ${verdict.differences.join('; ')}. Declare the stored type, or start without this state.`,
  );
}
