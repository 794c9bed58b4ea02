/**
 * Validates FlinkJobs. All violations are found at once: what the schema refuses, then every rule whose fields are in
 * order. Schema and rules are those of the API server, so what passes here passes `kubectl apply`.
 */
import type * as z from 'zod';
import { withDefaults } from './defaults.ts';
import { remedyFor, requirement, unknownFieldRemedy } from './describe.ts';
import { type FlinkJob, flinkJobSchema } from './flink-job.ts';
import { isObject, valueAt } from './plain-values.ts';
import { brokenRules } from './rule-check.ts';
import { childNode, type SchemaNode, schemaNode } from './schema-node.ts';
import { type FieldPath, formatPath, type Problem, type Violation } from './violation.ts';

/** Finds the place of a field in the text it came from. */
export type Locate = (path: FieldPath) => { readonly line: number; readonly column: number };

/** A job, or what is wrong with it. Warnings come with both. */
export interface Validation {
  readonly job?: FlinkJob;
  readonly violations: readonly Violation[];
}

let root: SchemaNode | undefined;

/** The schema as plain data; made on first use. */
export function flinkJobNode(): SchemaNode {
  root ??= schemaNode(flinkJobSchema);
  return root;
}

/**
 * Validates one resource. With `old`, the stored resource, the rules about changes are checked too. `status` is the
 * operator's and is handed through as it is.
 */
export function validateFlinkJob(value: unknown, options: { locate?: Locate; old?: FlinkJob } = {}): Validation {
  const node = flinkJobNode();
  const { status, ...manifest } = isObject(value) ? value : {};
  const filled = withDefaults(node, isObject(value) ? manifest : value);
  // A job is parsed once per change of it: code made for parsing thousands takes longer to make than it saves.
  const parsed = flinkJobSchema.safeParse(filled, { jitless: true });
  const problems = parsed.success ? [] : schemaProblems(parsed.error.issues, filled, node);
  const broken = brokenRules(
    node,
    filled,
    options.old,
    problems.map(({ touches }) => touches),
  );
  const violations = [...problems, ...broken]
    .map(({ path, touches: _, ...rest }) => ({ ...rest, path: formatPath(path), ...options.locate?.(path) }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (!parsed.success || violations.some(({ severity }) => severity === 'error')) return { violations };
  const job =
    status === undefined ? withoutStatus(parsed.data) : { ...parsed.data, status: status as FlinkJob['status'] };
  return { job: job as FlinkJob, violations };
}

function withoutStatus({ status: _, ...job }: FlinkJob): FlinkJob {
  return job;
}

/** Most problems of one job that are reported one by one. Nobody reads more, and finding remedies takes time. */
const MAX_PROBLEMS = 200;

function schemaProblems(issues: readonly z.core.$ZodIssue[], value: unknown, root: SchemaNode): Problem[] {
  const found = issues.flatMap((issue): { path: FieldPath; unknown: boolean }[] => {
    const path = issue.path as (string | number)[];
    if (issue.code !== 'unrecognized_keys') return [{ path, unknown: false }];
    return issue.keys.map((key) => ({ path: [...path, key], unknown: true }));
  });
  // A value may break several bounds at once; one line says them all.
  const unique = [...new Map(found.map((problem) => [JSON.stringify(problem.path), problem])).values()];
  const problems = unique
    .slice(0, MAX_PROBLEMS)
    .map(({ path, unknown }) => (unknown ? unknownField(path, value, root) : badValue(path, value, root)));
  const left = unique.length - problems.length;
  return left === 0 ? problems : [...problems, moreProblems(left)];
}

function moreProblems(left: number): Problem {
  const rule = `there are ${left} more problems`;
  // The rules of the fields in order are still looked at.
  return {
    path: [],
    touches: [''],
    rule,
    remedy: 'Correct the others first.',
    code: 'MORE_PROBLEMS',
    severity: 'error',
  };
}

function unknownField(path: FieldPath, value: unknown, root: SchemaNode): Problem {
  const parent = path.slice(0, -1);
  const { meant, remedy } = unknownFieldRemedy(String(path.at(-1)), nodeAt(root, parent), root);
  const owner = parent.length === 0 ? 'a FlinkJob' : formatPath(parent);
  return {
    path,
    touches: meant === undefined ? path : [...parent, meant],
    value: valueAt(value, path),
    rule: `is not a field of ${owner}`,
    remedy,
    code: 'UNKNOWN_FIELD',
    severity: 'error',
  };
}

function badValue(path: FieldPath, value: unknown, root: SchemaNode): Problem {
  const node = nodeAt(root, path);
  const found = valueAt(value, path);
  return {
    path,
    touches: path,
    ...(found === undefined ? {} : { value: found }),
    rule: requirement(node),
    remedy: remedyFor(path.at(-1), node, found),
    code: schemaCode(node, found),
    severity: 'error',
  };
}

type SchemaViolationCode = 'MISSING_FIELD' | 'NOT_ALLOWED_VALUE' | 'OUT_OF_RANGE' | 'WRONG_TYPE';

function schemaCode(node: SchemaNode, found: unknown): SchemaViolationCode {
  if (found === undefined) return 'MISSING_FIELD';
  if (node.constraints.enum !== undefined && typeof found === 'string') return 'NOT_ALLOWED_VALUE';
  return hasType(node.type, found) ? 'OUT_OF_RANGE' : 'WRONG_TYPE';
}

function hasType(type: SchemaNode['type'], value: unknown): boolean {
  if (type === 'intOrString') return typeof value === 'number' || typeof value === 'string';
  if (type === 'integer' || type === 'number') return typeof value === 'number';
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  return type === 'any' || typeof value === type;
}

function nodeAt(root: SchemaNode, path: FieldPath): SchemaNode {
  return path.reduce<SchemaNode>((node, step) => childNode(node, step) ?? ANYTHING, root);
}

const ANYTHING: SchemaNode = { type: 'any', description: '', rules: [], constraints: {} };
