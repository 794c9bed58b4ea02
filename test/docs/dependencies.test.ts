import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

/** Packages with a row under a heading. */
function described(heading: string): string[] {
  const section = readFileSync('docs/dependencies.md', 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name).sort();
}

test('every dependency of the product has its reason in docs/dependencies.md, and no other', () => {
  expect(described('At run time')).toEqual(Object.keys(manifest.dependencies).sort());
});

test('every dependency of its development has its reason in docs/dependencies.md, and no other', () => {
  expect(described('For development')).toEqual(Object.keys(manifest.devDependencies).sort());
});

test('dependencies of the product have exact versions', () => {
  expect(Object.values(manifest.dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
