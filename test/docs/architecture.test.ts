import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const page = readFileSync('docs/architecture.md', 'utf8');
const rows = (page.split('## Concept, types, logic')[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| concept'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

const declared = new Set(
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [
      ...readFileSync(join('src', file), 'utf8').matchAll(/^export (?:abstract )?(?:class|interface|type) (\w+)/gm),
    ])
    .map(([, name = '']) => name),
);

test('the table of concepts names files that exist', () => {
  const files = rows.flatMap(([, , , logic]) => quoted(logic));
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test('the table of concepts names types that exist', () => {
  const types = rows.flatMap(([, , names]) => quoted(names));
  expect(types.length).toBeGreaterThan(30);
  expect(types.filter((name) => !declared.has(name))).toEqual([]);
});

test('the page stays short enough to be read', () => {
  expect(page.split('\n').length).toBeLessThanOrEqual(241);
});
