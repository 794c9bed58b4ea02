import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseFlinkJob } from '../../src/api/index.ts';
import { codeBlocks } from './markdown.ts';

const shown = codeBlocks('README.md');
const filesIn = (folder: string, ending: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(folder, name), 'utf8').split('\n'));

/** Whether all lines are in the file, in order; the file may have more in between. */
function isExcerpt(lines: readonly string[], file: readonly string[]): boolean {
  let at = 0;
  return lines.every((line) => {
    at = file.indexOf(line, at) + 1;
    return at > 0;
  });
}

test('an excerpt has its lines in the order of the file', () => {
  expect(isExcerpt(['a', 'c'], ['a', 'b', 'c'])).toBe(true);
  expect(isExcerpt(['c', 'a'], ['a', 'b', 'c'])).toBe(false);
  expect(isExcerpt(['a', 'x'], ['a', 'b', 'c'])).toBe(false);
});

test('TypeScript that the README shows is in an example or its test', () => {
  const blocks = shown.filter(({ language }) => language === 'ts');
  const files = [...filesIn('examples', '.ts'), ...filesIn('test/examples', '.test.ts')];
  expect(blocks).toHaveLength(2);
  expect(blocks.filter(({ lines }) => !files.some((file) => isExcerpt(lines, file)))).toEqual([]);
});

test('YAML that the README shows is in an example, and is a valid job as it is shown', () => {
  const blocks = shown.filter(({ language }) => language === 'yaml');
  const files = filesIn('examples', '.yaml');
  expect(blocks).toHaveLength(1);
  expect(blocks.filter(({ lines }) => !files.some((file) => isExcerpt(lines, file)))).toEqual([]);
  for (const { lines } of blocks) expect(parseFlinkJob(lines.join('\n'), 'README.md').kind).toBe('FlinkJob');
});
