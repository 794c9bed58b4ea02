/**
 * The timers of one operator in one time domain: a queue ordered by timestamp and a set by identity (key, namespace,
 * timestamp) over the same entries, so that registering twice is one timer and deleting costs no search of the queue.
 *
 *     slots (open addressing) ──> entry ──> key, timestamp, window, key group, hash
 *     heap  (4-ary, by timestamp) ──> entry;   place[entry] ──> its position in the heap
 *
 * Everything but the keys lies in typed arrays; registering and firing allocate nothing. Slots are twice as many as
 * entries; a slot holds an entry number plus one, 0 is empty. Entry numbers that were given back are used again.
 */
import type { TypeInformation } from '../types/type-information.ts';

/** The timers at one moment, unaffected by what happens later. Timer `i` is entry `entries[i]`, in no special order. */
export interface CapturedTimerSet {
  readonly entries: Int32Array;
  readonly keys: readonly unknown[];
  readonly timestamps: Float64Array;
  readonly keyGroups: Uint16Array;
  /** How many timers each key group has. */
  readonly groupSizes: Int32Array;
  /** Windows; absent without. */
  readonly starts: Float64Array | undefined;
  readonly ends: Float64Array | undefined;
}

/** A set of timers. Callers give the murmur hash of the key as `mixed`; the window counts only in a windowed set. */
export class TimerSet {
  /** How many timers there are. */
  size = 0;
  /** What `takeHead` took last. */
  takenKey: unknown = undefined;
  takenTimestamp = 0;
  takenStart = 0;
  takenEnd = 0;

  readonly #type: TypeInformation<unknown>;
  readonly #sameKey: ((left: unknown, right: unknown) => boolean) | undefined;
  #capacity = FIRST_CAPACITY;
  #shift = shiftFor(FIRST_CAPACITY);
  #slots = new Int32Array(FIRST_CAPACITY * 2);
  #heap = new Int32Array(FIRST_CAPACITY);
  #heapTimestamps = new Float64Array(FIRST_CAPACITY);
  readonly #keys: unknown[] = [];
  #timestamps = new Float64Array(FIRST_CAPACITY);
  #hashes = new Int32Array(FIRST_CAPACITY);
  #keyGroups = new Uint16Array(FIRST_CAPACITY);
  /** Timers per key group, so that a capture knows at once which groups it has. */
  readonly #groupSizes: Int32Array;
  #places = new Int32Array(FIRST_CAPACITY);
  #starts: Float64Array | undefined;
  #ends: Float64Array | undefined;
  /** Entries given back, as a stack. */
  #free = new Int32Array(FIRST_CAPACITY);
  #freeCount = 0;

  constructor(type: TypeInformation<unknown>, maxParallelism: number, windowed: boolean) {
    this.#groupSizes = new Int32Array(maxParallelism);
    this.#type = type;
    this.#sameKey = type.sameKey;
    if (windowed) {
      this.#starts = new Float64Array(FIRST_CAPACITY);
      this.#ends = new Float64Array(FIRST_CAPACITY);
    }
  }

  /** The earliest timestamp; Infinity without timers. */
  get head(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#heapTimestamps[0] as number);
  }

  /** Adds a timer unless it is there; says whether it was added. */
  add(key: unknown, mixed: number, keyGroup: number, timestamp: number, start: number, end: number): boolean {
    const hash = mixTimer(mixed, timestamp, start);
    const slot = this.#find(key, hash, timestamp, start, end);
    if (slot >= 0) return false;
    if (this.size === this.#capacity) {
      this.#grow();
      this.#insert(key, hash, keyGroup, timestamp, start, end, this.#emptySlot(hash));
    } else {
      this.#insert(key, hash, keyGroup, timestamp, start, end, ~slot);
    }
    return true;
  }

