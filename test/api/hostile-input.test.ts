/** Text and objects that were made to hurt: each gets a short answer, soon. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatViolation, validateFlinkJob, validateYaml } from '../../src/api/index.ts';
import { apiServer } from './api-server.ts';
import { aJob, type Manifest } from './manifest.ts';
import { hasNull, RANDOM_SPECS } from './random-specs.ts';

const HEAD = 'apiVersion: flinkjob.dev/v1alpha1\nkind: FlinkJob\nmetadata: { name: a }\nspec: ';
const bomb = (levels: number) =>
  `${HEAD}\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: levels }, (_, i) => `  a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`).join('\n')}\n`;

/** What this process has spent: what others on the machine take does not count. */
function cpuSecondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

describe('refused soon', () => {
  test.each([
    ['flow lists, 100,000 deep', HEAD + '['.repeat(100_000), 'TOO_DEEP'],
    ['flow maps, 100,000 deep', HEAD + '{a: '.repeat(100_000), 'TOO_DEEP'],
    ['block lists, 100,000 deep', `a:\n${'- '.repeat(100_000)}x`, 'TOO_DEEP'],
    ['explicit keys, 100,000 deep', `${'? '.repeat(100_000)}x`, 'TOO_DEEP'],
    ['block maps, 1,000 deep', Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), 'TOO_DEEP'],
    ['5 MB', `${HEAD}{ typescript: { inline: "${'x'.repeat(5_000_000)}" } }`, 'TOO_LARGE'],
    ['an alias bomb', bomb(9), 'TOO_MANY_ALIASES'],
    [
      'a wide alias bomb',
      `${HEAD}\n  a: &a [${'x, '.repeat(5_000)}]\n  b: [${'*a, '.repeat(99)}]\n`,
      'TOO_MANY_VALUES',
    ],
  ])('%s, within a second of CPU time', (_what, text, code) => {
    const began = process.cpuUsage();
    const report = validateYaml(text);
    expect(cpuSecondsSince(began)).toBeLessThan(1);
    expect(report.violations.map((violation) => violation.code)).toEqual([code]);
    expect(report.jobs).toEqual([]);
  });

  test.each([
    ['200,000 values', `${HEAD}[${'1,'.repeat(200_000)}]`, 'TOO_MANY_VALUES'],
    ['250,000 documents', '---\n'.repeat(250_000), 'TOO_MANY_DOCUMENTS'],
    ['a million commas', `[${','.repeat(1_000_000)}]`, 'TOO_MANY_VALUES'],
  ])('%s, whose size alone takes time', (_what, text, code) => {
    const began = process.cpuUsage();
    expect(validateYaml(text).violations.map((violation) => violation.code)).toEqual([code]);
    expect(cpuSecondsSince(began)).toBeLessThan(5);
  });

  test('40,000 unknown fields', () => {
    const began = process.cpuUsage();
    const keys = Array.from({ length: 40_000 }, (_, i) => `  k${i}: 1`).join('\n');
    const { violations } = validateYaml(`${HEAD}\n${keys}\n`).jobs[0]!;
    expect(
      violations
        .map(({ code }) => code)
        .filter((code) => code !== 'UNKNOWN_FIELD')
        .sort(),
    ).toEqual(['MISSING_FIELD', 'MORE_PROBLEMS', 'ONE_RUNTIME']);
    expect(violations).toHaveLength(202);
    expect(violations.map(formatViolation)).toContain(
      'line 1: there are 39801 more problems. Correct the others first.',
    );
    expect(cpuSecondsSince(began)).toBeLessThan(5);
  });
});

const garbage = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '&a ',
        '*a',
        '!!x ',
        '"',
        "'",
        '|',
        '>',
        '#',
        '---\n',
        '? ',
        '\t',
        '0',
        '<<',
        '%',
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join('')),
);

test('no text makes it throw', () => {
  fc.assert(
    fc.property(garbage, (text) => {
      for (const { message } of [...validateYaml(text).violations, ...validateYaml(HEAD + text).violations].map(
        (violation) => ({ message: formatViolation(violation) }),
      )) {
        expect(message).not.toMatch(/\n\s+at /);
      }
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

test('no object makes it throw, and every line names a rule', () => {
  fc.assert(
    fc.property(fc.anything({ maxDepth: 4, withNullPrototype: true }), (value) => {
      for (const job of [
        value,
        aJob(isPlain(value) ? value : {}),
        { ...aJob(), spec: value },
        { ...aJob(), metadata: value },
      ]) {
        for (const violation of validateFlinkJob(job).violations) {
          expect(formatViolation(violation)).toMatch(/\S/);
          expect(violation.rule).not.toBe('');
        }
      }
    }),
    { seed: 2, numRuns: 700 },
  );
});

test('for random jobs, command line and API server give the same verdict', () => {
  let valid = 0;
  fc.assert(
    fc.property(RANDOM_SPECS, (spec) => {
      fc.pre(!hasNull(spec));
      const job: Manifest = { ...aJob(), spec };
      const { violations } = validateFlinkJob(job);
      const theirs = apiServer(job);
      if (violations.length === 0) valid++;
      expect(violations.map(formatViolation).length === 0, JSON.stringify({ violations, theirs })).toBe(
        theirs.length === 0,
      );
    }),
    { seed: 3, numRuns: 2_000 },
  );
  expect(valid).toBeGreaterThan(150);
});

function isPlain(value: unknown): value is Manifest {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
