/**
 * A capture of a keyed backend. What it holds was copied, or is protected by versions, when it began; writing it takes
 * its time in slices while records flow on.
 */
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { IllegalStateException, IOException } from '../../lib/java-errors.ts';
import type { DataOutput } from '../types/data-output.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type { KeyedStateMeta, KeyedStateSnapshot, StateBlockWriter, TimerSnapshot } from './backend.ts';
import type { CapturedColumn } from './columns.ts';
import { type KeyGroupOrder, orderByKeyGroup } from './key-group-order.ts';
import type { CapturedKeys } from './key-table.ts';
import type { RestoredBlock } from './restored-states.ts';
import type { StateCodec } from './state-codec.ts';
import type { Ttl } from './ttl.ts';
import { WorkSlices } from './work-slices.ts';

/** A part of a capture: knows how to write its blocks. */
export interface CapturedPart {
  readonly meta: KeyedStateMeta;
  write(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void>;
}

/** The keys of one table and, once it was needed, their order. */
export class CapturedTable {
  readonly keys: CapturedKeys;
  readonly #maxParallelism: number;
  readonly #firstKeyGroup: number;
  readonly #lastKeyGroup: number;
  #order: KeyGroupOrder | undefined;

  constructor(keys: CapturedKeys, maxParallelism: number, firstKeyGroup: number, lastKeyGroup: number) {
    this.keys = keys;
    this.#maxParallelism = maxParallelism;
    this.#firstKeyGroup = firstKeyGroup;
    this.#lastKeyGroup = lastKeyGroup;
  }

  *order(slices: WorkSlices): Generator<void, KeyGroupOrder, void> {
    this.#order ??= yield* orderByKeyGroup(
      this.keys,
      this.#maxParallelism,
      this.#firstKeyGroup,
      this.#lastKeyGroup,
      slices,
    );
    return this.#order;
  }
}

export class KeyedCapture implements KeyedStateSnapshot {
  readonly keyType: TypeSchema;
  readonly states: readonly KeyedStateMeta[];
  #parts: readonly CapturedPart[];
  readonly #clock: Clock;
  #onRelease: (() => void) | undefined;

  constructor(keyType: TypeSchema, parts: readonly CapturedPart[], clock: Clock, onRelease: () => void) {
    this.keyType = keyType;
    this.states = parts.map((part) => part.meta);
    this.#parts = parts;
    this.#clock = clock;
    this.#onRelease = onRelease;
  }

  *write(blocks: StateBlockWriter): Generator<void, void, void> {
    if (this.#onRelease === undefined)
      throw new IllegalStateException('The capture was released before it was written.');
    const parts = this.#parts;
    // Nothing is kept for a second time, so that memory shrinks while the last parts are written.
    this.#parts = [];
    const slices = new WorkSlices(this.#clock);
    for (let index = 0; index < parts.length; index++) {
      yield* (parts[index] as CapturedPart).write(index, blocks, slices);
    }
  }

  release(): void {
    const onRelease = this.#onRelease;
    this.#onRelease = undefined;
    this.#parts = [];
    onRelease?.();
  }
}

/** What a captured state is made of. */
export interface CapturedStateFacts {
  readonly meta: KeyedStateMeta;
  readonly keyType: TypeInformation<unknown>;
  readonly table: CapturedTable;
  readonly column: CapturedColumn;
  readonly codec: StateCodec;
  /** Set where expired values are left out. */
  readonly filter: { readonly ttl: Ttl; readonly now: number } | undefined;
}

const FLAT_CHUNK = 1024;
const OBJECT_CHUNK = 64;

/** One state. */
export class CapturedState implements CapturedPart {
  readonly meta: KeyedStateMeta;
  readonly #facts: CapturedStateFacts;
  readonly #isFlat: boolean;

  constructor(facts: CapturedStateFacts) {
    this.meta = facts.meta;
    this.#facts = facts;
    this.#isFlat = isFlatBlock(facts);
  }

  *write(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void> {
    const { entries, starts, firstKeyGroup } = yield* this.#facts.table.order(slices);
    const chunk = this.#isFlat ? FLAT_CHUNK : OBJECT_CHUNK;
    for (let group = 0; group + 1 < starts.length; group++) {
      const from = starts[group] as number;
      const to = starts[group + 1] as number;
      const count = this.#count(entries, from, to);
      if (count === 0) continue;
      const out = blocks.beginBlock(index, firstKeyGroup + group);
      out.writeVarint(count);
      for (let at = from; at < to; at += chunk) {
        const end = Math.min(at + chunk, to);
        this.#writeEntries(out, entries, at, end);
        if (slices.isOver(end - at)) {
          yield;
          slices.begin();
        }
      }
      blocks.endBlock();
    }
  }

  #count(entries: Int32Array, from: number, to: number): number {
    const { column } = this.#facts;
    const present = column.present;
    let count = 0;
    if (present !== undefined && this.#facts.filter === undefined) {
      for (let at = from; at < to; at++) count += present[entries[at] as number] as number;
      return count;
    }
    for (let at = from; at < to; at++) if (this.#keptAt(entries[at] as number) !== undefined) count++;
    return count;
  }

  /** What is written of an entry; undefined for nothing. */
  #keptAt(entry: number): unknown {
    const { column, filter, codec } = this.#facts;
    if (!column.has(entry)) return undefined;
    const value = column.valueAt(entry);
    if (filter === undefined) return value;
    const { ttl, now } = filter;
    if (column.stamps !== undefined) return ttl.isExpired(column.stamps[entry] as number, now) ? undefined : value;
    return codec.live(value, ttl, now);
  }

  #writeEntries(out: DataOutput, entries: Int32Array, from: number, to: number): void {
    const { column, table } = this.#facts;
    const { flat, present } = column;
    const { ints } = table.keys;
    if (this.#isFlat && flat !== undefined && present !== undefined && ints !== undefined) {
      if (flat instanceof Float64Array) writeIntDoubles(out, entries, from, to, ints, flat, present);
      else writeIntInts(out, entries, from, to, ints, flat, present);
      return;
    }
    for (let at = from; at < to; at++) this.#writeEntry(out, entries[at] as number);
  }

  #writeEntry(out: DataOutput, entry: number): void {
    const value = this.#keptAt(entry);
    if (value === undefined) return;
    const { keyType, table, column, codec } = this.#facts;
    const { keys } = table;
    try {
      keyType.write(out, keys.keyAt(entry));
      if (keys.starts !== undefined && keys.ends !== undefined) {
        out.writeFloat64(keys.starts[entry] as number);
        out.writeFloat64(keys.ends[entry] as number);
      }
      codec.write(out, value);
    } catch (error) {
      throw new IOException(
        `State "${this.meta.name}" of key ${String(keys.keyAt(entry))} cannot be written: ${messageOf(error)}`,
        { cause: error },
      );
    }
    if (column.stamps !== undefined) out.writeFloat64(column.stamps[entry] as number);
  }
}

