import { linkSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileSink } from '../../../src/stream/connectors/file-sink.ts';
import { nodeSinkFileSystem, type SinkFileSystem } from '../../../src/stream/connectors/sink-file-system.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { aContext, aSink, hidden, NAME, pending, text, visible } from './file-sinks.ts';

test('records are hidden until the commit, then stand as lines of JSON under a name that says whose they are', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [{ origin: 'SFO', flights: 2 }, 'text', null]);
  expect([visible(directory), hidden(directory)]).toEqual([[], [`.${NAME}.pending`]]);
  await sink.commit(handle);
  expect([visible(directory), hidden(directory)]).toEqual([[NAME], []]);
  expect(text(directory)).toBe('{"origin":"SFO","flights":2}\n"text"\nnull\n');
});

test('a checkpoint without records leaves no file', () => {
  const { directory, sink } = aSink();
  expect(sink.preCommit(sink.beginTransaction(aContext()))).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test('nothing is created before the first record', () => {
  const { directory, sink } = aSink();
  sink.beginTransaction(aContext());
  expect(readdirSync(directory)).toEqual([]);
});

test('many records arrive whole and in order, over many writes', async () => {
  const { directory, sink } = aSink<{ id: number; text: string }>();
  const records = Array.from({ length: 20_000 }, (_, id) => ({ id, text: 'é\u{1f600}x'.repeat(id % 9) }));
  await sink.commit(await pending(sink, records));
  expect(
    text(directory)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(records);
});

test('a transaction that is dropped leaves nothing', async () => {
  const { directory, sink } = aSink({ rollAtBytes: 10 });
  const transaction = sink.beginTransaction(aContext());
  sink.invoke(transaction, new Uint8Array(20));
  sink.invoke(transaction, new Uint8Array(5));
  await sink.abort(transaction);
  expect(readdirSync(directory)).toEqual([]);
});

test('committing again changes nothing, also when it stopped between its two names', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  linkSync(join(directory, `.${NAME}.pending`), join(directory, NAME));
  await sink.commit(handle);
  await sink.commit(handle);
  expect([text(directory), hidden(directory)]).toEqual(['1\n', []]);
});

test('a file system without hard links is served by a rename', async () => {
  const noLinks: SinkFileSystem = {
    ...nodeSinkFileSystem,
    link: () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' })),
  };
  const { directory, sink } = aSink({ fileSystem: noLinks });
  const handle = await pending(sink, [1]);
  await sink.commit(handle);
  await sink.commit(handle);
  expect([text(directory), hidden(directory)]).toEqual(['1\n', []]);
});

test('a foreign file of the final name is never overwritten', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  writeFileSync(join(directory, NAME), '2\n');
  await expect(sink.commit(handle)).rejects.toThrow('another file has its name; it is not overwritten');
  expect([text(directory), hidden(directory).length]).toEqual(['2\n', 1]);
});

test('a copy of the file under the final name counts as committed', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  writeFileSync(join(directory, NAME), '1\n');
  await sink.commit(handle);
  expect([text(directory), hidden(directory)]).toEqual(['1\n', []]);
});

test('a pending file that is gone or was cut is reported, not taken for done', async () => {
  const { directory, sink } = aSink();
  const cut = await pending(sink, ['abc']);
  truncateSync(join(directory, `.${NAME}.pending`), 3);
  await expect(sink.commit(cut)).rejects.toThrow('has 3 bytes instead of 6');
  rmSync(join(directory, `.${NAME}.pending`));
  await expect(sink.commit(cut)).rejects.toThrow('neither the pending nor the final file exists');
});

test('a name that is taken is passed over, never appended to', async () => {
  const { directory, sink } = aSink();
  writeFileSync(join(directory, NAME), 'old\n');
  writeFileSync(join(directory, `.${NAME.replace('.ndjson', '.p1.ndjson')}.pending`), 'older\n');
  await sink.commit(await pending(sink, [1]));
  expect(visible(directory)).toEqual([NAME.replace('.ndjson', '.p2.ndjson'), NAME].toSorted());
  expect(readFileSync(join(directory, NAME), 'utf8')).toBe('old\n');
});

