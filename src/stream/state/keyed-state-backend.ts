/**
 * The keyed state of one operator in one subtask, in memory. Keys are found through one index per kind of namespace
 * (key-table.ts), values lie in columns (columns.ts), captures copy flat columns and share objects (capture-versions.ts).
 *
 * Objects are handed out live: changing one changes the state, and what is read holds until the next record.
 */
import type { Clock } from '../../lib/clock.ts';
import {
  IllegalStateException,
  InvalidProgramException,
  NullPointerException,
  StateMigrationException,
} from '../../lib/java-errors.ts';
import { checkKeyGroupIn, checkMaxParallelism, KeyGroupRange, murmurHash32 } from '../key-groups.ts';
import { stringHash } from '../types/key-hash.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type {
  KeyedStateBackend,
  KeyedStateSnapshot,
  Merging,
  Namespaced,
  NamespaceKind,
  RestoredKeyedState,
  TimerSnapshotSource,
  TimeWindowLike,
} from './backend.ts';
import { type ReadablePart, readableParts, readParts } from './block-reader.ts';
import { CaptureVersions } from './capture-versions.ts';
import type { Column } from './columns.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  ValueStateDescriptor,
} from './descriptors.ts';
import { CurrentKey, type EntryCursor, EntryCursors } from './entry-cursor.ts';
import { keyTableFor } from './key-table.ts';
import {
  CapturedBytes,
  type CapturedPart,
  CapturedState,
  CapturedTable,
  CapturedTimers,
  KeyedCapture,
} from './keyed-capture.ts';
import { RestoredStates } from './restored-states.ts';
import { describeSchema, sameSchema } from './schema-compatibility.ts';
import type { AggregatingState, ListState, MapState, ReducingState, State, ValueState } from './state.ts';
import type { StateCodec } from './state-codec.ts';
import { makeState, type RegisteredState } from './state-factory.ts';
import { checkSameRegistration, metaOf } from './state-registration.ts';
import type { Ttl } from './ttl.ts';

/** What a backend is made from. */
export interface KeyedStateBackendOptions<K> {
  readonly keyType: TypeInformation<K>;
  readonly maxParallelism: number;
  /** Inclusive. */
  readonly firstKeyGroup: number;
  /** Inclusive. */
  readonly lastKeyGroup: number;
  /** Processing time for states that expire; also paces the writing of captures. */
  readonly clock: Clock;
}

/** Makes an empty backend. @throws InvalidProgramException for a type that cannot be a key */
export function createKeyedStateBackend<K>(options: KeyedStateBackendOptions<K>): KeyedStateBackend<K> {
  return new InMemoryKeyedStateBackend(options);
}

const INT_KEYS = 0;
const STRING_KEYS = 1;
const OTHER_KEYS = 2;

class InMemoryKeyedStateBackend<K> implements KeyedStateBackend<K> {
  readonly keyType: TypeInformation<K>;
  readonly maxParallelism: number;
  readonly firstKeyGroup: number;
  readonly lastKeyGroup: number;
  onQueryable: ((queryableName: string, descriptor: StateDescriptor, namespace: NamespaceKind) => void) | undefined;
  readonly #clock: Clock;
  readonly #keyKind: number;
  readonly #hash: (key: K) => number;
  /** maxParallelism − 1 where that is a mask, else −1. */
  readonly #groupMask: number;
  readonly #current = new CurrentKey();
  readonly #versions = new CaptureVersions();
  readonly #states = new Map<string, RegisteredState>();
  readonly #timers = new Map<string, TimerSnapshotSource>();
  readonly #restored = new RestoredStates();
  #byKey: EntryCursors | undefined;
  /** The cursor of the void namespace; moved by every new key. */
  #keyCursor: EntryCursor | undefined;
  #byWindow: EntryCursors | undefined;
  #isDisposed = false;

  constructor({ keyType, maxParallelism, firstKeyGroup, lastKeyGroup, clock }: KeyedStateBackendOptions<K>) {
    if (keyType.hash === undefined) {
      throw new InvalidProgramException(`Type (${describeSchema(keyType.schema)}) cannot be used as key.`);
    }
    checkMaxParallelism(maxParallelism);
    this.keyType = keyType;
    this.maxParallelism = maxParallelism;
    this.firstKeyGroup = firstKeyGroup;
    this.lastKeyGroup = lastKeyGroup;
    this.#clock = clock;
    this.#hash = keyType.hash;
    this.#keyKind = { int32: INT_KEYS, string: STRING_KEYS }[keyType.schema.kind] ?? OTHER_KEYS;
    this.#groupMask = (maxParallelism & (maxParallelism - 1)) === 0 ? maxParallelism - 1 : -1;
  }

