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
import { flatEntriesOf, writeFlatBlocks } from './flat-blocks.ts';
import { groupsOfEntries, type KeyGroupOrder, type KeyGroups, orderByGroup } from './key-group-order.ts';
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
  readonly keyGroups: KeyGroups;
  #groups: Uint16Array | undefined;
  #order: KeyGroupOrder | undefined;

  constructor(keys: CapturedKeys, keyGroups: KeyGroups) {
    this.keys = keys;
    this.keyGroups = keyGroups;
  }

  *groups(slices: WorkSlices): Generator<void, Uint16Array, void> {
    this.#groups ??= yield* groupsOfEntries(this.keys, this.keyGroups, slices);
    return this.#groups;
  }

  *order(slices: WorkSlices): Generator<void, KeyGroupOrder, void> {
    this.#order ??= yield* orderByGroup(yield* this.groups(slices), this.keyGroups, slices);
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
    const parts = [...this.#parts];
    // What is written is let go of at once, so that the memory of a capture shrinks while it is written.
    this.#parts = [];
    const slices = new WorkSlices(this.#clock);
    let index = 0;
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) yield* part.write(index++, blocks, slices);
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

/** Entries written between two looks at the clock. */
const CHUNK = 64;

/** One state. */
export class CapturedState implements CapturedPart {
  readonly meta: KeyedStateMeta;
  readonly #facts: CapturedStateFacts;

  constructor(facts: CapturedStateFacts) {
    this.meta = facts.meta;
    this.#facts = facts;
  }

  *write(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void> {
    const { meta, keyType, table, column } = this.#facts;
    const flat = flatEntriesOf(meta, keyType.schema.kind, table.keys.ints, column);
    if (flat === undefined) yield* this.#writeInOrder(index, blocks, slices);
    else yield* writeFlatBlocks(flat, yield* table.groups(slices), table.keyGroups, index, blocks, slices);
  }

  *#writeInOrder(index: number, blocks: StateBlockWriter, slices: WorkSlices): Generator<void, void, void> {
    const { table } = this.#facts;
    const { entries, starts } = yield* table.order(slices);
    for (let group = 0; group + 1 < starts.length; group++) {
      const from = starts[group] as number;
      const to = starts[group + 1] as number;
      const count = this.#count(entries, from, to);
      if (count === 0) continue;
      const out = blocks.beginBlock(index, table.keyGroups.firstKeyGroup + group);
      out.writeVarint(count);
      for (let at = from; at < to; at += CHUNK) {
        const end = Math.min(at + CHUNK, to);
        this.#writeEntries(out, entries, at, end);
        if (slices.isOver(end - at)) yield* slices.pause();
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
      if (slices.isOver(CHUNK)) yield* slices.pause();
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
      if (slices.isOver(CHUNK)) yield* slices.pause();
    }
  }
}
