import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const CASES = 72;
const rows = readFileSync('docs/fault-cases.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, number, , proof] = /^\| (\d+) \| ([^|]+) \| (.+) \|$/.exec(line) ?? [];
    return number === undefined || proof === undefined ? [] : [{ number: Number(number), proof }];
  });

test('every fault case has its row', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: CASES }, (_, at) => at + 1));
});

test('the tests that the rows name are there', () => {
  const missing = rows.flatMap(({ number, proof }) =>
    proof.split('<br>').flatMap((each) => {
      const [, file, sentence] = /^`([^`]+)`: (.+)$/.exec(each) ?? [];
      // Where there is nothing to prove, the row says why.
      if (file === undefined || sentence === undefined) return each.endsWith('.') ? [] : [`${number}: ${each}`];
      return readFileSync(file, 'utf8').includes(sentence) ? [] : [`${number}: ${file} has no test "${sentence}"`];
    }),
  );
  expect(missing).toEqual([]);
});
