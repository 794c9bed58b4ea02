/** Says in words what a field requires and what to write: the half of an error message that helps. */
import { nearest } from './nearest.ts';
import { isObject } from './plain-values.ts';
import type { Rule } from './rules.ts';
import type { SchemaNode } from './schema-node.ts';
import { flowYaml } from './violation.ts';

/** `must be an integer from 1 to 32768` */
export function requirement(node: SchemaNode): string {
  return node.must ?? ownRule(node)?.must ?? `must be ${expected(node)}`;
}

/** The rule of a single value, a duration or a URI, which says more than its type. */
function ownRule(node: SchemaNode): Rule | undefined {
  return node.type === 'string' || node.type === 'intOrString' ? node.rules[0] : undefined;
}

function expected(node: SchemaNode): string {
  const { constraints } = node;
  switch (node.type) {
    case 'integer':
      return `an integer${range(node)}`;
    case 'number':
      return `a number${range(node)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return words(constraints);
    case 'array':
      return constraints.maxItems === undefined ? 'a list' : `a list of at most ${constraints.maxItems} items`;
    case 'object':
      return node.properties === undefined ? `a map of at most ${constraints.maxProperties} entries` : object(node);
    case 'intOrString':
      return 'an integer or a string';
    case 'any':
      return 'any value';
  }
}

function words({ enum: allowed, maxLength, minLength }: SchemaNode['constraints']): string {
  if (Array.isArray(allowed)) return allowed.length === 1 ? `${allowed[0]}` : `one of ${allowed.join(', ')}`;
  if (maxLength === undefined) return 'a string';
  return minLength === undefined
    ? `a string of at most ${maxLength} characters`
    : `a string of 1 to ${maxLength} characters`;
}

function object(node: SchemaNode): string {
  const names = Object.keys(node.properties ?? {});
  if (names.length === 0) return 'an object without fields, {}';
  return names.length > 8 ? 'an object' : `an object with the fields ${names.join(', ')}`;
}

function range({ constraints: { minimum, maximum, exclusiveMinimum } }: SchemaNode): string {
  if (exclusiveMinimum === true) return ` above ${minimum}${maximum === undefined ? '' : ` and up to ${maximum}`}`;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  return minimum === undefined ? '' : ` of at least ${minimum}`;
}

/** `Write e.g. parallelism: 2`, or the word of an enumeration that was probably meant. */
export function remedyFor(name: string | number | undefined, node: SchemaNode, value: unknown): string {
  if (node.remedy !== undefined) return node.remedy;
  const rule = ownRule(node);
  if (rule !== undefined && (typeof value === 'string' || node.type === 'intOrString')) return rule.remedy;
  if (isTooLong(node, value)) return typeof value === 'string' ? 'Shorten it.' : 'Leave some out.';
  const word = meantWord(node, value);
  if (word !== undefined) return `Write ${entry(name, quoted(word))}`;
  if (node.example !== undefined) return `Write e.g. ${entry(name, quoted(node.example))}`;
  return node.type === 'string' ? `Write ${entry(name, JSON.stringify(String(value)))}` : 'Remove it.';
}

function isTooLong({ constraints: { maxLength, maxItems, maxProperties } }: SchemaNode, value: unknown): boolean {
  if (typeof value === 'string') return value.length > Number(maxLength ?? Number.POSITIVE_INFINITY);
  if (Array.isArray(value)) return value.length > Number(maxItems ?? Number.POSITIVE_INFINITY);
  if (!isObject(value)) return false;
  return Object.keys(value).length > Number(maxProperties ?? Number.POSITIVE_INFINITY);
}

/** One line of YAML: an item of a list or a field. */
function entry(name: string | number | undefined, value: string): string {
  return typeof name === 'number' ? `- ${value}` : `${name}: ${value}`;
}

/** In quotes where YAML would read a number: 2.3 is not "2.3". */
function quoted(value: unknown): string {
  return typeof value === 'string' && !Number.isNaN(Number(value)) ? `"${value}"` : flowYaml(value);
}

function meantWord(node: SchemaNode, value: unknown): string | undefined {
  const allowed = node.constraints.enum;
  if (!Array.isArray(allowed)) return undefined;
  if (allowed.length === 1) return String(allowed[0]);
  return value === null || typeof value === 'object' ? undefined : nearest(String(value), allowed.map(String));
}

/** What to do about a field that does not exist: the nearest known one here, else a field of that name elsewhere. */
export function unknownFieldRemedy(
  name: string,
  parent: SchemaNode,
  root: SchemaNode,
): { meant?: string; remedy: string } {
  const known = Object.keys(parent.properties ?? {});
  const meant = nearest(name, known);
  if (meant !== undefined) return { meant, remedy: `Did you mean ${meant}?` };
  const elsewhere = pathsOf(name, root, '').slice(0, 3);
  if (elsewhere.length > 0) return { remedy: `Did you mean ${elsewhere.join(' or ')}?` };
  return { remedy: known.length === 0 ? 'Remove it.' : `The fields here are ${known.join(', ')}.` };
}

function pathsOf(name: string, node: SchemaNode, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([field, child]) => {
    const here = path === '' ? field : `${path}.${field}`;
    if (here === 'status') return [];
    return [...(field === name ? [here] : []), ...pathsOf(name, child, here)];
  });
}