test('files roll within a checkpoint and are committed together', async () => {
  const { directory, sink } = aSink<Uint8Array>({ rollAtBytes: 4, encode: (bytes) => bytes });
  const handle = await pending(
    sink,
    ['ab', 'cd', 'ef'].map((part) => Buffer.from(part)),
  );
  expect(handle.parts.map(({ sizeBytes }) => sizeBytes)).toEqual([4, 2]);
  await sink.commit(handle);
  expect(visible(directory)).toEqual([NAME.replace('.ndjson', '.p1.ndjson'), NAME].toSorted());
});

test.each([
  ['lines of one byte each', (_: number) => 'a', 7, 8],
  ['short lines', (index: number) => `line ${index % 10}`, 100, 105],
  ['text whose characters take three bytes each', (_: number) => '\u20ac\u20ac\u20ac', 45, 50],
  ['text outside the basic plane', (_: number) => '\u{1f600}', 23, 25],
  ['long lines', (_: number) => 'x'.repeat(299_999), 1_000_000, 1_200_000],
])('a file of %s is closed by the first record that reaches its size', async (_what, encode, rollAtBytes, expected) => {
  const { sink } = aSink<number>({ rollAtBytes, encode });
  const { parts } = await pending(
    sink,
    Array.from({ length: 200 }, (_, index) => index),
  );
  expect(parts.length).toBeGreaterThan(2);
  expect(new Set(parts.slice(0, -1).map(({ sizeBytes }) => sizeBytes))).toEqual(new Set([expected]));
});

test('a size that is not reached costs few writes, however large it is', async () => {
  let writes = 0;
  const counting: SinkFileSystem = {
    ...nodeSinkFileSystem,
    write: (file, bytes) => {
      writes++;
      nodeSinkFileSystem.write(file, bytes);
    },
  };
  const { sink } = aSink<string>({ rollAtBytes: 2_000_000, fileSystem: counting });
  const { parts } = await pending(
    sink,
    Array.from({ length: 30_000 }, () => 'x'.repeat(98)),
  );
  expect(parts.map(({ sizeBytes }) => sizeBytes)).toEqual([2_000_002, 1_029_998]);
  expect(writes).toBeLessThan(80);
});

test('prefix, suffix and encoding can be chosen; bytes are written as they are', async () => {
  const { directory, sink } = aSink<number>({
    prefix: 'delays',
    suffix: '.csv',
    encode: (value) => (value % 2 === 0 ? `${value},x` : Buffer.from(`${value};`)),
  });
  await sink.commit(await pending(sink, [2, 3, 4]));
  expect(visible(directory)).toEqual(['delays-9f0c3a5e71b2-out-0-5-812.csv']);
  expect(text(directory)).toBe('2,x\n3;4,x\n');
});

test('a uid with signs of its own makes a name that is one file name', async () => {
  const { directory, sink } = aSink();
  await sink.commit(await pending(sink, [1], aContext({ uid: '../a b/ü*' })));
  expect(visible(directory)).toEqual(['part-9f0c3a5e71b2-..%2Fa%20b%2F%C3%BC%2a-0-5-812.ndjson']);
});

test('a pending file stays where its name is taken by a link that leads nowhere', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  symlinkSync('nowhere', join(directory, NAME));
  await expect(sink.commit(handle)).rejects.toThrow('a file of that name stands there');
  expect(hidden(directory)).toEqual([`.${NAME}.pending`]);
  rmSync(join(directory, NAME));
  await sink.commit(handle);
  expect(text(directory)).toBe('1\n');
});

test('restored transactions are committed where they were written, though the sink writes elsewhere now', async () => {
  const { directory, sink } = aSink();
  const handle = await pending(sink, [1]);
  const moved = new FileSink({ path: join(aTemporaryDirectory(), 'other') });
  await moved.commit(handle);
  expect(text(directory)).toBe('1\n');
});

const failing = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