/** A timer service. */
export class CapturedTimers implements CapturedPart {
  readonly meta: KeyedStateMeta;
  readonly #snapshot: TimerSnapshot;
  readonly #keyGroups: readonly number[];

  constructor(name: string, snapshot: TimerSnapshot) {
    this.meta = { name, kind: 'timers', namespace: 'void', ttl: false };
    this.#snapshot = snapshot;
    this.#keyGroups = [...snapshot.keyGroups].sort((left, right) => left - right);
  }

  get isEmpty(): boolean {
    return this.#keyGroups.length === 0;
  }

  *write(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void> {
    for (const keyGroup of this.#keyGroups) {
      this.#snapshot.write(keyGroup, blocks.beginBlock(index, keyGroup));
      blocks.endBlock();
      if (slices.isOver(OBJECT_CHUNK)) {
        yield;
        slices.begin();
      }
    }
  }
}

/** A state that was restored and not asked for: its bytes again. */
export class CapturedBytes implements CapturedPart {
  readonly meta: KeyedStateMeta;
  readonly #blocks: readonly RestoredBlock[];

  constructor(meta: KeyedStateMeta, blocks: readonly RestoredBlock[]) {
    this.meta = meta;
    this.#blocks = blocks;
  }

  *write(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void> {
    for (const { keyGroup, bytes } of this.#blocks) {
      blocks.beginBlock(index, keyGroup).writeRaw(bytes);
      blocks.endBlock();
      if (slices.isOver(OBJECT_CHUNK)) {
        yield;
        slices.begin();
      }
    }
  }
}

/** Whether entries are an int and a number, nothing more, whose bytes need no codec. */
function isFlatBlock({ meta, keyType, column, filter }: CapturedStateFacts): boolean {
  if (keyType.schema.kind !== 'int32' || meta.namespace !== 'void' || meta.ttl || filter !== undefined) return false;
  return column.flat !== undefined && (meta.type?.kind === 'int32' || meta.type?.kind === 'float64');
}

function writeIntDoubles(
  out: DataOutput,
  entries: Int32Array,
  from: number,
  to: number,
  keys: Int32Array,
  values: Float64Array,
  present: Uint8Array,
): void {
  out.reserve((to - from) * 12);
  const { buffer } = out;
  let { position } = out;
  for (let at = from; at < to; at++) {
    const entry = entries[at] as number;
    if (present[entry] === 0) continue;
    buffer.writeInt32LE(keys[entry] as number, position);
    buffer.writeDoubleLE(values[entry] as number, position + 4);
    position += 12;
  }
  out.position = position;
}

function writeIntInts(
  out: DataOutput,
  entries: Int32Array,
  from: number,
  to: number,
  keys: Int32Array,
  values: Int32Array,
  present: Uint8Array,
): void {
  out.reserve((to - from) * 8);
  const { buffer } = out;
  let { position } = out;
  for (let at = from; at < to; at++) {
    const entry = entries[at] as number;
    if (present[entry] === 0) continue;
    buffer.writeInt32LE(keys[entry] as number, position);
    buffer.writeInt32LE(values[entry] as number, position + 4);
    position += 8;
  }
  out.position = position;
}
