/**
 * How the API server says what `flinkjob validate` says. Of our own rules it says our words; of types, bounds, missing and
 * unknown fields it says its own, which must name the field and the limit.
 */
import { flinkJobNode, type SchemaNode, type Violation } from '../../../src/api/index.ts';
import type { Answer } from './definition.ts';

/** One thing the API server complains about. */
export interface Complaint {
  /** Absent where the server has read nothing of the resource yet. */
  readonly field?: string;
  readonly text: string;
}

/** What a refusal complains about, each thing apart. */
export function complaintsOf({ body }: Answer): Complaint[] {
  const causes: readonly { field: string; message: string }[] = body.details?.causes ?? [];
  if (causes.length === 0) return [{ text: body.message }];
  return causes
    .filter((cause) => !isEcho(cause))
    .map(({ field, message }) => ({ field: dotted(field), text: message }));
}

/** Said beside what is wrong: that rules were not looked at, that a number had no room, that parallelism is unreadable. */
function isEcho({ field, message }: { field: string; message: string }): boolean {
  return field === '<nil>' || /accessor error/.test(message);
}

/** Whether the server stopped before it looked at rules. */
export function stoppedEarly({ status, body }: Answer): boolean {
  return status !== 422 || /some validation rules were not checked/.test(JSON.stringify(body.details));
}

/** Whether the complaint is about this violation, in the words it should have. */
export function tells({ field, text }: Complaint, violation: Violation): boolean {
  const path = dotted(violation.path);
  if (isKubernetesOwn(violation)) return true;
  if (field === undefined) return namesField(text, path) && wordsOf(violation).some((words) => text.includes(words));
  // The server names the map where the command line names the entry, and the object where one of its fields is null.
  const isThere = field === path || path.startsWith(`${field}.`);
  if (violation.value === null) return isThere;
  return isThere && wordsOf(violation).some((words) => text.includes(words));
}

/** Kubernetes speaks of apiVersion, kind and metadata by itself, the name of a job aside. */
export function isKubernetesOwn({ path, code }: Violation): boolean {
  return code !== 'NAME' && /^(apiVersion|kind|metadata)/.test(path);
}

function namesField(text: string, path: string): boolean {
  return dotted(text).includes(path);
}

/** `a["b/c"]`, `a[b/c]` and `a.b/c` are one path. */
function dotted(path: string): string {
  return path.replace(/\["?([^\]"]+)"?\]/g, '.$1').replace(/^\./, '');
}

const UNKNOWN = ['unknown field', 'field not declared in schema'];

function wordsOf(violation: Violation): readonly string[] {
  const { code, path, rule, remedy } = violation;
  const node = nodeAt(path);
  switch (code) {
    case 'UNKNOWN_FIELD':
      return [...UNKNOWN, 'must have at most 0 items'];
    case 'MISSING_FIELD':
      return ['Required value'];
    case 'WRONG_TYPE':
      // Of an object in place of a text it first finds that its fields do not exist.
      return [...typesOf(node), ': expected ', supported(node), ...UNKNOWN];
    case 'NOT_ALLOWED_VALUE':
      return [supported(node)];
    case 'OUT_OF_RANGE':
      return [...limitsOf(node?.constraints ?? {}), ...typesOf(node)];
    default:
      return [`${rule}. ${remedy}`];
  }
}

function typesOf(node: SchemaNode | undefined): string[] {
  const type = node?.type === 'intOrString' ? 'integer,string' : node?.type;
  return [type, node?.constraints.format].map((word) => `must be of type ${word}`);
}

function supported(node: SchemaNode | undefined): string {
  const words = (node?.constraints.enum ?? []) as readonly string[];
  return `supported values: ${words.map((word) => `"${word}"`).join(', ')}`;
}

function limitsOf(constraints: SchemaNode['constraints']): string[] {
  const { minimum, maximum, minLength, maxLength, maxItems, maxProperties } = constraints;
  const limits: readonly (readonly [unknown, string])[] = [
    [minimum, `should be greater than or equal to ${minimum}`],
    [constraints.exclusiveMinimum, `should be greater than ${minimum}`],
    [maximum, `should be less than or equal to ${maximum}`],
    [minLength, `should be at least ${minLength} chars long`],
    [maxLength, `may not be more than ${maxLength} bytes`],
    [maxItems ?? maxProperties, `must have at most ${maxItems ?? maxProperties} items`],
  ];
  return limits.filter(([limit]) => limit !== undefined).map(([, words]) => words);
}

function nodeAt(path: string): SchemaNode | undefined {
  const steps = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, key, index, name]) => key ?? index ?? name,
  );
  return steps.reduce<SchemaNode | undefined>(
    (node, step = '') => node?.properties?.[step] ?? node?.items ?? node?.values,
    flinkJobNode(),
  );
}
