/**
 * Which key is worked on next. Follows client-go's queue: a key is dirty or not, in work or not.
 *
 *     add: dirty already ──► nothing; else dirty, and in line unless it is in work
 *     take: out of the line, not dirty, in work            done: not in work; dirty again ──► in line
 *
 * So one worker has a key at a time, and any number of changes during its work make one more round, never none.
 *
 * Priorities age: a key gains a point for every tenth of a second it waits, so that nothing waits for ever behind what is
 * more urgent. All gain alike, so the order of two keys never changes while they wait.
 */
import { Heap, type Ranked } from './heap.ts';
import type { ObjectKey } from './object-key.ts';

/** Urgency of a change that has just happened. */
export const LIVE_PRIORITY = 0;
/** Urgency of what was there all along: after ten seconds it comes before what is live then. */
export const INITIAL_PRIORITY = -100;

const MS_PER_POINT = 100;

/** A key that was taken. */
export interface TakenKey {
  readonly key: ObjectKey;
  readonly waitedMs: number;
}

interface Entry extends Ranked {
  readonly key: ObjectKey;
  readonly addedAt: number;
}

export class ReadyKeys {
  private readonly dirty = new Map<ObjectKey, Entry>();
  private readonly line = new Heap<Entry>();
  private readonly since = new Map<ObjectKey, number>();
  private orders = 0;

  /** Keys in line. */
  get depth(): number {
    let depth = this.dirty.size;
    for (const key of this.since.keys()) if (this.dirty.has(key)) depth -= 1;
    return depth;
  }

  /** Keys in work, and when each was taken. */
  get inWork(): ReadonlyMap<ObjectKey, number> {
    return this.since;
  }

  /** Whether it was not dirty before. A key that waits already keeps its place, or takes a better one. */
  add(key: ObjectKey, priority: number, now: number): boolean {
    const before = this.dirty.get(key);
    const addedAt = before?.addedAt ?? now;
    const rank = addedAt - priority * MS_PER_POINT;
    if (before !== undefined && before.rank <= rank) return false;
    this.orders += 1;
    const entry = { key, addedAt, rank, order: before?.order ?? this.orders };
    this.dirty.set(key, entry);
    if (!this.since.has(key)) this.line.push(entry);
    return before === undefined;
  }

  take(now: number): TakenKey | undefined {
    for (let entry = this.line.shift(); entry !== undefined; entry = this.line.shift()) {
      // One that was given a better place has left its old one behind.
      if (this.dirty.get(entry.key) !== entry) continue;
      this.dirty.delete(entry.key);
      this.since.set(entry.key, now);
      return { key: entry.key, waitedMs: now - entry.addedAt };
    }
    return undefined;
  }

  /** How long the key was in work. */
  done(key: ObjectKey, now: number): number {
    const tookMs = now - (this.since.get(key) ?? now);
    if (!this.since.delete(key)) return tookMs;
    const again = this.dirty.get(key);
    if (again !== undefined) this.line.push(again);
    return tookMs;
  }
}
