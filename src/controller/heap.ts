/** Things in the order of their rank, the smallest first; of equal ranks the one that came first. */
export interface Ranked {
  readonly rank: number;
  /** Unique; later ones are greater. */
  readonly order: number;
}

/** A binary heap: adding and taking cost the logarithm of the size. */
export class Heap<E extends Ranked> {
  private readonly entries: E[] = [];

  get size(): number {
    return this.entries.length;
  }

  get first(): E | undefined {
    return this.entries[0];
  }

  push(entry: E): void {
    const { entries } = this;
    let at = entries.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = entries[above];
      if (parent === undefined || !comesBefore(entry, parent)) break;
      entries[at] = parent;
      at = above;
    }
    entries[at] = entry;
  }

  shift(): E | undefined {
    const { entries } = this;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      const below = this.smallerBelow(at);
      const child = entries[below];
      if (child === undefined || !comesBefore(child, last)) break;
      entries[at] = child;
      at = below;
    }
    entries[at] = last;
    return first;
  }

  private smallerBelow(at: number): number {
    const left = 2 * at + 1;
    const [one, other] = [this.entries[left], this.entries[left + 1]];
    return one !== undefined && other !== undefined && comesBefore(other, one) ? left + 1 : left;
  }
}

function comesBefore(left: Ranked, right: Ranked): boolean {
  return left.rank === right.rank ? left.order < right.order : left.rank < right.rank;
}
