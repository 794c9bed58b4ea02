import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FileFormat } from '../../../src/stream/connectors/file-format.ts';
import { FileSource } from '../../../src/stream/connectors/file-source.ts';
import { NdjsonFormat, type NdjsonFormatOptions } from '../../../src/stream/connectors/ndjson-format.ts';
import { runWithRestarts, SourceRun } from '../../builders/source-run.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const fileOf = (content: string | Uint8Array, name = 'in.ndjson'): string => {
  const path = join(aTemporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
};
const numbered = (count: number) => Array.from({ length: count }, (_, id) => ({ id, text: `é${'x'.repeat(id % 90)}` }));
const lines = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const ids = (records: readonly unknown[]) =>
  (records as { id: number }[]).map(({ id }) => id).toSorted((left, right) => left - right);
const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);

const sourceOf = <T = unknown>(path: string | string[], options: NdjsonFormatOptions<T> = {}) =>
  new FileSource<T>({ path, format: new NdjsonFormat<T>(options) as FileFormat<T> });

test('one file is read by all subtasks, each record once', async () => {
  const path = fileOf(lines(numbered(8000)));
  for (const parallelism of [1, 2, 3]) {
    const run = await SourceRun.start(sourceOf(path), { parallelism });
    expect(ids(await run.toEnd())).toEqual(upTo(8000));
    for (const { records } of run.subtasks) expect(records.length).toBeGreaterThan(8000 / parallelism / 2);
    await run.close();
  }
});

test('records keep their order in a file at parallelism 1', async () => {
  const path = fileOf(lines(numbered(3000)));
  const run = await SourceRun.start(sourceOf(path, { splitBytes: 5000, readBytes: 700 }));
  expect(await run.toEnd()).toEqual(numbered(3000));
});

test('a record belongs to the split in which it starts, wherever the bounds fall', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.constant('\u{1f600}')), { maxLength: 40 }),
      fc.record({ splitBytes: fc.integer({ min: 1, max: 60 }), readBytes: fc.integer({ min: 1, max: 60 }) }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (values, sizes, lineEnd, endsWithLineEnd) => {
        const content = values.map((value) => JSON.stringify(value)).join(lineEnd) + (endsWithLineEnd ? lineEnd : '');
        const run = await SourceRun.start(sourceOf(fileOf(content), sizes), { parallelism: 1 });
        expect(await run.toEnd()).toEqual(values);
        await run.close();
      },
    ),
    { numRuns: 300, seed: 11 },
  );
});

test('a restore at any point and any parallelism neither repeats nor skips a record', async () => {
  const path = fileOf(lines(numbered(900)));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ parallelism: fc.integer({ min: 1, max: 4 }), takeEach: fc.nat(120) }), { maxLength: 4 }),
      fc.record({ splitBytes: fc.integer({ min: 500, max: 20_000 }), readBytes: fc.integer({ min: 50, max: 9000 }) }),
      async (legs, sizes) => {
        expect(ids(await runWithRestarts(() => sourceOf(path, sizes), legs))).toEqual(upTo(900));
      },
    ),
    { numRuns: 60, seed: 12 },
  );
});

test('blank lines, carriage returns, a byte order mark and a missing last line end are no records', async () => {
  const path = fileOf('\uFEFF{"id":0}\r\n\r\n   \n{"id":1}\n\n{"id":2}');
  const run = await SourceRun.start(sourceOf(path));
  expect(ids(await run.toEnd())).toEqual([0, 1, 2]);
});

test('an empty file and an empty directory have no records', async () => {
  const directory = aTemporaryDirectory();
  mkdirSync(join(directory, 'empty'));
  const run = await SourceRun.start(sourceOf([fileOf(''), join(directory, 'empty')]), { parallelism: 2 });
  expect(await run.toEnd()).toEqual([]);
});

test('a directory is its visible files in order of their names', async () => {
  const directory = aTemporaryDirectory();
  mkdirSync(join(directory, 'inner'));
  for (const [name, id] of [
    ['b', 2],
    ['a', 1],
    ['.hidden', 8],
    ['late.tmp', 9],
    ['inner/c', 10],
  ] as const)
    writeFileSync(join(directory, name), lines([{ id }]));
  const run = await SourceRun.start(sourceOf<{ id: number }>(directory));
  expect((await run.toEnd()).map(({ id }) => id)).toEqual([1, 2]);
});

test('a relative path is found from the working directory, also after a restore elsewhere', async () => {
  const [here, there] = [aTemporaryDirectory(), aTemporaryDirectory()];
  for (const directory of [here, there]) writeFileSync(join(directory, 'in.ndjson'), lines(numbered(10)));
  const first = await SourceRun.start(sourceOf('in.ndjson'), { workingDirectory: here });
  await first.takeEach(4);
  const restoreFrom = await first.capture();
  const second = await SourceRun.start(sourceOf('in.ndjson'), { workingDirectory: there, restoreFrom });
  expect(ids(await second.toEnd())).toEqual([4, 5, 6, 7, 8, 9]);
});

const broken = `${lines(numbered(300))}not json\n${lines(numbered(2))}`;

