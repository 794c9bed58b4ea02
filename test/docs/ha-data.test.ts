import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HA_FINDING_CODES } from '../../src/flink/index.ts';

const page = readFileSync('docs/ha-data.md', 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| (error|warning|info) \|/gm)].map(([, code = '', severity = '']) => ({
  code,
  severity,
}));
const sources = ['findings', 'verification']
  .map((name) => readFileSync(`src/flink/ha-data/${name}.ts`, 'utf8'))
  .join('\n');

test('every finding has its row, in the order in which findings are told', () => {
  expect(rows.map(({ code }) => code)).toEqual([...HA_FINDING_CODES]);
});

test.each(rows)('$code has the severity that the page says', ({ code, severity }) => {
  expect(sources).toMatch(new RegExp(`(severity: '${severity}',\\s*code: '${code}'|'${severity}', '${code}')`));
});
