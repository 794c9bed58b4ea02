/**
 * Rules that a schema alone cannot say. Each rule exists once, as data: a check in TypeScript for `flinkjob validate` and
 * the same check in CEL for the API server, under one text. A table test holds the two checks together.
 */
import * as z from 'zod';

/** One rule about a value (`self`). `T` is what the check needs to see of it. */
export interface Rule<T = unknown> {
  /** Stable name for machines, also in `docs/reference/flinkjob.md`. */
  readonly code: string;
  /** What is required, beginning with "must". */
  readonly must: string;
  /** What to write instead: a full sentence. */
  readonly remedy: string;
  /** Fields of `self` the check reads; none, here and below: all of it. It is skipped while one of them has a problem of its own. */
  readonly reads: readonly string[];
  /** Of these it only looks at whether they are there, so problems inside them do not matter. */
  readonly presenceOf?: readonly string[];
  /** The field of `self` to blame; absent: `self`. */
  readonly blames?: string;
  /** The check as the API server runs it. Absent where the server cannot see the data: then the operator checks. */
  readonly cel?: string;
  /** Compares with the stored object, so it runs on updates only. */
  readonly transition?: boolean;
  /**
   * Asked when an object is made, and never again: about what can never change. Rules of the whole resource run on every
   * update, and an object from before the rule must stay deletable.
   */
  readonly onlyOnCreate?: boolean;
  /** Kubernetes' word for what is wrong. @default FieldValueInvalid */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  /** How `flinkjob validate` reports it. @default error */
  readonly offline?: 'error' | 'warning';
  /** Whether the value keeps the rule. Must not throw for any value its fields allow. */
  holds(self: T, old: T): boolean;
  /** Paths below `self` of the very entries at fault, where the field is a map that a reader would have to search. */
  offenders?(self: T): readonly (readonly string[])[];
  /** Replaces the remedy where it depends on the offender; only for rules without CEL, whose text the server never says. */
  advice?(offender: readonly string[]): string;
}

const registry = z.registry<{ rules: readonly Rule[] }>();

/** Attaches rules to a schema. Call it last: later methods of zod return another schema. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule[]): S {
  registry.add(schema, { rules });
  return schema;
}

/** The rules attached to exactly this schema. */
export function rulesOf(schema: z.ZodType): readonly Rule[] {
  return registry.get(schema)?.rules ?? [];
}

/** What the API server answers when a rule is broken, and what `flinkjob validate` ends its line with. */
export function ruleMessage(rule: Rule): string {
  return `${rule.must}. ${rule.remedy}`;
}

/** A CEL condition that is true when the expression matches a pattern of RE2, which must hold no single quote. */
export function celMatches(expression: string, regex: string): string {
  return `${expression}.matches(r'${regex}')`;
}

/** Exactly one of some fields must be set. The commonest rule: one runtime, one source of code, one restart strategy. */
export function exactlyOneOf(code: string, fields: readonly string[], remedy: string): Rule<Record<string, unknown>> {
  const count = fields.map((field) => `(has(self.${field}) ? 1 : 0)`).join(' + ');
  return {
    code,
    must: `must have exactly one of ${fields.join(', ')}`,
    remedy,
    reads: [],
    presenceOf: fields,
    cel: `${count} == 1`,
    holds: (self) => fields.filter((field) => self[field] !== undefined).length === 1,
  };
}