test('a full disk fails with the directory and what to do, whichever operation meets it', async () => {
  const full = (changes: Partial<SinkFileSystem>) => aSink({ fileSystem: { ...nodeSinkFileSystem, ...changes } });
  const refuse = () => {
    throw failing('ENOSPC');
  };
  const message = (action: string, directory: string) =>
    `cannot ${action} in the output directory ${directory}: no space is left on the device. Free space, then start the job again`;
  for (const changes of [{ write: refuse }, { createExclusive: refuse }]) {
    const { directory, sink } = full(changes);
    await expect(pending(sink, [1])).rejects.toThrow(message('write', directory));
  }
  const syncing = full({ sync: () => Promise.reject(failing('ENOSPC')) });
  await expect(pending(syncing.sink, [1])).rejects.toThrow(message('make files durable', syncing.directory));
  const linking = full({ link: () => Promise.reject(failing('ENOSPC')) });
  const handle = await pending(linking.sink, [1]);
  await expect(linking.sink.commit(handle)).rejects.toThrow(message('commit files', linking.directory));
});

test('a directory that cannot be written or is a file fails when the job starts', () => {
  const file = join(aTemporaryDirectory(), 'file');
  writeFileSync(file, '');
  expect(() => new FileSink({ path: file }).open()).toThrow(
    `output directory ${file}: a file of that name stands there`,
  );
  expect(() => new FileSink({ path: join(file, 'sub') }).open()).toThrow('a part of the path is not a directory');
  const readOnly: SinkFileSystem = {
    ...nodeSinkFileSystem,
    prepareDirectory: () => {
      throw failing('EACCES');
    },
  };
  expect(() => new FileSink({ path: '/locked', fileSystem: readOnly }).open()).toThrow(
    'cannot create files in the output directory /locked: permission denied. Give the account of the job access to it. (EACCES)',
  );
});

test('a record that has no form in JSON is refused with the remedy', () => {
  const { sink } = aSink();
  const transaction = sink.beginTransaction(aContext());
  expect(() => sink.invoke(transaction, { big: 1n })).toThrow('Give the file sink an encode function');
  expect(() => sink.invoke(transaction, undefined)).toThrow('undefined has no form in JSON');
});

test.each([
  ['the number 5', () => 5, 'Return a string: String(value), say'],
  ['undefined', () => undefined, 'Return a string on every path'],
  ['null', () => null, 'Return a string on every path'],
  ['an object of class Object', () => ({ a: 1 }), 'Return a string: JSON.stringify(value), say'],
  ['a Promise', async () => 'late', 'leave out async'],
  ['an object of class Uint16Array', () => new Uint16Array(2), 'new Uint8Array(array.buffer, array.byteOffset'],
  ['an object of class ArrayBuffer', () => new ArrayBuffer(2), 'new Uint8Array(buffer)'],
])('an encode function that returns %s is refused at once, with the remedy', (what, encode, remedy) => {
  const { directory, sink } = aSink({ encode: encode as unknown as (value: unknown) => string });
  const transaction = sink.beginTransaction(aContext());
  const refused = catching(() => sink.invoke(transaction, { a: 1 }));
  expect(refused).toMatchObject({ code: 'SUPPRESS_RESTARTS', cause: { code: 'UNWRITABLE_RECORD' } });
  const { message } = refused.cause as Error;
  expect(message).toContain(`the encode function of the file sink returned ${what}`);
  expect(message).toContain(remedy);
  expect(sink.preCommit(transaction)).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

const catching = (action: () => void): Error => {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};

test('options that make no sense are refused', () => {
  expect(() => new FileSink({ path: '' })).toThrow('FileSink needs the option path');
  for (const prefix of ['', '.hidden', 'a/b'])
    expect(() => new FileSink({ path: 'x', prefix })).toThrow('prefix and suffix');
  expect(() => new FileSink({ path: 'x', suffix: '/x' })).toThrow('prefix and suffix');
  for (const suffix of ['7z', '-1.json'])
    expect(() => new FileSink({ path: 'x', suffix })).toThrow('does not go on with the number before it');
  expect(() => new FileSink({ path: 'x', rollAtBytes: 0 })).toThrow('rollAtBytes is above 0');
});
