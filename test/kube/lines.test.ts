import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../src/kube/lines.ts';

test('lines are the same however the bytes are cut, also within a character', () => {
  const lines = fc.array(
    fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\n\r]/g, '')),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(lines, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (texts, sizes) => {
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
      const splitter = new LineSplitter();
      const found: string[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value ?? 1;
        found.push(...splitter.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(found).toEqual(texts.filter((text) => text.trim() !== ''));
    }),
    { seed: 3 },
  );
});

test('what has no line end yet is kept', () => {
  const splitter = new LineSplitter();
  expect(splitter.push(Buffer.from('{"a":'))).toEqual([]);
  expect(splitter.push(Buffer.from('1}\n{"b"'))).toEqual(['{"a":1}']);
  expect(splitter.push(Buffer.from(':2}\n'))).toEqual(['{"b":2}']);
});
