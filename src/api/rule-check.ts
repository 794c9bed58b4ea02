/** Runs the rules of a schema over a value, as the API server runs their CEL. */
import { valueAt } from './plain-values.ts';
import type { Rule } from './rules.ts';
import { childNode, type SchemaNode } from './schema-node.ts';
import type { FieldPath, Problem } from './violation.ts';

/** The rules that a value breaks. A rule is skipped when a field it reads is among the `bad` ones already. */
export function brokenRules(root: SchemaNode, value: unknown, old: unknown, bad: readonly FieldPath[]): Problem[] {
  const broken: Problem[] = [];
  visit(root, value, old, [], (node, self, oldSelf, path) => {
    for (const rule of node.rules) {
      if (oldSelf === undefined ? rule.transition : rule.onlyOnCreate) continue;
      if (isTouched(rule, path, bad) || rule.holds(self, oldSelf)) continue;
      broken.push(...problemsOf(rule, self, path));
    }
  });
  return broken;
}

type Visitor = (node: SchemaNode, self: unknown, old: unknown, path: FieldPath) => void;

function visit(node: SchemaNode, value: unknown, old: unknown, path: FieldPath, visitor: Visitor): void {
  if (value === undefined) return;
  visitor(node, value, old, path);
  if (value === null || typeof value !== 'object') return;
  for (const [key, child] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    const next = childNode(node, step);
    // Items of a list have no identity over time, so they are never compared with old ones.
    const oldChild = Array.isArray(value) ? undefined : valueAt(old, [key]);
    if (next !== undefined && next.type !== 'any') visit(next, child, oldChild, [...path, step], visitor);
  }
}

/** Whether one of the bad fields is what the rule looks at, or holds it. */
function isTouched(rule: Rule, self: FieldPath, bad: readonly FieldPath[]): boolean {
  const below = (fields: readonly string[]) => fields.map((field) => [...self, ...field.split('.')]);
  const onlyPresent = below(rule.presenceOf ?? []);
  const reads = rule.reads.length === 0 && onlyPresent.length === 0 ? [self] : below(rule.reads);
  return bad.some(
    (path) =>
      reads.some((field) => startsWith(path, field) || startsWith(field, path)) ||
      onlyPresent.some((field) => startsWith(field, path)),
  );
}

function startsWith(path: FieldPath, prefix: FieldPath): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === path[index]);
}

function problemsOf(rule: Rule, self: unknown, path: FieldPath): Problem[] {
  const offenders = rule.offenders?.(self) ?? [rule.blames?.split('.') ?? []];
  return offenders.map((below) => {
    const value = valueAt(self, below);
    return {
      path: [...path, ...below],
      touches: path,
      ...(value === undefined ? {} : { value }),
      rule: rule.must,
      remedy: rule.advice?.(below) ?? rule.remedy,
      code: rule.code,
      severity: rule.offline ?? 'error',
    };
  });
}
