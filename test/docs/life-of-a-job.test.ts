import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHANGE_CLASSES, CONDITIONS, PHASES } from '../../src/api/index.ts';

const page = readFileSync('docs/life-of-a-job.md', 'utf8');

/** The fields in the row of a class. */
const fieldsOf = (change: string): string[] => {
  const row = page.split('\n').find((line) => line.startsWith(`| ${change} |`)) ?? '';
  return [...(row.split('|')[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, field = '']) => field).sort();
};

test.each(['Hot', 'Rescale'])('the page names the fields whose change is %s', (change) => {
  const fields = Object.entries(CHANGE_CLASSES).filter(([, each]) => each === change);
  expect(fieldsOf(change)).toEqual(fields.map(([path]) => path).sort());
});

test('the picture has every phase', () => {
  for (const phase of PHASES) expect(page).toContain(phase);
});

test('the page says of every condition when it is there', () => {
  const said = [...page.matchAll(/`([A-Z]\w+)`/g)].map(([, word]) => word);
  // Nothing asks the storage yet.
  const missing = CONDITIONS.filter((condition) => !said.includes(condition) && condition !== 'StorageReachable');
  expect(missing).toEqual([]);
});