test('a line that is not JSON fails the job with file and line, whatever split it lies in', async () => {
  const path = fileOf(broken);
  for (const splitBytes of [512, 100_000]) {
    const run = await SourceRun.start(sourceOf(path, { splitBytes, readBytes: 333 }));
    await expect(run.toEnd()).rejects.toThrow(
      `${path}, line 301 (byte ${Buffer.byteLength(lines(numbered(300)))}): it is not JSON`,
    );
    await run.close();
  }
});

test('a line that is not JSON can be skipped and is counted', async () => {
  const run = await SourceRun.start(sourceOf(fileOf(broken), { onInvalid: 'skip' }));
  expect((await run.toEnd()).length).toBe(302);
  expect(run.subtasks[0]!.counters.get('invalidRecords')).toBe(1);
});

test('a line that is not JSON can go to a side output, with its number in any split', async () => {
  const path = fileOf(`${broken}{"half":\r\n`);
  const run = await SourceRun.start(sourceOf(path, { onInvalid: 'side-output', splitBytes: 512, readBytes: 100 }));
  await run.toEnd();
  expect(run.subtasks[0]!.side).toEqual([
    { tag: 'invalid-records', value: { file: path, line: 301, text: 'not json' } },
    { tag: 'invalid-records', value: { file: path, line: 304, text: '{"half":' } },
  ]);
  expect(run.subtasks[0]!.counters.get('invalidRecords')).toBe(2);
});

test('the number of a bad line is right after a restore in the middle of a split', async () => {
  const path = fileOf(broken);
  const source = () => sourceOf(path, { splitBytes: 6000 });
  const first = await SourceRun.start(source(), { parallelism: 2 });
  await first.takeEach(30);
  const second = await SourceRun.start(source(), { restoreFrom: await first.capture() });
  await expect(second.toEnd()).rejects.toThrow(`${path}, line 301 (byte`);
});

test('a line that is not UTF-8 is invalid, its neighbours are not', async () => {
  const bad = Buffer.concat([
    Buffer.from('{"id":0,"t":"é"}\n"'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"\n{"id":1,"t":"é"}\n'),
  ]);
  const path = fileOf(bad);
  const run = await SourceRun.start(sourceOf(path, { onInvalid: 'skip' }));
  expect(await run.toEnd()).toEqual([
    { id: 0, t: 'é' },
    { id: 1, t: 'é' },
  ]);
  await expect((await SourceRun.start(sourceOf(path))).toEnd()).rejects.toThrow(
    `${path}, line 2 (byte 18): it is not UTF-8`,
  );
});

test('positions behind damaged and two-byte characters are exact', async () => {
  const bad = Buffer.concat([
    Buffer.from('{"id":0,"t":"éé"}\n'),
    Buffer.from([0xff, 10]),
    Buffer.from(lines([{ id: 1 }, { id: 2 }])),
  ]);
  const source = () => sourceOf(fileOf(bad), { onInvalid: 'skip' });
  const path = source();
  const first = await SourceRun.start(path);
  await first.takeEach(2);
  const second = await SourceRun.start(path, { restoreFrom: await first.capture() });
  expect(ids(await second.toEnd())).toEqual([2]);
});

test('a file that has another size than the stored position knows is refused', async () => {
  const path = fileOf(lines(numbered(100)));
  const first = await SourceRun.start(sourceOf(path));
  await first.takeEach(10);
  const restoreFrom = await first.capture();
  appendFileSync(path, '{"id":100}\n');
  const second = await SourceRun.start(sourceOf(path), { restoreFrom });
  await expect(second.toEnd()).rejects.toThrow(/in\.ndjson has \d+ bytes; it had \d+ when this job began to read it/);
  expect(second.records).toEqual([]);
});

test('a file that grows while it is read is refused at its end', async () => {
  const path = fileOf(lines(numbered(100)));
  const run = await SourceRun.start(sourceOf(path, { readBytes: 200 }));
  await run.takeEach(10);
  appendFileSync(path, '{"id":100}\n');
  await expect(run.toEnd()).rejects.toThrow('when this job began to read it');
});

test('a missing file is named, at the start and after a restore', async () => {
  await expect(SourceRun.start(sourceOf('no/such/file'))).rejects.toThrow(
    'cannot read no/such/file: it does not exist',
  );
  const here = aTemporaryDirectory();
  writeFileSync(join(here, 'in'), lines(numbered(3)));
  const first = await SourceRun.start(sourceOf('in'), { workingDirectory: here });
  const restoreFrom = await first.capture();
  const second = await SourceRun.start(sourceOf('in'), { workingDirectory: aTemporaryDirectory(), restoreFrom });
  await expect(second.toEnd()).rejects.toThrow('cannot read in: it does not exist');
});

test('a line without end is refused before it takes all memory', async () => {
  const run = await SourceRun.start(sourceOf(fileOf('x'.repeat(5000)), { maxLineBytes: 1000, readBytes: 100 }));
  await expect(run.toEnd()).rejects.toThrow('byte 0: the line that begins here has more than 1000 bytes');
});

test('sizes and paths that make no sense are refused', () => {
  expect(() => new NdjsonFormat({ splitBytes: 0 })).toThrow('splitBytes of the NDJSON format');
  expect(() => sourceOf([])).toThrow('FileSource needs the option path');
});
