import { expect, test } from 'vitest';
import { paintFor } from '../../../src/cli/output/paint.ts';
import { tableLines } from '../../../src/cli/output/table.ts';
import { bytesText, countText, durationText, timeText } from '../../../src/cli/output/units.ts';
import { writeResult } from '../../../src/cli/output/write-result.ts';

const PIPE = { isTty: false, env: {} };
const TERMINAL = { isTty: true, env: {} };
const COLOURLESS = { isTty: true, env: { NO_COLOR: '1' } };

test('a table is aligned on a terminal and separated by tabs elsewhere', () => {
  const rows = [
    ['a', 'long cell'],
    ['longer', 'x'],
  ];
  expect(tableLines(['ONE', 'TWO'], rows, COLOURLESS)).toEqual(['ONE     TWO', 'a       long cell', 'longer  x']);
  expect(tableLines(['ONE', 'TWO'], rows, PIPE)).toEqual(['ONE\tTWO', 'a\tlong cell', 'longer\tx']);
});

test('a cell cannot break its row', () => {
  expect(tableLines(['A', 'B'], [['x\ty', 'first\nsecond']], PIPE)[1]).toBe('x y\tfirst second');
});

test('colour is for terminals whose owner did not decline it', () => {
  expect(paintFor(TERMINAL)('good', 'Running')).toBe('\u001b[32mRunning\u001b[39m');
  expect(paintFor(COLOURLESS)('good', 'Running')).toBe('Running');
  expect(paintFor(PIPE)('good', 'Running')).toBe('Running');
  expect(paintFor({ isTty: true, env: { NO_COLOR: '' } })('bad', 'x')).not.toBe('x');
});

test('JSON and YAML say the same, and text is only made when it is asked for', () => {
  const shared = { of: 'both' };
  const result = { name: 'x', absent: undefined, long: 'word '.repeat(40).trim(), twice: [shared, shared] };
  const written: string[] = [];
  const io = { stdout: { write: (text: string) => written.push(text) } };
  const never = () => {
    throw new Error('made');
  };
  writeResult(result, never, 'json', io);
  writeResult(result, never, 'yaml', io);
  writeResult(result, () => ['one', 'two'], 'text', io);
  expect(JSON.parse(written[0] ?? '')).toEqual({ name: 'x', long: result.long, twice: [shared, shared] });
  expect(written[1]).toBe(`name: x\nlong: ${result.long}\ntwice:\n  - of: both\n  - of: both\n`);
  expect(written[2]).toBe('one\ntwo\n');
});

test('numbers are short and say their unit', () => {
  expect([0, 1023, 1536, 5 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 GiB']);
  expect([-5, 999, 4_321, 90_000, 93_784_000].map(durationText)).toEqual(['0ms', '999ms', '4s', '1m30s', '1d2h']);
  expect([0, 999, 12_345, 3_400_000].map(countText)).toEqual(['0', '999', '12k', '3.4M']);
  expect(timeText(1_700_000_000_123)).toBe('2023-11-14T22:13:20Z');
});
