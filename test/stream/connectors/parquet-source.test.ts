import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { FileSource } from '../../../src/stream/connectors/file-source.ts';
import { ParquetFormat, type ParquetFormatOptions } from '../../../src/stream/connectors/parquet-format.ts';
import { runWithRestarts, SourceRun } from '../../builders/source-run.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

const parquetFile = (columnData: Columns, options: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {}): string => {
  const path = join(aTemporaryDirectory(), 'in.parquet');
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, ...options })));
  return path;
};
const sourceOf = (path: string, options: ParquetFormatOptions<unknown> = {}) =>
  new FileSource({ path, format: new ParquetFormat<unknown>(options) });
const recordsOf = async (path: string, options?: ParquetFormatOptions<unknown>) =>
  (await SourceRun.start(sourceOf(path, options))).toEnd();

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const sixColumns = (count: number): Columns => [
  { name: 'id', data: upTo(count).map(BigInt), type: 'INT64' },
  { name: 'code', data: upTo(count).map((id) => `c${id % 7}`), type: 'STRING' },
  { name: 'share', data: upTo(count).map((id) => id / 8), type: 'DOUBLE' },
  { name: 'maybe', data: upTo(count).map((id) => (id % 3 === 0 ? null : id)), type: 'INT32' },
  { name: 'at', data: upTo(count).map((id) => new Date(1_600_000_000_000 + id)), type: 'TIMESTAMP' },
  { name: 'late', data: upTo(count).map((id) => id % 2 === 0), type: 'BOOLEAN' },
];

test('rows become plain objects: 64-bit integers and timestamps as numbers, nothing as null', async () => {
  const path = parquetFile(sixColumns(4));
  expect(await recordsOf(path)).toEqual(
    upTo(4).map((id) => ({
      id,
      code: `c${id}`,
      share: id / 8,
      maybe: id % 3 === 0 ? null : id,
      at: 1_600_000_000_000 + id,
      late: id % 2 === 0,
    })),
  );
});

test('only the chosen columns are read, in the order asked for, for any number of them', async () => {
  const path = parquetFile(sixColumns(3));
  const names = ['late', 'at', 'maybe', 'share', 'code', 'id'];
  const whole = (await recordsOf(path)) as Record<string, unknown>[];
  for (let count = 1; count <= names.length; count++) {
    const columns = names.slice(0, count);
    const records = (await recordsOf(path, { columns })) as Record<string, unknown>[];
    expect(records.map((record) => Object.keys(record))).toEqual([columns, columns, columns]);
    expect(records).toEqual(whole.map((record) => Object.fromEntries(columns.map((name) => [name, record[name]]))));
  }
});

test('64-bit integers can be bigints, timestamps dates', async () => {
  const path = parquetFile(sixColumns(2));
  expect(await recordsOf(path, { columns: ['id', 'at'], int64: 'bigint', timestamps: 'date' })).toEqual([
    { id: 0n, at: new Date(1_600_000_000_000) },
    { id: 1n, at: new Date(1_600_000_000_001) },
  ]);
});

test('an integer that a number cannot hold fails with column, row and remedy rather than be rounded', async () => {
  const path = parquetFile([{ name: 'big', data: [1n, 2n ** 53n + 1n], type: 'INT64' }]);
  await expect(recordsOf(path)).rejects.toThrow(
    `${path}, row 1 of row group 0: column "big" holds 9007199254740993, which a number cannot hold exactly. Read the file with int64: 'bigint'.`,
  );
  expect(await recordsOf(path, { int64: 'bigint' })).toEqual([{ big: 1n }, { big: 2n ** 53n + 1n }]);
});

test('nested values stay nested', async () => {
  const path = parquetFile([{ name: 'tags', data: [{ a: [1, 2] }, { a: [] }], type: 'JSON' }]);
  expect(await recordsOf(path)).toEqual([{ tags: { a: [1, 2] } }, { tags: { a: [] } }]);
});

