/** Keys that come later. Of several times for one key the earliest counts. */
import { Heap, type Ranked } from './heap.ts';
import type { ObjectKey } from './object-key.ts';

interface Entry extends Ranked {
  readonly key: ObjectKey;
}

/** So many cancelled entries do no harm. */
const FEW = 64;

export class DelayedKeys {
  private readonly entries = new Map<ObjectKey, Entry>();
  private heap = new Heap<Entry>();
  private orders = 0;

  /** When the next key is due; undefined when there is none. */
  get nextAt(): number | undefined {
    for (let first = this.heap.first; first !== undefined; first = this.heap.first) {
      if (this.entries.get(first.key) === first) return first.rank;
      this.heap.shift();
    }
    return undefined;
  }

  add(key: ObjectKey, dueAt: number): void {
    const before = this.entries.get(key);
    if (before !== undefined && before.rank <= dueAt) return;
    this.orders += 1;
    const entry = { key, rank: dueAt, order: this.orders };
    this.entries.set(key, entry);
    this.heap.push(entry);
    this.tidy();
  }

  /** Entries that are held, with those that were cancelled and not yet dropped. */
  get held(): number {
    return this.heap.size;
  }

  cancel(key: ObjectKey): void {
    this.entries.delete(key);
  }

  /** The keys that are due, earliest first; they are no longer here. */
  takeDue(now: number): readonly ObjectKey[] {
    const due: ObjectKey[] = [];
    for (let nextAt = this.nextAt; nextAt !== undefined && nextAt <= now; nextAt = this.nextAt) {
      const { key } = this.heap.shift() as Entry;
      this.entries.delete(key);
      due.push(key);
    }
    return due;
  }

  clear(): void {
    this.entries.clear();
  }

  /** A key that changes all the time cancels a time and names another in each round: what is cancelled must not pile up. */
  private tidy(): void {
    if (this.heap.size <= 2 * this.entries.size + FEW) return;
    this.heap = new Heap<Entry>();
    for (const entry of this.entries.values()) this.heap.push(entry);
  }
}
