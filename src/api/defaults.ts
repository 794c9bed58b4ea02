/** Fills in defaults as the API server does: where a field is absent, and inside objects that are there. */
import type { SchemaNode } from './schema-node.ts';

/** A copy of the value with defaults filled in. Never changes the value; unknown fields are kept. */
export function withDefaults(node: SchemaNode, value: unknown): unknown {
  if (value === undefined) {
    const { default: filled } = node;
    // Most are numbers and words, which nobody can change.
    return filled === null || typeof filled !== 'object' ? filled : withDefaults(node, structuredClone(filled));
  }
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  if (value === null || typeof value !== 'object') return value;
  if (node.properties !== undefined) return objectWithDefaults(node.properties, value as Record<string, unknown>);
  const { values } = node;
  if (values === undefined || values.type === 'any') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withDefaults(values, entry)]));
}

function objectWithDefaults(
  properties: Readonly<Record<string, SchemaNode>>,
  value: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...value };
  for (const [name, field] of Object.entries(properties)) {
    const filled = withDefaults(field, Object.hasOwn(value, name) ? value[name] : undefined);
    if (filled !== undefined) result[name] = filled;
  }
  return result;
}
