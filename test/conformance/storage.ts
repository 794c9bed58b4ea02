import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../src/storage/index.ts';

/** A storage to test, empty at first, and how to throw it away. */
export interface StorageFixture {
  readonly storage: Storage;
  dispose?(): Promise<void> | void;
}

/** What every storage driver owes. A driver passes by calling this from a test file. */
export function storageConformance(name: string, makeStorage: () => Promise<StorageFixture> | StorageFixture): void {
  describe(`storage: ${name}`, () => {
    const fixtures: StorageFixture[] = [];
    const fresh = async (): Promise<Storage> => {
      const fixture = await makeStorage();
      fixtures.push(fixture);
      return fixture.storage;
    };
    afterEach(async () => {
      for (const fixture of fixtures.splice(0)) await fixture.dispose?.();
    });

    test('what was written is read back, with its size and SHA-256', async () => {
      const storage = await fresh();
      const written = await storage.write('job/chk-1/state', bytes('hello'), exclusive);
      expect(written).toEqual({ sizeBytes: 5, sha256: sha256('hello') });
      expect(text(await storage.read('job/chk-1/state'))).toBe('hello');
    });

    test('an empty file is a file', async () => {
      const storage = await fresh();
      expect(await storage.write('empty', new Uint8Array(0), exclusive)).toEqual({ sizeBytes: 0, sha256: sha256('') });
      expect(await storage.read('empty')).toEqual(new Uint8Array(0));
      expect(await storage.exists('empty')).toBe(true);
    });

    test('pieces and streams are written in their order', async () => {
      const storage = await fresh();
      const joined = { sizeBytes: 6, sha256: sha256('abcdef') };
      expect(await storage.write('pieces', [bytes('ab'), bytes(''), bytes('cdef')], exclusive)).toEqual(joined);
      expect(await storage.write('stream', streamOf('a', 'bcd', 'ef'), exclusive)).toEqual(joined);
      expect(text(await storage.read('pieces'))).toBe('abcdef');
      expect(text(await storage.read('stream'))).toBe('abcdef');
    });

    test('memory shared between threads and parts of larger buffers are written as they are', async () => {
      const storage = await fresh();
      const shared = new Uint8Array(new SharedArrayBuffer(4));
      shared.set(bytes('abcd'));
      const part = bytes('xxabcdxx').subarray(2, 6);
      const expected = { sizeBytes: 4, sha256: sha256('abcd') };
      expect(await storage.write('shared', shared, exclusive)).toEqual(expected);
      expect(await storage.write('shared-pieces', [shared.subarray(0, 2), shared.subarray(2)], exclusive)).toEqual(
        expected,
      );
      expect(await storage.write('part', part, exclusive)).toEqual(expected);
      expect(text(await storage.read('part'))).toBe('abcd');
    });

    test('16 MB come back bit for bit', async () => {
      const storage = await fresh();
      const content = pseudoRandom(16 * 1024 * 1024);
      const written = await storage.write('large', content, exclusive);
      expect(written.sha256).toBe(createHash('sha256').update(content).digest('hex'));
      expect(Buffer.compare((await storage.read('large')) ?? bytes(''), content)).toBe(0);
    });

    test('a part of a file is read by offset and length, and cut at its end', async () => {
      const storage = await fresh();
      await storage.write('digits', bytes('0123456789'), exclusive);
      expect(text(await storage.read('digits', { offset: 2, length: 3 }))).toBe('234');
      expect(text(await storage.read('digits', { offset: 7 }))).toBe('789');
      expect(text(await storage.read('digits', { length: 2 }))).toBe('01');
      expect(text(await storage.read('digits', { offset: 8, length: 10 }))).toBe('89');
      expect(text(await storage.read('digits', { offset: 20, length: 1 }))).toBe('');
    });

    test('what does not exist is an answer: no bytes, no status, nothing listed, nothing to delete', async () => {
      const storage = await fresh();
      expect(await storage.read('a/b')).toBeUndefined();
      expect(await storage.stat('a/b')).toBeUndefined();
      expect(await storage.exists('a/b')).toBe(false);
      expect(await storage.list('a')).toEqual([]);
      expect(await storage.list('')).toEqual([]);
      await storage.delete('a/b');
      await storage.deleteTree('a');
    });

    test('a directory is not a file', async () => {
      const storage = await fresh();
      await storage.write('dir/file', bytes('1'), exclusive);
      expect(await storage.read('dir')).toBeUndefined();
      expect(await storage.exists('dir')).toBe(false);
      expect(await storage.list('dir/file')).toEqual([]);
    });

    test('nothing is ever overwritten', async () => {
      const storage = await fresh();
      await storage.write('once', bytes('first'), exclusive);
      await expect(storage.write('once', bytes('second'), exclusive)).rejects.toMatchObject({
        code: 'STORAGE_FILE_EXISTS',
        message: expect.stringContaining('once'),
      });
      expect(text(await storage.read('once'))).toBe('first');
      expect(await storage.list('')).toEqual(['once']);
    });

    test('of ten writers of one name exactly one wins, and its bytes are the ones that stay', async () => {
      const storage = await fresh();
      const writers = Array.from({ length: 10 }, (_, i) => storage.write('race', bytes(`writer ${i}`), exclusive));
      const outcomes = await Promise.allSettled(writers);
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(text(await storage.read('race'))).toBe(`writer ${winner}`);
    });

    test('a name that was deleted can be written again', async () => {
      const storage = await fresh();
      await storage.write('again', bytes('1'), exclusive);
      await storage.delete('again');
      await storage.write('again', bytes('2'), exclusive);
      expect(text(await storage.read('again'))).toBe('2');
    });

    test('listing is by directory, at any depth, sorted', async () => {
      const storage = await fresh();
      for (const path of ['b/2', 'a/y/1', 'a/x', 'ab/1', 'top']) await storage.write(path, bytes(path), exclusive);
      expect(await storage.list('')).toEqual(['a/x', 'a/y/1', 'ab/1', 'b/2', 'top']);
      expect(await storage.list('a')).toEqual(['a/x', 'a/y/1']);
      expect(await storage.list('a/')).toEqual(['a/x', 'a/y/1']);
      expect(await storage.list('a/y')).toEqual(['a/y/1']);
    });

    test('listing is by the beginning of a name, of directories and files, in the root and deeper', async () => {
      const storage = await fresh();
      for (const path of ['s-1/x/y', 's-1/z', 's-2', 't/s-3', 't/s-4/z', 't/u', 's']) {
        await storage.write(path, bytes(path), exclusive);
      }
      expect(await storage.listBeginning('s-')).toEqual(['s-1/x/y', 's-1/z', 's-2']);
      expect(await storage.listBeginning('s-1/')).toEqual(['s-1/x/y', 's-1/z']);
      expect(await storage.listBeginning('t/s-')).toEqual(['t/s-3', 't/s-4/z']);
      expect(await storage.listBeginning('t/s-4/z/')).toEqual([]);
      expect(await storage.listBeginning('v/w')).toEqual([]);
      expect(await storage.listBeginning('')).toEqual(await storage.list(''));
      await expect(storage.listBeginning('../s')).rejects.toMatchObject({ code: 'STORAGE_PATH_INVALID' });
    });

    test('deleting a file or a directory leaves its neighbours', async () => {
      const storage = await fresh();
      for (const path of ['a/1', 'a/2', 'a/b/3', 'ab/4']) await storage.write(path, bytes(path), exclusive);
      await storage.delete('a/1');
      expect(await storage.list('')).toEqual(['a/2', 'a/b/3', 'ab/4']);
      await storage.deleteTree('a/b');
      expect(await storage.list('')).toEqual(['a/2', 'ab/4']);
      await storage.deleteTree('a');
      expect(await storage.list('')).toEqual(['ab/4']);
    });

    test('writing and deleting in one directory at the same time loses nothing', async () => {
      const storage = await fresh();
      for (let round = 0; round < 20; round += 1) {
        await storage.write(`d/${round}-old`, bytes('x'), exclusive);
        await Promise.all([storage.delete(`d/${round}-old`), storage.write(`d/${round}`, bytes('y'), exclusive)]);
        await storage.delete(`d/${round}`);
        expect(await storage.list('')).toEqual([]);
      }
    });

    test('the status tells size and time', async () => {
      const storage = await fresh();
      const before = Date.now();
      await storage.write('timed', bytes('12345'), exclusive);
      const status = await storage.stat('timed');
      expect(status?.sizeBytes).toBe(5);
      expect(Math.abs((status?.modifiedAt ?? 0) - before)).toBeLessThan(60_000);
    });

    test('a stream that fails leaves no file', async () => {
      const storage = await fresh();
      const failing = async function* () {
        yield bytes('half');
        throw new Error('source is gone');
      };
      await expect(storage.write('dir/half', failing(), exclusive)).rejects.toThrow('source is gone');
      expect(await storage.exists('dir/half')).toBe(false);
      expect(await storage.list('')).toEqual([]);
    });

    test('the caller may reuse its buffer after the write, and what was read is its own', async () => {
      const storage = await fresh();
      const buffer = bytes('kept');
      await storage.write('kept', buffer, exclusive);
      buffer.fill(0);
      const read = await storage.read('kept');
      read?.fill(1);
      expect(text(await storage.read('kept'))).toBe('kept');
    });

    test.each([
      '',
      '/etc/passwd',
      '../up',
      'a/../../up',
      'a//b',
      'a/',
      './a',
      'a/.',
      'a\0b',
      'a\\b',
      '.tmp-1',
      'a/.tmp-x',
    ])('the path %j is refused', async (path) => {
      const storage = await fresh();
      const refused = { code: 'STORAGE_PATH_INVALID' };
      await expect(async () => storage.write(path, bytes('x'), exclusive)).rejects.toMatchObject(refused);
      await expect(async () => storage.read(path)).rejects.toMatchObject(refused);
      await expect(async () => storage.stat(path)).rejects.toMatchObject(refused);
      await expect(async () => storage.delete(path)).rejects.toMatchObject(refused);
    });

    test.each(['', '..', 'a/..', '/'])('removing the directory %j is refused', async (prefix) => {
      const storage = await fresh();
      await storage.write('kept', bytes('x'), exclusive);
      await expect(async () => storage.deleteTree(prefix)).rejects.toMatchObject({ code: 'STORAGE_PATH_INVALID' });
      expect(await storage.list('')).toEqual(['kept']);
    });
  });
}

const exclusive = { exclusive: true } as const;
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const sha256 = (value: string): string => createHash('sha256').update(value).digest('hex');

async function* streamOf(...pieces: string[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield bytes(piece);
}

function pseudoRandom(size: number): Uint8Array {
  const words = new Uint32Array(size / 4);
  let state = 88675123;
  for (let i = 0; i < words.length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}
