import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CsvFormat, type CsvFormatOptions } from '../../../src/stream/connectors/csv-format.ts';
import { FileSource } from '../../../src/stream/connectors/file-source.ts';
import { runWithRestarts, SourceRun } from '../../builders/source-run.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const fileOf = (content: string): string => {
  const path = join(aTemporaryDirectory(), 'in.csv');
  writeFileSync(path, content);
  return path;
};
const sourceOf = (path: string, options: CsvFormatOptions<unknown> = {}) =>
  new FileSource({ path, format: new CsvFormat<unknown>(options) });
const recordsOf = async (content: string, options?: CsvFormatOptions<unknown>) =>
  (await SourceRun.start(sourceOf(fileOf(content), options))).toEnd();

test('the header names the fields of the records', async () => {
  expect(await recordsOf('a,b\n1,x\n2,y\n')).toEqual([
    { a: '1', b: 'x' },
    { a: '2', b: 'y' },
  ]);
});

test('a file without a header takes its names from the format', async () => {
  expect(await recordsOf('1;x\r\n2;y', { header: ['a', 'b'], delimiter: ';' })).toEqual([
    { a: '1', b: 'x' },
    { a: '2', b: 'y' },
  ]);
});

test('quoted fields hold delimiters, quotes and line ends', async () => {
  expect(await recordsOf('\uFEFFa,b\n"x,""y""\nz",2\n')).toEqual([{ a: 'x,"y"\nz', b: '2' }]);
});

test('quotes are followed over the bounds of what is read at once', async () => {
  const long = `${'x'.repeat(400_000)}\n"",${'y'.repeat(400_000)}`;
  const records = (await recordsOf(`a,b\n1,"${long}"\n2,short\n`)) as { b: string }[];
  expect(records.map(({ b }) => b.length)).toEqual([long.length - 1, 5]);
});

test('fields become what the types of their columns say; an empty one becomes null', async () => {
  const types = { n: 'number', i: 'integer', b: 'boolean' } as const;
  expect(await recordsOf('n,i,b,s\n1.5,-7,TRUE,\n, ,0,x\n', { types })).toEqual([
    { n: 1.5, i: -7, b: true, s: '' },
    { n: null, i: null, b: false, s: 'x' },
  ]);
});

test('an empty file and one with a header only have no records', async () => {
  expect(await recordsOf('')).toEqual([]);
  expect(await recordsOf('a,b\n')).toEqual([]);
});

const many = `id,text\n${Array.from({ length: 5000 }, (_, id) => `${id},"line\n${id}"`).join('\n')}\n`;

test('a restore goes on behind the last record captured, at any parallelism', async () => {
  const path = fileOf(many);
  const legs = [
    { parallelism: 1, takeEach: 1234 },
    { parallelism: 3, takeEach: 700 },
    { parallelism: 2, takeEach: 0 },
  ];
  const records = (await runWithRestarts(() => sourceOf(path), legs)) as { id: string }[];
  expect(records.map(({ id }) => Number(id))).toEqual(Array.from({ length: 5000 }, (_, id) => id));
});

test('a capture that comes before a restored position was reached again keeps the position', async () => {
  const path = fileOf(many);
  const first = await SourceRun.start(sourceOf(path));
  await first.takeEach(4990);
  const second = await SourceRun.start(sourceOf(path), { restoreFrom: await first.capture() });
  second.subtasks[0]!.poll(10);
  const third = await SourceRun.start(sourceOf(path), { restoreFrom: await second.capture() });
  expect((await third.toEnd()).length).toBe(10);
});

test('a record with too few, too many or wrong fields fails the job with file and record', async () => {
  await expect(recordsOf('a,b\n1,2\n3\n')).rejects.toThrow(/in\.csv, record 2: it has 1 fields instead of 2/);
  await expect(recordsOf('a,b\n1,2,3\n')).rejects.toThrow('record 1: it has 3 fields instead of 2');
  await expect(recordsOf('a\n1\nx\n', { types: { a: 'number' } })).rejects.toThrow(
    'record 2: column "a" holds "x", which is no number',
  );
});

test('invalid records can be skipped and counted, or sent to a side output', async () => {
  const content = 'a,b\n1,2\n3\nx,4\n5,6\n';
  const types = { a: 'integer' } as const;
  const skipping = await SourceRun.start(sourceOf(fileOf(content), { types, onInvalid: 'skip' }));
  expect(await skipping.toEnd()).toEqual([
    { a: 1, b: '2' },
    { a: 5, b: '6' },
  ]);
  expect(skipping.subtasks[0]!.counters.get('invalidRecords')).toBe(2);
  const path = fileOf(content);
  const siding = await SourceRun.start(sourceOf(path, { types, onInvalid: 'side-output' }));
  await siding.toEnd();
  expect(siding.subtasks[0]!.side.map(({ value }) => value)).toEqual([
    { file: path, line: 2, text: '3' },
    { file: path, line: 3, text: 'x,4' },
  ]);
});

test('quotes that do not match fail the job, whatever is done with invalid records', async () => {
  await expect(recordsOf('a,b\n1,2\n3,"open\n', { onInvalid: 'skip' })).rejects.toThrow(
    /in\.csv, line \d+ .*it is not CSV/,
  );
});

test('headers that make no records are refused', async () => {
  await expect(recordsOf('a,a\n1,2\n')).rejects.toThrow('header: two columns have the name "a"');
  await expect(recordsOf('a,b\n1,2\n', { types: { c: 'number' } })).rejects.toThrow('there is no column "c"');
  await expect(recordsOf('__proto__\n1\n')).rejects.toThrow('"__proto__"');
});

test('a format with an impossible delimiter is refused', () => {
  expect(() => new CsvFormat({ delimiter: ';;' })).toThrow('delimiter and quote of the CSV format');
  expect(() => new CsvFormat({ delimiter: '"' })).toThrow('delimiter and quote of the CSV format');
});

test('a reader that is closed in the middle leaves nothing behind', async () => {
  const run = await SourceRun.start(sourceOf(fileOf(many)));
  await run.takeEach(3);
  await run.close();
});
