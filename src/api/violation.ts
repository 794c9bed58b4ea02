/** One thing that is wrong with a FlinkJob, as data and as a line of text. */
import { stringify } from 'yaml';

/** Names and list positions from the root of the resource. */
export type FieldPath = readonly (string | number)[];

/** One thing that is wrong. Stable in `-o json`. */
export interface Violation {
  /** The field, e.g. `spec.args[2]`; empty when the text as a whole is wrong. */
  readonly path: string;
  /** Line of the field, or of what it is missing from; from 1. */
  readonly line?: number;
  /** Column of the field; from 1. */
  readonly column?: number;
  /** What was found; absent when the field is missing. */
  readonly value?: unknown;
  /** What is required. */
  readonly rule: string;
  /** What to write instead. */
  readonly remedy: string;
  /** Name of the rule for machines. */
  readonly code: string;
  /** A warning does not make the job invalid. */
  readonly severity: 'error' | 'warning';
}

/** A violation before its path became text. */
export interface Problem extends Omit<Violation, 'path'> {
  readonly path: FieldPath;
  /** The field whose rules need not be looked at any more; for a misspelled name, the field that was meant. */
  readonly touches: FieldPath;
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `spec.args[2]`, `spec.flink.configuration["kubernetes.namespace"]`. */
export function formatPath(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!PLAIN_NAME.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** `spec.parallelism (line 7): 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2` */
export function formatViolation(violation: Violation): string {
  const { path, line, rule, remedy } = violation;
  const where =
    path === '' ? (line === undefined ? '' : `line ${line}: `) : `${path}${line ? ` (line ${line})` : ''}: `;
  return `${where}${found(violation)}${rule}${remedy === '' ? '' : `. ${remedy}`}`;
}

/** Codes whose rule reads as a statement about the field, so that the value in front of it would only be noise. */
const SPEAKS_FOR_ITSELF = ['UNKNOWN_FIELD', 'FORBIDDEN_KEY', 'DUPLICATE_KEY', 'DUPLICATE_JOB', 'AMBIGUOUS_SCALAR'];

function found({ path, value, code }: Violation): string {
  if (path === '' || SPEAKS_FOR_ITSELF.includes(code)) return '';
  if (value === undefined) return 'is missing: ';
  if (value !== null && typeof value === 'object')
    return code === 'WRONG_TYPE' ? `${kindOf(value)} is not allowed: ` : '';
  return `${shown(value)} is not allowed: `;
}

function kindOf(value: object): string {
  return Array.isArray(value) ? 'a list' : 'an object';
}

/** A value cut to what fits a line. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 56)}…"`;
}

/** A value as one writes it on one line of YAML. */
export function flowYaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, defaultStringType: 'PLAIN' }).trim();
}
