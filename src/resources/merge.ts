/**
 * Puts together what people and the operator say of one pod. Objects are merged field by field. Lists of things with a name
 * (containers, variables, volumes, ports) are merged by it, as kubectl does; of other lists the later one counts.
 */

/** `over` counts where both say something. Neither is changed. */
export function merged(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (Array.isArray(under) && Array.isArray(over)) return isNamed(under) && isNamed(over) ? byName(under, over) : over;
  if (!isObject(under) || !isObject(over)) return over;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) result[key] = merged(under[key], value);
  return result;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamed(list: readonly unknown[]): list is readonly Fields[] {
  return list.every((item) => isObject(item) && typeof item['name'] === 'string');
}

function byName(under: readonly Fields[], over: readonly Fields[]): unknown[] {
  const names = new Set(under.map(({ name }) => name));
  return [
    ...under.map((item) =>
      merged(
        item,
        over.find(({ name }) => name === item['name']),
      ),
    ),
    ...over.filter(({ name }) => !names.has(name)),
  ];
}
