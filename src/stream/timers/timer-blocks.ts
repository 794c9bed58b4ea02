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
  readonly #event: TimersByKeyGroup;
  readonly #processing: TimersByKeyGroup;

  constructor(type: TypeInformation<unknown>, event: CapturedTimerSet, processing: CapturedTimerSet) {
    this.#type = type;
    this.#event = new TimersByKeyGroup(event);
    this.#processing = new TimersByKeyGroup(processing);
  }

  /** Key groups that have timers, ascending. Known without looking at the timers. */
  get keyGroups(): Iterable<number> {
    const groups: number[] = [];
    const { groupSizes } = this.#event.timers;
    for (let group = 0; group < groupSizes.length; group++) {
      if (this.#event.sizeOf(group) + this.#processing.sizeOf(group) > 0) groups.push(group);
    }
    return groups;
  }

  write(keyGroup: number, out: DataOutput): void {
    if (this.#event.sizeOf(keyGroup) + this.#processing.sizeOf(keyGroup) === 0) return;
    out.writeByte(this.#event.timers.starts === undefined ? 0 : 1);
    writeTimers(out, this.#type, this.#event, keyGroup);
    writeTimers(out, this.#type, this.#processing, keyGroup);
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

const BYTES_PER_TIMER = 8;

/** Captured timers, sorted by counting when the first group is asked for. */
class TimersByKeyGroup {
  readonly timers: CapturedTimerSet;
  #sorted: Int32Array | undefined;
  #ends: Int32Array | undefined;

  constructor(timers: CapturedTimerSet) {
    this.timers = timers;
  }

  sizeOf(keyGroup: number): number {
    return this.timers.groupSizes[keyGroup] ?? 0;
  }

  /** The entries of a key group. */
  entriesOf(keyGroup: number): Int32Array {
    const sorted = this.#sorted ?? this.#sort();
    const end = this.#ends?.[keyGroup] ?? 0;
    return sorted.subarray(end - this.sizeOf(keyGroup), end);
  }

  #sort(): Int32Array {
    const { entries, keyGroups, groupSizes } = this.timers;
    const next = new Int32Array(groupSizes.length);
    for (let group = 1; group < next.length; group++) {
      next[group] = (next[group - 1] as number) + (groupSizes[group - 1] as number);
    }
    const sorted = new Int32Array(entries.length);
    for (const entry of entries) {
      const group = keyGroups[entry] as number;
      const place = next[group] as number;
      sorted[place] = entry;
      next[group] = place + 1;
    }
    this.#sorted = sorted;
    // Where the next one of a group would have gone is where the group ends.
    this.#ends = next;
    return sorted;
  }
}

function writeTimers(
  out: DataOutput,
  type: TypeInformation<unknown>,
  groups: TimersByKeyGroup,
  keyGroup: number,
): void {
  const { keys, timestamps, starts, ends } = groups.timers;
  out.writeVarint(groups.sizeOf(keyGroup));
  for (const entry of groups.entriesOf(keyGroup)) {
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
