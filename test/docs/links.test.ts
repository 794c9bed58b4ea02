import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, linksOf, pages } from './markdown.ts';

function isDead(page: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
}

test('every link between pages leads somewhere', () => {
  const dead = pages.flatMap((page) =>
    linksOf(page)
      .filter((target) => isDead(page, target))
      .map((target) => `${page} -> ${target}`),
  );
  expect(dead).toEqual([]);
});