  /** Removes a timer; says whether it was there. */
  remove(key: unknown, mixed: number, timestamp: number, start: number, end: number): boolean {
    const slot = this.#find(key, mixTimer(mixed, timestamp, start), timestamp, start, end);
    if (slot < 0) return false;
    const entry = (this.#slots[slot] as number) - 1;
    this.#emptyOut(slot);
    this.#leaveHeap(this.#places[entry] as number);
    this.#release(entry);
    return true;
  }

  /** Removes the earliest timer and leaves what it was in the `taken…` fields. There must be one. */
  takeHead(): void {
    const entry = this.#heap[0] as number;
    this.takenKey = this.#keys[entry];
    this.takenTimestamp = this.#timestamps[entry] as number;
    if (this.#starts !== undefined && this.#ends !== undefined) {
      this.takenStart = this.#starts[entry] as number;
      this.takenEnd = this.#ends[entry] as number;
    }
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (this.#hashes[entry] as number) >>> this.#shift;
    while (slots[slot] !== entry + 1) slot = (slot + 1) & mask;
    this.#emptyOut(slot);
    this.#leaveHeap(0);
    this.#release(entry);
  }

  /** A copy of what is there now, made of copies of whole arrays. */
  capture(): CapturedTimerSet {
    const used = this.#keys.length;
    return {
      entries: this.#heap.slice(0, this.size),
      keys: this.#keys.slice(),
      timestamps: this.#timestamps.slice(0, used),
      keyGroups: this.#keyGroups.slice(0, used),
      groupSizes: this.#groupSizes.slice(),
      starts: this.#starts?.slice(0, used),
      ends: this.#ends?.slice(0, used),
    };
  }

  /** The slot of a timer, or the complement of the empty slot where it would go. */
  #find(key: unknown, hash: number, timestamp: number, start: number, end: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const timestamps = this.#timestamps;
    const mask = slots.length - 1;
    for (let slot = hash >>> this.#shift; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return ~slot;
      if (hashes[entry] === hash && timestamps[entry] === timestamp && this.#is(entry, key, start, end)) return slot;
    }
  }

  #is(entry: number, key: unknown, start: number, end: number): boolean {
    const found = this.#keys[entry];
    const sameKey = this.#sameKey;
    if (sameKey === undefined ? found !== key : !sameKey(found, key)) return false;
    const starts = this.#starts;
    const ends = this.#ends;
    return starts === undefined || ends === undefined || (starts[entry] === start && ends[entry] === end);
  }

  #insert(
    key: unknown,
    hash: number,
    keyGroup: number,
    timestamp: number,
    start: number,
    end: number,
    slot: number,
  ): void {
    const own = this.#type.immutable ? key : this.#type.copy(key);
    let entry: number;
    if (this.#freeCount > 0) {
      entry = this.#free[--this.#freeCount] as number;
      this.#keys[entry] = own;
    } else {
      entry = this.#keys.length;
      this.#keys.push(own);
    }
    this.#timestamps[entry] = timestamp;
    this.#hashes[entry] = hash;
    this.#keyGroups[entry] = keyGroup;
    this.#groupSizes[keyGroup] = (this.#groupSizes[keyGroup] as number) + 1;
    if (this.#starts !== undefined && this.#ends !== undefined) {
      this.#starts[entry] = start;
      this.#ends[entry] = end;
    }
    this.#slots[slot] = entry + 1;
    this.#siftUp(this.size++, entry, timestamp);
  }

