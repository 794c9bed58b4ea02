import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { expect, test } from 'vitest';
import * as flinkjob from '../src/index.ts';

/** Every name in the export lists of the package's entry. */
const exported = [...readFileSync('src/index.ts', 'utf8').matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(
  ([, onlyType, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type /, ''),
        onlyType: onlyType !== undefined || name.startsWith('type '),
      })),
);

test('every public name exists at run time, so that stripping types leaves working imports', () => {
  expect(exported.length).toBeGreaterThan(100);
  expect(exported.filter(({ onlyType }) => onlyType)).toEqual([]);
  expect(exported.filter(({ name }) => !(name in flinkjob)).map(({ name }) => name)).toEqual([]);
});

test('Flink’s names of rich functions are the functions of the same names without "Rich"', () => {
  const rich = exported.map(({ name }) => name).filter((name) => /^Rich\w+Function$/.test(name));
  expect(rich).toEqual([
    'RichCoFlatMapFunction',
    'RichCoMapFunction',
    'RichFilterFunction',
    'RichFlatMapFunction',
    'RichMapFunction',
    'RichParallelSourceFunction',
    'RichReduceFunction',
    'RichSinkFunction',
    'RichSourceFunction',
    'RichWindowFunction',
  ]);
  const classes = flinkjob as unknown as Record<string, abstract new () => object>;
  for (const name of rich) {
    expect(classes[name]?.prototype, name).toBeInstanceOf(classes[name.replace('Rich', '')]);
    expect(classes[name]?.prototype, name).toBeInstanceOf(flinkjob.RichFunction);
  }
});

test('the package entry loads nothing of Kubernetes', () => {
  const loaded = new Set<string>();
  const packages = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)(?! type\b)[^;]*? from '([^']+)';/gms);
    for (const [, path = ''] of imports) {
      if (path.startsWith('.')) load(join(dirname(file), path));
      else packages.add(path);
    }
  };
  load('src/index.ts');
  expect([...new Set([...loaded].map((file) => file.split(sep)[1]))].sort()).toEqual([
    'flink',
    'ha',
    'index.ts',
    'lib',
    'restart',
    'storage',
    'stream',
    'type-names.ts',
  ]);
  expect([...packages].filter((name) => !name.startsWith('node:')).sort()).toEqual([
    'csv-parse',
    'hyparquet',
    'hyparquet-compressors',
  ]);
});
