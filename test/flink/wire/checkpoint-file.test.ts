import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isJavaObjectStream, metadataUriIn } from '../../../src/flink/wire/checkpoint-file.ts';

const bytes = readFileSync('test/fixtures/flink/checkpoint-file/completed-checkpoint');

test('the file behind a pointer of real Flink names its `_metadata`', () => {
  expect(isJavaObjectStream(bytes)).toBe(true);
  expect(metadataUriIn(bytes)).toBe('file:/flink/run/checkpoints/6d48e89083d7f192143c2377f212712b/chk-39/_metadata');
});

test('a file that is cut off anywhere gives the same URI, or none', () => {
  const uri = metadataUriIn(bytes);
  const seen = new Set(Array.from({ length: bytes.length }, (_, end) => metadataUriIn(bytes.subarray(0, end))));
  expect(seen).toEqual(new Set([undefined, uri]));
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a text that ends otherwise', text('file:/a/metadata')],
  ['a relative path', text('chk-1/_metadata')],
  ['a text with control characters', text('/a\u0000/_metadata')],
  ['a tag at the very end', Buffer.from('t')],
])('%s names no `_metadata`', (_, given) => {
  expect(metadataUriIn(given)).toBeUndefined();
});

test('bytes that look like a text at every turn are given up', () => {
  const end = Buffer.from('/_metadata');
  const hostile = Buffer.alloc(60_000, 't');
  end.copy(hostile, hostile.length - end.length);
  for (let at = 0; at < hostile.length - end.length - 3; at += 3) {
    hostile.writeUInt16BE(hostile.length - at - 3, at + 1);
  }
  const started = performance.now();
  expect(metadataUriIn(Buffer.concat(Array.from({ length: 20 }, () => hostile)))).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(2_000);
});

function text(value: string): Buffer {
  const body = Buffer.from(value);
  const head = Buffer.from([0x74, 0, 0]);
  head.writeUInt16BE(body.length, 1);
  return Buffer.concat([Buffer.from('aced0005', 'hex'), head, body]);
}
