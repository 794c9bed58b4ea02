/**
 * Timers as stored: one block per key group, holding the timers of both time domains.
 *
 *     byte    1 with windows, 0 without
 *     varint  number of event-time timers, then each: key, timestamp (float64), with windows start and end (float64)
 *     varint  number of processing-time timers, then each the same
 */
import { IOException, StateMigrationException } from '../../lib/java-errors.ts';
import { keyGroupOf, murmurHash32 } from '../key-groups.ts';
import type { TimerSnapshot } from '../state/backend.ts';
import { DataInput } from '../types/data-input.ts';
import type { DataOutput } from '../types/data-output.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { CapturedTimerSet, TimerSet } from './timer-set.ts';

/** A capture of both sets; brings them into the order of key groups when it is first asked to write. */
export class CapturedTimers implements TimerSnapshot {
  readonly #type: TypeInformation<unknown>;
  readonly #event: CapturedTimerSet;
  readonly #processing: CapturedTimerSet;
  #eventGroups: TimersByKeyGroup | undefined;
  #processingGroups: TimersByKeyGroup | undefined;

  constructor(type: TypeInformation<unknown>, event: CapturedTimerSet, processing: CapturedTimerSet) {
    this.#type = type;
    this.#event = event;
    this.#processing = processing;
  }

  /** Key groups that have timers, ascending. */
  get keyGroups(): Iterable<number> {
    const { event, processing } = this.#groups();
    return [...new Set([...event.keys(), ...processing.keys()])].sort((left, right) => left - right);
  }

  write(keyGroup: number, out: DataOutput): void {
    const { event, processing } = this.#groups();
    const eventEntries = event.get(keyGroup) ?? NO_ENTRIES;
    const processingEntries = processing.get(keyGroup) ?? NO_ENTRIES;
    if (eventEntries.length + processingEntries.length === 0) return;
    out.writeByte(this.#event.starts === undefined ? 0 : 1);
    writeTimers(out, this.#type, this.#event, eventEntries);
    writeTimers(out, this.#type, this.#processing, processingEntries);
  }

  #groups(): { event: TimersByKeyGroup; processing: TimersByKeyGroup } {
    this.#eventGroups ??= byKeyGroup(this.#event);
    this.#processingGroups ??= byKeyGroup(this.#processing);
    return { event: this.#eventGroups, processing: this.#processingGroups };
  }
}

/** Where the timers of a block belong. */
export interface RestoredBlockFacts {
  /** Name of the timer service, for messages. */
  readonly name: string;
  readonly keyType: TypeInformation<unknown>;
  readonly windowed: boolean;
  readonly maxParallelism: number;
  readonly keyGroup: number;
}

/**
 * Adds the timers of one block.
 * @throws StateMigrationException when the block was written with the other kind of namespace, IOException when damaged
 */
export function readTimers(bytes: Uint8Array, facts: RestoredBlockFacts, event: TimerSet, processing: TimerSet): void {
  const input = new DataInput(bytes);
  const windowed = input.readByte() !== 0;
  if (windowed !== facts.windowed) {
    throw new StateMigrationException(
      `Timers of "${facts.name}" were stored ${windowed ? 'with' : 'without'} windows and are now used ${windowed ? 'without' : 'with'} them. The namespace of timers cannot change: give the operator another uid.`,
    );
  }
  readSet(input, facts, event);
  readSet(input, facts, processing);
  if (input.remaining > 0) throw damaged(facts, `${input.remaining} bytes are left over`);
}

type TimersByKeyGroup = ReadonlyMap<number, Int32Array>;
const NO_ENTRIES = new Int32Array(0);
const BYTES_PER_TIMER = 8;

/** A counting sort of the entries; the values are views into one array. */
function byKeyGroup({ entries, keyGroups }: CapturedTimerSet): TimersByKeyGroup {
  const counts = new Map<number, number>();
  for (const entry of entries) {
    const group = keyGroups[entry] as number;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const sorted = new Int32Array(entries.length);
  const groups = new Map<number, Int32Array>();
  const next = new Map<number, number>();
  let from = 0;
  for (const [group, count] of counts) {
    groups.set(group, sorted.subarray(from, from + count));
    next.set(group, from);
    from += count;
  }
  for (const entry of entries) {
    const group = keyGroups[entry] as number;
    const place = next.get(group) as number;
    sorted[place] = entry;
    next.set(group, place + 1);
  }
  return groups;
}

function writeTimers(
  out: DataOutput,
  type: TypeInformation<unknown>,
  { keys, timestamps, starts, ends }: CapturedTimerSet,
  entries: Int32Array,
): void {
  out.writeVarint(entries.length);
  for (const entry of entries) {
    type.write(out, keys[entry]);
    out.writeFloat64(timestamps[entry] as number);
    if (starts !== undefined && ends !== undefined) {
      out.writeFloat64(starts[entry] as number);
      out.writeFloat64(ends[entry] as number);
    }
  }
}

function readSet(input: DataInput, facts: RestoredBlockFacts, timers: TimerSet): void {
  const { keyType, keyGroup, maxParallelism, windowed } = facts;
  const hash = keyType.hash as (key: unknown) => number;
  for (let left = input.readCount(BYTES_PER_TIMER); left > 0; left--) {
    const key = keyType.read(input);
    const timestamp = input.readFloat64();
    const start = windowed ? input.readFloat64() : 0;
    const end = windowed ? input.readFloat64() : 0;
    const hashed = hash(key);
    if (keyGroupOf(hashed, maxParallelism) !== keyGroup) {
      throw damaged(facts, `key ${String(key)} belongs to key group ${keyGroupOf(hashed, maxParallelism)}`);
    }
    if (Number.isNaN(timestamp)) throw damaged(facts, `a timer of key ${String(key)} has no timestamp`);
    timers.add(key, murmurHash32(hashed), keyGroup, timestamp, start, end);
  }
}

function damaged({ name, keyGroup }: RestoredBlockFacts, why: string): IOException {
  return new IOException(`The timers of "${name}" in key group ${keyGroup} are damaged: ${why}.`);
}
