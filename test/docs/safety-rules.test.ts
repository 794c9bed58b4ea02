import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const rows = readFileSync('docs/safety-rules.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, number, proof] = /^\| (\d+) \| [^|]+ \| (.+) \|$/.exec(line) ?? [];
    return number === undefined || proof === undefined ? [] : [{ number: Number(number), tests: proof.split('<br>') }];
  });

test('each of the ten rules names tests', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 10 }, (_, at) => at + 1));
  expect(rows.filter(({ tests }) => tests.length < 2)).toEqual([]);
});

test('the tests that the rules name are there', () => {
  const missing = rows.flatMap(({ number, tests }) =>
    tests
      .filter((each) => {
        const [, file = '', sentence = '-'] = /^`([^`]+)`: (.+)$/.exec(each) ?? [];
        return !readFileSync(file, 'utf8').includes(sentence);
      })
      .map((each) => `${number}: ${each}`),
  );
  expect(missing).toEqual([]);
});