  setCurrentKey(key: K): void {
    const mixed = murmurHash32(this.#hashOf(key));
    const keyGroup = this.#groupMask >= 0 ? mixed & this.#groupMask : mixed % this.maxParallelism;
    if (keyGroup < this.firstKeyGroup || keyGroup > this.lastKeyGroup) this.#refuseKeyGroup(keyGroup);
    const current = this.#current;
    current.key = key;
    current.mixed = mixed;
    const cursor = this.#keyCursor;
    if (cursor !== undefined) cursor.entry = cursor.table.find(key, mixed, 0, 0);
    this.#byWindow?.invalidate();
  }

  getCurrentKey(): K {
    this.#requireKey();
    return this.#current.key as K;
  }

  getCurrentKeyGroup(): number {
    this.#requireKey();
    return this.#current.mixed % this.maxParallelism;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.#stateFor(descriptor, 'void') as ValueState<T>;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#stateFor(descriptor, 'void') as ListState<T>;
  }

  getMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV> {
    return this.#stateFor(descriptor, 'void') as MapState<UK, UV>;
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.#stateFor(descriptor, 'void') as ReducingState<T>;
  }

  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.#stateFor(descriptor, 'void') as AggregatingState<IN, OUT>;
  }

  getWindowState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> & Namespaced {
    return this.#stateFor(descriptor, 'window') as ValueState<T> & Namespaced;
  }

  getWindowListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> & Merging {
    return this.#stateFor(descriptor, 'window') as ListState<T> & Merging;
  }

  getWindowMapState<UK, UV>(descriptor: MapStateDescriptor<UK, UV>): MapState<UK, UV> & Namespaced {
    return this.#stateFor(descriptor, 'window') as MapState<UK, UV> & Namespaced;
  }

  getWindowReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> & Merging {
    return this.#stateFor(descriptor, 'window') as ReducingState<T> & Merging;
  }

  getWindowAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT> & Merging {
    return this.#stateFor(descriptor, 'window') as AggregatingState<IN, OUT> & Merging;
  }

  registerTimers(source: TimerSnapshotSource): void {
    if (this.#timers.has(source.name)) {
      throw new IllegalStateException(`The timer service "${source.name}" is registered twice in one operator.`);
    }
    this.#timers.set(source.name, source);
    this.#restoreTimers(source);
  }

