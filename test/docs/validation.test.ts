import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Violation, validateFlinkJob } from '../../src/api/index.ts';
import { CHANGED_JOBS } from '../api/changed-jobs.ts';
import { INVALID_JOBS } from '../api/invalid-jobs.ts';
import type { Manifest } from '../api/manifest.ts';

const ROW = /^\| (\d+) \| [^|]+ \| ([^|]+) \|$/gm;
const page = readFileSync('docs/reference/validation.md', 'utf8');
const rules = [...page.matchAll(ROW)].map(([, number, by]) => ({ number: Number(number), by: String(by) }));
const told = rules.filter(({ by }) => /^(schema|rule|validate)/.test(by));

const sent = (job: Manifest) => JSON.parse(JSON.stringify(job));
const violationsOf = (job: Manifest, old?: Manifest): readonly Violation[] =>
  validateFlinkJob(sent(job), old === undefined ? {} : { old: validateFlinkJob(sent(old)).job! }).violations;

/** The codes that the cases of each number are refused with. */
const codes = new Map<number, Set<string>>();
for (const [what, violations] of [
  ...INVALID_JOBS.map(([what, job]) => [what, violationsOf(job)] as const),
  ...CHANGED_JOBS.map(([what, old, changed]) => [what, violationsOf(changed, old)] as const),
]) {
  const number = Number(/^rule (\d+):/.exec(what)?.[1]);
  if (number > 0) codes.set(number, new Set([...(codes.get(number) ?? []), ...violations.map(({ code }) => code)]));
}

describe('the list of what is checked', () => {
  test('is numbered without gaps', () => {
    expect(rules.map(({ number }) => number)).toEqual(rules.map((_, index) => index + 1));
  });

  test.each(told)('rule $number has a case that is refused with its codes', ({ number, by }) => {
    const named = [...by.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code);
    expect([...(codes.get(number) ?? [])]).toEqual(expect.arrayContaining(named));
    expect(codes.get(number)?.size).toBeGreaterThan(0);
  });

  test('has every rule that a case names, and says of each who checks it', () => {
    const numbers = new Set(told.map(({ number }) => number));
    expect([...codes.keys()].filter((number) => !numbers.has(number))).toEqual([]);
    for (const { by } of rules) expect(by).toMatch(/^(schema|rules? `|validate, operator `|operator$|nobody: )/);
  });
});
