/**
 * What a leader has hidden and not yet removed: which names still stand in the object, and what became of their states.
 * Each such name takes up room, which a storage that deletes nothing, or slowly, must not use up.
 */
import type { HandlePointer } from './handle-codec.ts';

/**
 * So many names stand in the object while their states are still there. Older ones go without waiting for their states:
 * nothing points to those then, and the next leader's sweep removes them.
 */
export const MOST_HIDDEN = 8;

interface Subsumed {
  readonly pointer: HandlePointer;
  /** There: its turn has not come · held: by another process, try again · failed · gone. */
  state: 'there' | 'held' | 'failed' | 'gone';
  /** Whether the name still stands in the object. */
  isNamed: boolean;
}

export class SubsumedStates {
  /** In the order in which they were hidden. */
  readonly #all = new Map<string, Subsumed>();

  /** A write has hidden these. */
  hidden(pointers: ReadonlyMap<string, HandlePointer>): void {
    for (const [name, pointer] of pointers) this.#all.set(name, { pointer, state: 'there', isNamed: true });
  }

  /** The names that the next write may remove. */
  removable(): ReadonlyMap<string, HandlePointer> {
    const named = [...this.#all].filter(([, { isNamed }]) => isNamed);
    const gone = named.filter(([, { state }]) => state === 'gone');
    // What another process holds keeps its name, so that nobody takes it for something that was forgotten.
    const left = named.filter(([, { state }]) => state === 'there' || state === 'failed');
    const excess = left.slice(0, Math.max(0, left.length - MOST_HIDDEN));
    return new Map([...gone, ...excess].map(([name, { pointer }]) => [name, pointer]));
  }

  /** A write has removed these. */
  removed(names: Iterable<string>): void {
    for (const name of names) {
      const subsumed = this.#all.get(name);
      if (subsumed === undefined) continue;
      subsumed.isNamed = false;
      // One whose turn is still to come is discarded all the same.
      if (subsumed.state !== 'there') this.#all.delete(name);
    }
  }

  /** Discards the state of a hidden name: false when another process holds it. What the discard throws is thrown. */
  async discard(name: string, discard: (pointer: HandlePointer) => Promise<boolean>): Promise<boolean> {
    const subsumed = this.#all.get(name);
    if (subsumed === undefined || subsumed.state === 'gone') return true;
    try {
      subsumed.state = (await discard(subsumed.pointer)) ? 'gone' : 'held';
      return subsumed.state === 'gone';
    } catch (error) {
      subsumed.state = 'failed';
      throw error;
    } finally {
      if (!subsumed.isNamed && subsumed.state !== 'held') this.#all.delete(name);
    }
  }
}
