import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodeSubtaskState } from '../../../src/stream/checkpoint/encode-subtask-state.ts';
import { blockAt, openStateFile, partitionAt, StateFileWriter } from '../../../src/stream/checkpoint/state-file.ts';
import type { OperatorSnapshot } from '../../../src/stream/operators/operator.ts';
import { aKeyedCapture, aList, anOperatorCapture, aState } from './builders.ts';

function encode(snapshots: OperatorSnapshot[], yieldEveryBytes?: number) {
  const encoding = encodeSubtaskState(snapshots, yieldEveryBytes === undefined ? {} : { yieldEveryBytes });
  let yields = 0;
  for (;;) {
    const step = encoding.next();
    if (step.done === true) return { ...step.value, bytes: Buffer.concat(step.value.chunks), yields };
    yields++;
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('every kind of state is found again by its handle', () => {
  const groups = new Map([
    [2, 'two'],
    [5, 'five'],
  ]);
  const keyed = aKeyedCapture([
    { meta: aState('empty'), groups: new Map() },
    { meta: aState('count'), groups },
  ]);
  const { bytes, operators, sizeBytes } = encode([
    anOperatorCapture('source', { operatorState: [aList('offsets', 'SPLIT_DISTRIBUTE', 'a', '', 'ccc')] }),
    anOperatorCapture('counter', {
      keyed,
      rawKeyed: new Map([
        [4, Buffer.from('raw four')],
        [3, Buffer.from('raw three')],
      ]),
      rawOperator: [Buffer.from('one'), Buffer.from('two')],
    }),
  ]);
  const file = openStateFile('f', bytes);

  expect(bytes.length).toBe(sizeBytes);
  const [source, counter] = operators;
  const [list] = source!.operatorState!;
  expect(list).toMatchObject({ name: 'offsets', mode: 'SPLIT_DISTRIBUTE', type: { kind: 'string' } });
  expect(pairs(list!.partitions).map(([offset, length]) => text(partitionAt(file, offset, length)))).toEqual([
    'a',
    '',
    'ccc',
  ]);
  expect(counter!.keyed!.states.map(({ name, blocks }) => [name, blocks.length])).toEqual([
    ['empty', 0],
    ['count', 6],
  ]);
  const [, , , fiveGroup, fiveOffset, fiveLength] = counter!.keyed!.states[1]!.blocks;
  expect(fiveGroup).toBe(5);
  expect(text(blockAt(file, { kind: 'keyed', state: 1, group: 5, offset: fiveOffset!, length: fiveLength! }))).toBe(
    'five',
  );
  const [three, threeAt, threeLength, four] = counter!.rawKeyed!;
  expect([three, four]).toEqual([3, 4]);
  expect(text(blockAt(file, { kind: 'rawKeyed', state: 0, group: 3, offset: threeAt!, length: threeLength! }))).toBe(
    'raw three',
  );
  expect(pairs(counter!.rawOperator!).map(([offset, length]) => text(partitionAt(file, offset, length)))).toEqual([
    'one',
    'two',
  ]);
});

test('nothing stored gives no bytes, and the registered names stay known', () => {
  const { chunks, operators } = encode([
    anOperatorCapture('source', { operatorState: [aList('offsets', 'UNION')] }),
    anOperatorCapture('counter', { keyed: aKeyedCapture([{ meta: aState('count'), groups: new Map() }]) }),
  ]);
  expect(chunks).toEqual([]);
  expect(operators[0]!.operatorState).toEqual([
    { name: 'offsets', mode: 'UNION', type: { kind: 'string' }, partitions: [] },
  ]);
  expect(operators[1]!.keyed!.states[0]).toMatchObject({ name: 'count', blocks: [] });
});

test('an empty partition is a partition', () => {
  const { operators } = encode([
    anOperatorCapture('source', { operatorState: [aList('offsets', 'SPLIT_DISTRIBUTE', '', '')] }),
  ]);
  expect(operators[0]!.operatorState![0]!.partitions.filter((_, at) => at % 2 === 1)).toEqual([0, 0]);
});

test('large state goes into several chunks, and blocks stay whole', () => {
  const writer = new StateFileWriter();
  const index: number[][] = [[]];
  writer.beginOperator(0, index);
  const block = Buffer.alloc(100_000, 7);
  for (let group = 0; group < 128; group++) {
    writer.beginBlock(0, group).writeRaw(block);
    writer.endBlock();
  }
  const chunks = writer.finish();
  expect(chunks.length).toBeGreaterThan(2);
  expect(chunks.length).toBeLessThan(20);
  const file = openStateFile('f', Buffer.concat(chunks));
  expect(file.blocks.size).toBe(128);
  for (let at = 0; at < index[0]!.length; at += 3) {
    const [group, offset, length] = index[0]!.slice(at, at + 3);
    expect(blockAt(file, { kind: 'keyed', state: 0, group: group!, offset: offset!, length: length! }).length).toBe(
      100_000,
    );
  }
});

test('the encoding gives way where the keyed capture does, and within long lists', () => {
  const groups = new Map(Array.from({ length: 10 }, (_, group) => [group, 'x']));
  expect(encode([anOperatorCapture('c', { keyed: aKeyedCapture([{ meta: aState('s'), groups }]) })]).yields).toBe(10);

  const megabyte = 'x'.repeat(1024 * 1024);
  const list = aList('l', 'SPLIT_DISTRIBUTE', megabyte, megabyte, megabyte);
  expect(encode([anOperatorCapture('c', { operatorState: [list] })], 1024).yields).toBe(3);
});

test('key groups out of order are refused while they are written, not when they are needed', () => {
  const groups = new Map([
    [5, 'five'],
    [2, 'two'],
  ]);
  const keyed = aKeyedCapture([{ meta: aState('s'), groups }]);
  expect(() => encode([anOperatorCapture('c', { keyed })])).toThrow('Key group 2 of state 0 was written out of order');
});

test('a reader passes over blocks of a kind it does not know', () => {
  const { bytes, operators } = encode([
    anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'first'), aList('m', 'UNION', 'second')] }),
  ]);
  const later = 99;
  bytes[8] = later;
  const length = bytes.readUInt32LE(8 + 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(32, 32 + length), crc32(bytes.subarray(8, 28))), 28);
  const file = openStateFile('f', bytes);
  expect([...file.blocks.values()].map(({ kindCode }) => kindCode)).toEqual([later, 2]);
  const [offset, size] = operators[0]!.operatorState![1]!.partitions;
  expect(text(partitionAt(file, offset!, size!))).toBe('second');
});

