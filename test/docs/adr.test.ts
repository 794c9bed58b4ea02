import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const records = readdirSync('docs/adr')
  .sort()
  .map((file) => ({ file, text: readFileSync(join('docs/adr', file), 'utf8') }));

test('decisions are numbered without a gap, in name and title', () => {
  const numbers = records.map(({ file, text }) => [Number(file.slice(0, 4)), Number(/^# (\d+)\. /.exec(text)?.[1])]);
  expect(numbers).toEqual(records.map((_, index) => [index + 1, index + 1]));
});

test('a decision says its status, context, decision, consequences and what was rejected, within a page', () => {
  const sections = ['Status', 'Context', 'Decision', 'Consequences', 'Alternatives rejected'];
  for (const { file, text } of records) {
    const found = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect({ file, found: found.filter((title) => title !== 'Measurements') }).toEqual({ file, found: sections });
    expect({ file, short: text.split('\n').length <= 60 }).toEqual({ file, short: true });
  }
});
