import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const rows = readFileSync('docs/acceptance.md', 'utf8')
  .split('\n')
  .map((line) => /^\| (.+) \|$/.exec(line)?.[1]?.split(' | ') ?? [])
  .filter((cells) => cells.length > 3 && cells.at(-1) !== 'proved by')
  .map((cells) => ({ name: cells[0] ?? '', within: cells.at(-2) ?? '', proofs: cells.at(-1)?.split('<br>') ?? [] }));

/** A proof that is a test; where there is nothing to prove, the row says why. */
const testsOf = (proofs: readonly string[]) =>
  proofs.flatMap((each) => {
    const [, file, sentence] = /^`(test\/[^`]+)`: (.+)$/.exec(each) ?? [];
    return file === undefined || sentence === undefined ? [] : [{ file, sentence }];
  });

test('every scenario has its row, and every row a test or a reason', () => {
  const peers = rows.map(({ name }) => name).filter((name) => /^E\d+$/.test(name));
  expect(peers).toEqual(Array.from({ length: 15 }, (_, at) => `E${at + 1}`));
  expect(rows.length - peers.length).toBe(19);
  const bare = rows.filter(({ proofs }) => testsOf(proofs).length === 0 && !proofs.every((each) => each.endsWith('.')));
  expect(bare).toEqual([]);
});

test('the tests that the rows name are there', () => {
  const missing = rows.flatMap(({ name, proofs }) =>
    testsOf(proofs)
      .filter(({ file, sentence }) => !readFileSync(file, 'utf8').includes(sentence))
      .map(({ file, sentence }) => `${name}: ${file} has no test "${sentence}"`),
  );
  expect(missing).toEqual([]);
});

test('the time of a row is one that its tests wait for', () => {
  const unbound = rows.filter(({ within, proofs }) => {
    const seconds = /^([\d.]+) s/.exec(within)?.[1];
    if (seconds === undefined) return testsOf(proofs).length > 0 && within !== 'at once';
    const written = new RegExp(`\\b${asWritten(Number(seconds) * 1_000)}\\b`);
    return !testsOf(proofs).some(({ file }) => textsFrom(file).some((text) => written.test(text)));
  });
  expect(unbound.map(({ name }) => name)).toEqual([]);
});

/** As numbers are written in code. */
function asWritten(ms: number): string {
  return String(ms).replaceAll(/\B(?=(\d{3})+$)/g, '_');
}

/** A file of tests, and what it takes from beside it to wait with. */
function textsFrom(file: string, depth = 2): string[] {
  const text = readFileSync(file, 'utf8');
  if (depth === 0) return [text];
  const imported = [...text.matchAll(/ from '(\.[^']+)'/g)].map(([, path = '']) => join(dirname(file), path));
  const beside = imported.filter((path) => path.startsWith('test/') && existsSync(path));
  return [text, ...beside.flatMap((path) => textsFrom(path, depth - 1))];
}
