/**
 * Whether what callers saw of one name can be put into one order: each operation happened at one instant between its call
 * and its answer, and each answer is what the order so far makes it. The search is Wing and Gong's, with a memory of where
 * it has been.
 */

/** What one caller asked of one name, and was told. Times are of one monotonic clock. */
export interface Operation {
  readonly kind: 'add' | 'replace' | 'remove' | 'get';
  /** Written by add and replace, seen by get. */
  readonly value?: string;
  /**
   * done; exists and absent: refused for that reason; unknown: the caller was not told, so it may have happened at any
   * time after the call, or never will.
   */
  readonly outcome: 'done' | 'exists' | 'absent' | 'unknown';
  readonly calledAt: number;
  readonly answeredAt: number;
}

/** The value a name holds; undefined: it is free. */
type Register = string | undefined;

/** Whether there is such an order, from a name that is free. */
export function isLinearizable(history: readonly Operation[]): boolean {
  const operations = history
    .filter(({ kind, outcome }) => !(kind === 'get' && outcome === 'unknown'))
    .map((operation) => ({
      ...operation,
      answeredAt: operation.outcome === 'unknown' ? Infinity : operation.answeredAt,
    }))
    .sort((left, right) => left.calledAt - right.calledAt);
  const visited = new Set<string>();
  const search = (placed: ReadonlySet<number>, register: Register): boolean => {
    const open = operations.flatMap((operation, index) => (placed.has(index) ? [] : [{ operation, index }]));
    if (open.every(({ operation }) => operation.outcome === 'unknown')) return true;
    const key = `${[...placed].sort((a, b) => a - b).join()}:${register}`;
    if (visited.has(key)) return false;
    visited.add(key);
    // Whoever was called before the first answer among the open ones may come next.
    const firstAnswer = Math.min(...open.map(({ operation }) => operation.answeredAt));
    for (const { operation, index } of open) {
      if (operation.calledAt > firstAnswer) break;
      const after = apply(operation, register);
      if (after.fits && search(new Set(placed).add(index), after.register)) return true;
    }
    return false;
  };
  return search(new Set(), undefined);
}

/** What the register holds afterwards, where the answer fits what it held before. */
function apply({ kind, value, outcome }: Operation, register: Register): { fits: boolean; register: Register } {
  const isFree = register === undefined;
  const isUnknown = outcome === 'unknown';
  switch (kind) {
    case 'add':
      if (outcome === 'exists') return { fits: !isFree, register };
      return { fits: isFree, register: value };
    case 'replace':
      if (outcome === 'absent') return { fits: isFree, register };
      return { fits: !isFree, register: value };
    case 'remove':
      return { fits: true, register: undefined };
    case 'get':
      return { fits: isUnknown || (outcome === 'absent' ? isFree : register === value), register };
  }
}