test('every changed bit of a state file is noticed', () => {
  const { bytes } = encode([anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'state')] })]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => openStateFile('f', changed), `bit ${bit}`).toThrow(/state file f/);
  }
});

test('every cut of a state file is noticed unless it falls between blocks', () => {
  const { bytes } = encode([anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'state')] })]);
  for (let length = 0; length < bytes.length; length++) {
    if (length === 8) continue;
    expect(() => openStateFile('f', bytes.subarray(0, length)), `${length} bytes`).toThrow('state file f is damaged');
  }
});

test('a state file of a later version is named as such', () => {
  const { bytes } = encode([anOperatorCapture('a', { operatorState: [aList('l', 'UNION', 'state')] })]);
  bytes.writeUInt32LE(2, 4);
  expect(() => openStateFile('f', bytes)).toThrow('state file f has version 2; this release reads version 1');
});

test('a handle that points at something else is refused', () => {
  const keyed = aKeyedCapture([{ meta: aState('s'), groups: new Map([[3, 'three']]) }]);
  const { bytes, operators } = encode([anOperatorCapture('c', { keyed })]);
  const [group = 0, offset = 0, length = 0] = operators[0]!.keyed!.states[0]!.blocks;
  const file = openStateFile('f', bytes);
  const right = { kind: 'keyed' as const, state: 0, group, offset, length };
  expect(text(blockAt(file, right))).toBe('three');
  for (const wrong of [
    { kind: 'rawKeyed' as const },
    { state: 1 },
    { group: 4 },
    { offset: offset + 1 },
    { length: 4 },
  ]) {
    expect(() => blockAt(file, { ...right, ...wrong })).toThrow('state file f is damaged');
  }
});

function pairs(index: readonly number[]): [number, number][] {
  return Array.from({ length: index.length / 2 }, (_, at) => [index[at * 2]!, index[at * 2 + 1]!]);
}