  #release(entry: number): void {
    const keyGroup = this.#keyGroups[entry] as number;
    this.#groupSizes[keyGroup] = (this.#groupSizes[keyGroup] as number) - 1;
    // What the entry held must not be kept alive.
    this.#keys[entry] = undefined;
    this.#free[this.#freeCount++] = entry;
    if (this.size > 0) return;
    this.#keys.length = 0;
    this.#freeCount = 0;
  }

  #emptySlot(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash >>> this.#shift;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  /** Empties a slot and moves up those behind it, so that no search meets a gap before its end. */
  #emptyOut(slot: number): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    const shift = this.#shift;
    let hole = slot;
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = (hashes[(slots[next] as number) - 1] as number) >>> shift;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      slots[hole] = slots[next] as number;
      hole = next;
    }
    slots[hole] = 0;
  }

  /** Takes the timer at a place out of the heap; the last one fills the gap. */
  #leaveHeap(place: number): void {
    const last = --this.size;
    if (place === last) return;
    const entry = this.#heap[last] as number;
    const timestamp = this.#heapTimestamps[last] as number;
    const parent = (place - 1) >> 2;
    if (place > 0 && timestamp < (this.#heapTimestamps[parent] as number)) this.#siftUp(place, entry, timestamp);
    else this.#siftDown(place, entry, timestamp);
  }

  #siftUp(from: number, entry: number, timestamp: number): void {
    const heap = this.#heap;
    const heapTimestamps = this.#heapTimestamps;
    const places = this.#places;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      const above = heapTimestamps[parent] as number;
      if (above <= timestamp) break;
      const moved = heap[parent] as number;
      heap[place] = moved;
      heapTimestamps[place] = above;
      places[moved] = place;
      place = parent;
    }
    heap[place] = entry;
    heapTimestamps[place] = timestamp;
    places[entry] = place;
  }

  #siftDown(from: number, entry: number, timestamp: number): void {
    const heap = this.#heap;
    const heapTimestamps = this.#heapTimestamps;
    const places = this.#places;
    const size = this.size;
    let place = from;
    for (;;) {
      const first = place * 4 + 1;
      if (first >= size) break;
      let least = first;
      let leastTimestamp = heapTimestamps[first] as number;
      const end = Math.min(first + 4, size);
      for (let child = first + 1; child < end; child++) {
        const candidate = heapTimestamps[child] as number;
        if (candidate < leastTimestamp) {
          least = child;
          leastTimestamp = candidate;
        }
      }
      if (leastTimestamp >= timestamp) break;
      const moved = heap[least] as number;
      heap[place] = moved;
      heapTimestamps[place] = leastTimestamp;
      places[moved] = place;
      place = least;
    }
    heap[place] = entry;
    heapTimestamps[place] = timestamp;
    places[entry] = place;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    this.#capacity = capacity;
    this.#shift = shiftFor(capacity);
    this.#heap = resized(this.#heap, capacity);
    this.#heapTimestamps = resized(this.#heapTimestamps, capacity);
    this.#timestamps = resized(this.#timestamps, capacity);
    this.#hashes = resized(this.#hashes, capacity);
    this.#keyGroups = resized(this.#keyGroups, capacity);
    this.#places = resized(this.#places, capacity);
    this.#free = resized(this.#free, capacity);
    if (this.#starts !== undefined) this.#starts = resized(this.#starts, capacity);
    if (this.#ends !== undefined) this.#ends = resized(this.#ends, capacity);
    this.#slots = new Int32Array(capacity * 2);
    for (let place = 0; place < this.size; place++) {
      const entry = this.#heap[place] as number;
      this.#slots[this.#emptySlot(this.#hashes[entry] as number)] = entry + 1;
    }
  }
}

const FIRST_CAPACITY = 64;

/** Takes the upper bits of a hash, as many as there are bits in a slot number. */
function shiftFor(capacity: number): number {
  return Math.clz32(capacity * 2) + 1;
}

/** A hash whose upper bits depend on all of its parts. */
function mixTimer(mixed: number, timestamp: number, start: number): number {
  // Timestamps and windows are multiples of something: their low bits are all alike until they are multiplied. Both are
  // cut to 32 bits, and a bound of time that is cut to 0 is as good as another.
  const when = Math.imul(timestamp | 0, 0x85ebca6b) ^ Math.imul(start | 0, 0xc2b2ae35);
  return Math.imul(mixed ^ when ^ (when >>> 15), 0x9e3779b1);
}

function resized<A extends Int32Array | Float64Array | Uint16Array>(array: A, length: number): A {
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array);
  return larger;
}