test('the usual compressions are read', async () => {
  const compressors = {
    ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
    GZIP: (bytes: Uint8Array) => gzipSync(bytes),
  };
  for (const codec of ['ZSTD', 'GZIP', 'SNAPPY', 'UNCOMPRESSED'] as const) {
    const path = parquetFile(sixColumns(500), { codec, compressors });
    expect(((await recordsOf(path, { columns: ['id'] })) as { id: number }[]).map(({ id }) => id)).toEqual(upTo(500));
  }
});

test('row groups are shared among subtasks', async () => {
  const path = parquetFile(sixColumns(1000), { rowGroupSize: 100 });
  const run = await SourceRun.start(sourceOf(path), { parallelism: 3 });
  const records = (await run.toEnd()) as { id: number }[];
  expect(records.map(({ id }) => id).toSorted((left, right) => left - right)).toEqual(upTo(1000));
  expect(run.subtasks.map(({ records: own }) => own.length)).toEqual([400, 300, 300]);
});

test('a restore at any row and any parallelism neither repeats nor skips a row', async () => {
  const path = parquetFile(sixColumns(1000), { rowGroupSize: 90 });
  for (const legs of [[1, 2, 3], [4, 1], [2, 2, 2, 2], [3]]) {
    const records = (await runWithRestarts(
      () => sourceOf(path, { columns: ['id', 'code'] }),
      legs.map((parallelism, index) => ({ parallelism, takeEach: 41 + 17 * index })),
    )) as { id: number }[];
    expect(records.map(({ id }) => id).toSorted((left, right) => left - right)).toEqual(upTo(1000));
  }
});

test('a column that is not there is refused with the names of those that are', async () => {
  const path = parquetFile(sixColumns(1));
  await expect(recordsOf(path, { columns: ['id', 'nope'] })).rejects.toThrow(
    `cannot read ${path}: it has no column "nope". Its columns are id, code, share, maybe, at, late.`,
  );
});

test('a file that is no Parquet, is cut off or is damaged gives one clear message', async () => {
  const good = readFileSync(
    parquetFile(sixColumns(1000), { codec: 'GZIP', compressors: { GZIP: (bytes) => gzipSync(bytes) } }),
  );
  const damaged = Buffer.from(good).fill(0x5a, 4, 400);
  const cases: [string, Uint8Array][] = [
    ['its footer', Buffer.from('id,code\n1,x\n')],
    ['its footer', good.subarray(0, good.length / 2)],
    ['its footer', Buffer.alloc(0)],
    ['row group 0', damaged],
  ];
  for (const [part, bytes] of cases) {
    const path = join(aTemporaryDirectory(), 'bad.parquet');
    writeFileSync(path, bytes);
    await expect(recordsOf(path)).rejects.toThrow(`cannot read ${path}: ${part} is not readable as Parquet`);
  }
});

test('a file that changed its size under a position is refused', async () => {
  const path = parquetFile(sixColumns(100));
  const first = await SourceRun.start(sourceOf(path));
  await first.takeEach(10);
  const restoreFrom = await first.capture();
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData: sixColumns(300) })));
  const second = await SourceRun.start(sourceOf(path), { restoreFrom });
  await expect(second.toEnd()).rejects.toThrow('when this job began to read it');
});

test('three million rows of real flights are read', async () => {
  const source = new FileSource<{ origin: string; delay: number }>({
    path: 'node_modules/vega-datasets/data/flights-3m.parquet',
    format: new ParquetFormat({ columns: ['origin', 'delay'] }),
  });
  const run = await SourceRun.start(source, { parallelism: 2 });
  let rows = 0;
  let delay = 0;
  for (const subtask of run.subtasks) {
    subtask.collect = (flight) => {
      rows++;
      delay += flight.delay;
    };
    await subtask.take(Number.POSITIVE_INFINITY, 4096);
  }
  expect(rows).toBe(3_000_000);
  expect(Number.isSafeInteger(delay)).toBe(true);
});