  restore(handles: readonly RestoredKeyedState[]): void {
    for (const handle of handles) {
      if (!sameSchema(handle.keyType, this.keyType.schema)) {
        throw new StateMigrationException(
          `The keyed state was stored with keys of type ${describeSchema(handle.keyType)}, and the keys are ` +
            `${describeSchema(this.keyType.schema)} now. The key type cannot change: restore with the stored type.`,
        );
      }
    }
    for (const handle of handles) this.#restored.add(handle);
    for (const source of this.#timers.values()) this.#restoreTimers(source);
    for (const state of this.#states.values()) {
      const restored = this.#restored.find(state.meta.name, false);
      this.#readInto(state, readableParts(restored, state.descriptor, state.meta));
      this.#restored.remove(restored);
    }
  }

  snapshot(_checkpointId: number): KeyedStateSnapshot | undefined {
    this.#requireLife();
    const timers = [...this.#timers.values()].map((source) => new CapturedTimers(source.name, source.snapshot()));
    const bytes = this.#restored.remaining().map(({ meta, blocks }) => new CapturedBytes(meta, blocks));
    if (this.#states.size === 0 && bytes.length === 0 && timers.every((timer) => timer.isEmpty)) return undefined;
    const parts = [...this.#captureStates(), ...timers, ...bytes];
    const version = this.#versions.begin();
    return new KeyedCapture(this.keyType.schema, parts, this.#clock, () => this.#versions.end(version));
  }

  numStateEntries(name?: string): number {
    if (name !== undefined) return this.#states.get(name)?.column.count ?? 0;
    let count = 0;
    for (const { column } of this.#states.values()) count += column.count;
    return count;
  }

  *keys(name: string): Generator<K, void, undefined> {
    const state = this.#states.get(name);
    if (state === undefined || state.meta.namespace !== 'void') return;
    const { table } = state.cursors;
    for (let entry = 0; entry < table.size; entry++) {
      if (state.column.has(entry)) yield this.keyType.copy(table.keyAt(entry) as K);
    }
  }

  query(stateName: string, key: K, window?: TimeWindowLike): unknown {
    const state = this.#states.get(stateName);
    if (state === undefined || (state.meta.namespace === 'window') !== (window !== undefined)) return undefined;
    const { table } = state.cursors;
    const entry = table.find(key, murmurHash32(this.#hashOf(key)), window?.start ?? 0, window?.end ?? 0);
    if (entry < 0 || !state.column.has(entry)) return undefined;
    return plainValue(state, entry);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#states.clear();
    this.#timers.clear();
    this.#byKey = undefined;
    this.#keyCursor = undefined;
    this.#byWindow = undefined;
    this.#current.key = undefined;
    this.onQueryable = undefined;
  }

  #hashOf(key: K): number {
    // By kind rather than through the type, so that the two kinds that nearly all keys have cost no call.
    if (this.#keyKind === INT_KEYS && ((key as number) | 0) === key) return (key as number) | 0;
    if (this.#keyKind === STRING_KEYS && typeof key === 'string') return stringHash(key);
    if (key === null || key === undefined) throw new NullPointerException('Assigned key must not be null!');
    return this.#hash(key);
  }

  #refuseKeyGroup(keyGroup: number): void {
    checkKeyGroupIn(keyGroup, KeyGroupRange.of(this.firstKeyGroup, this.lastKeyGroup));
  }

  #requireKey(): void {
    if (this.#current.key !== undefined) return;
    throw new NullPointerException('No key set. This method should not be called outside of a keyed context.');
  }

  #requireLife(): void {
    if (this.#isDisposed) throw new IllegalStateException('The keyed state backend was disposed of.');
  }

  #stateFor(descriptor: StateDescriptor, namespace: NamespaceKind): State {
    this.#requireLife();
    const meta = metaOf(descriptor, namespace);
    const known = this.#states.get(descriptor.name);
    if (known !== undefined) {
      checkSameRegistration({ meta: known.meta, ttl: known.descriptor.ttl }, { meta, ttl: descriptor.ttl });
      return known.state;
    }
    const restored = this.#restored.find(descriptor.name, false);
    // Refused before anything is made: what was restored stays there for the right descriptor, and for captures.
    const parts = readableParts(restored, descriptor, meta);
    const state = makeState(descriptor, meta, this.#cursorsOf(namespace), {
      versions: this.#versions,
      clock: this.#clock,
    });
    this.#readInto(state, parts);
    this.#restored.remove(restored);
    this.#states.set(descriptor.name, state);
    if (descriptor.queryableName !== undefined) this.onQueryable?.(descriptor.queryableName, descriptor, namespace);
    return state.state;
  }

  #cursorsOf(namespace: NamespaceKind): EntryCursors {
    const make = (): EntryCursors => {
      const table = keyTableFor(this.keyType as TypeInformation<unknown>, namespace === 'window');
      return new EntryCursors(table, this.#current);
    };
    if (namespace === 'window') {
      this.#byWindow ??= make();
      return this.#byWindow;
    }
    this.#byKey ??= make();
    this.#keyCursor ??= this.#byKey.cursorForState();
    return this.#byKey;
  }

  #readInto(state: RegisteredState, parts: readonly ReadablePart[]): void {
    if (parts.length === 0) return;
    readParts(parts, state, this.keyType as TypeInformation<unknown>, this.maxParallelism);
    state.cursors.invalidate();
  }

  #restoreTimers(source: TimerSnapshotSource): void {
    const parts = this.#restored.find(source.name, true);
    for (const { blocks } of parts) for (const { keyGroup, bytes } of blocks) source.restore(keyGroup, bytes);
    this.#restored.remove(parts);
  }

  #captureStates(): CapturedPart[] {
    const tables = new Map<EntryCursors, CapturedTable>();
    const keyType = this.keyType as TypeInformation<unknown>;
    return [...this.#states.values()].map(({ meta, cursors, column, codec, ttl }) => {
      const table = tables.get(cursors) ?? this.#captureTable(cursors);
      tables.set(cursors, table);
      const filter = ttl?.cleanupInFullSnapshot ? { ttl, now: ttl.now() } : undefined;
      return new CapturedState({ meta, keyType, table, column: column.capture(table.keys.size), codec, filter });
    });
  }

  #captureTable(cursors: EntryCursors): CapturedTable {
    return new CapturedTable(cursors.table.capture(), this);
  }
}

/** What a query gives for an entry: copies, of an aggregating state its result; undefined for what expired. */
function plainValue({ descriptor, column, codec, ttl }: RegisteredState, entry: number): unknown {
  const stored = ttl === undefined ? column.peek(entry) : liveAt(column, codec, ttl, entry);
  if (stored === undefined) return undefined;
  const plain = codec.toPlain(stored);
  if (descriptor.kind !== 'aggregating') return plain;
  return (descriptor as AggregatingStateDescriptor<unknown, unknown, unknown>).aggregate.getResult(plain);
}

function liveAt(column: Column, codec: StateCodec, ttl: Ttl, entry: number): unknown {
  const now = ttl.now();
  const { stamps } = column;
  if (stamps === undefined) return codec.live(column.peek(entry), ttl, now);
  return ttl.isExpired(stamps[entry] as number, now) ? undefined : column.peek(entry);
}
