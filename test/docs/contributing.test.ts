import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pages } from './markdown.ts';

const targets = [...readFileSync('Makefile', 'utf8').matchAll(/^([a-z0-9-]+):.*##/gm)].map(([, target = '']) => target);

test('CONTRIBUTING says what each target of make does', () => {
  const table = (readFileSync('CONTRIBUTING.md', 'utf8').split('| target |')[1] ?? '').split('\n\n')[0] ?? '';
  const told = [...table.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, target = '']) => target);
  expect(told.sort()).toEqual([...targets].sort());
});

test('pages name files and folders that exist', () => {
  const named = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`((?:src|test|docs|examples|scripts|bench|crds|tools)\/[\w./-]*)`/g)].map(
      ([, path = '']) => ({ page, path }),
    ),
  );
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter(({ path }) => !existsSync(path))).toEqual([]);
});
