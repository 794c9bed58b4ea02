import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';

/** Each folder of src and the folders it may import from. Rows are ordered: only rows above may be named. */
const mayImport: Record<string, string[]> = {
  lib: [],
  api: ['lib'],
  resources: ['lib', 'api'],
  restart: ['lib'],
  storage: ['lib'],
  flink: ['lib'],
  observability: ['lib'],
  kube: ['lib', 'api'],
  zookeeper: ['lib'],
  election: ['lib', 'api', 'kube'],
  controller: ['lib', 'api', 'kube', 'election'],
  ha: ['lib', 'api', 'kube', 'zookeeper', 'storage', 'flink', 'election'],
  stream: ['lib', 'storage', 'restart', 'flink', 'ha'],
  reconcilers: ['lib', 'api', 'kube', 'controller', 'resources', 'restart', 'flink', 'ha'],
  config: ['lib', 'api'],
};
const entryPoints = ['cli', 'launcher.ts', 'main.ts', 'index.ts', 'testing.ts', 'type-names.ts'];

/** What is loaded without the rest of its folder. */
const doorsOfTheirOwn = [
  join('stream', 'testing', 'index.ts'),
  join('cli', 'run-job', 'entry.ts'),
  join('ha', 'kubernetes', 'index.ts'),
  join('reconcilers', 'flinkjob', 'controller.ts'),
];

/** Covers import, import type, export ... from and dynamic import() of relative paths. */
const IMPORT = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g;

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

const importsOf = (file: string) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(IMPORT)].map(([, path = '']) => ({
    path,
    target: relative('src', join('src', dirname(file), path)),
  }));

test('each row imports only from rows above it', () => {
  const rows = Object.keys(mayImport);
  const upward = Object.entries(mayImport).flatMap(([row, targets]) =>
    targets.filter((target) => rows.indexOf(target) >= rows.indexOf(row)).map((target) => `${row} -> ${target}`),
  );
  expect(upward).toEqual([]);
});

test('folders of src import only what the table allows', () => {
  const strays = files.flatMap((file) => {
    const [from = ''] = file.split(sep);
    if (entryPoints.includes(from)) return [];
    return importsOf(file)
      .filter(({ target }) => target.split(sep)[0] !== from && !mayImport[from]?.includes(target.split(sep)[0] ?? ''))
      .map(({ path }) => `${file} imports ${path}`);
  });
  expect(strays).toEqual([]);
});

test('across folders one imports the front door, lib by file', () => {
  const deep = files.flatMap((file) => {
    const [from = ''] = file.split(sep);
    return importsOf(file)
      .filter(({ target }) => {
        const [to = '', ...rest] = target.split(sep);
        return (
          to !== from &&
          to !== 'lib' &&
          rest.length > 0 &&
          rest.join('/') !== 'index.ts' &&
          !doorsOfTheirOwn.includes(target)
        );
      })
      .map(({ path }) => `${file} imports ${path}`);
  });
  expect(deep).toEqual([]);
});

test('no folder has a name that says nothing', () => {
  const vague = files.filter((file) => /(^|\/)(utils?|common|helpers?|runtime|misc)(\/|\.ts$)/.test(file));
  expect(vague).toEqual([]);
});
