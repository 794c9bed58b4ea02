import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createPartitioner, LocalChannel, NO_TIMESTAMP } from '../../../src/stream/exchange/index.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { aBarrier, aRecord, type Event, Recorder } from './recorder.ts';

function channels(count: number): LocalChannel[] {
  return Array.from({ length: count }, () => new LocalChannel(16));
}

function received(of: readonly LocalChannel[]): Event[][] {
  return of.map((channel) => {
    const recorder = new Recorder();
    while (channel.poll(recorder, 100) > 0);
    return recorder.events;
  });
}

function byKey(type: TypeInformation<never>, select: (value: unknown) => unknown = (value) => value) {
  return { how: 'hash', key: { select, type: type as unknown as TypeInformation<unknown> } } as const;
}

test('forward keeps to its one channel', () => {
  const to = channels(1);
  const partitioner = createPartitioner({ how: 'forward' }, to, 128, 3);
  partitioner.emit('a', 5);
  partitioner.emit('b', NO_TIMESTAMP);
  expect(received(to)).toEqual([[aRecord('a', 5), aRecord('b')]]);
  expect(() => createPartitioner({ how: 'forward' }, channels(2), 128, 0)).toThrow('one channel per subtask, not 2');
});

test('rebalance takes turns and begins where the subtask says', () => {
  const to = channels(3);
  const partitioner = createPartitioner({ how: 'rebalance' }, to, 128, 4);
  for (const value of [1, 2, 3, 4]) partitioner.emit(value, NO_TIMESTAMP);
  expect(received(to)).toEqual([[aRecord(3)], [aRecord(1), aRecord(4)], [aRecord(2)]]);
});

test('broadcast gives every record to all', () => {
  const to = channels(2);
  const partitioner = createPartitioner({ how: 'broadcast' }, to, 128, 0);
  partitioner.emit('a', 1);
  expect(received(to)).toEqual([[aRecord('a', 1)], [aRecord('a', 1)]]);
});

test('control events go to all channels of any partitioner, in order with the records', () => {
  for (const partitioning of [{ how: 'rebalance' }, { how: 'broadcast' }, byKey(Types.INT as never)] as const) {
    const to = channels(2);
    const partitioner = createPartitioner(partitioning, to, 128, 0);
    partitioner.emitWatermark(7);
    partitioner.emitIdle(true);
    partitioner.emitBarrier(aBarrier(1));
    partitioner.emitCancelBarrier(2);
    partitioner.emitEnd();
    const all = [{ watermark: 7 }, { idle: true }, { barrier: aBarrier(1) }, { cancel: 2 }, { end: true }];
    expect(received(to)).toEqual([all, all]);
  }
});

test('a partitioner is available while all its channels are', () => {
  const to = channels(2);
  const partitioner = createPartitioner({ how: 'rebalance' }, to, 128, 0);
  for (let index = 0; index < 16; index++) to[1]!.write(index, NO_TIMESTAMP);
  expect(partitioner.isAvailable).toBe(false);
  to[1]!.poll(new Recorder(), 1);
  expect(partitioner.isAvailable).toBe(true);
});

interface KeyVector {
  readonly keyType: string;
  readonly key: string | (Record<string, string> | null)[];
  readonly maxParallelism: number;
  readonly parallelism: number;
  readonly operatorIndex: number;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../fixtures/flink/keygroup-vectors.json', import.meta.url), 'utf8'),
) as { vectors: KeyVector[] };

test.each([...new Set(vectors.map((vector) => vector.keyType))])(
  'keys of %s go to the subtask that Flink sends them to',
  (keyType) => {
    const ofType = vectors.filter((vector) => vector.keyType === keyType);
    expect(ofType.length).toBeGreaterThan(0);
    for (const { key, parallelism, maxParallelism, operatorIndex } of ofType) {
      const to = channels(parallelism);
      const { type, value } = typed(keyType, key);
      createPartitioner(byKey(type), to, maxParallelism, 0).emit(value, NO_TIMESTAMP);
      const owner = to.findIndex((channel) => channel.hasData);
      expect({ key, owner }).toEqual({ key, owner: operatorIndex });
    }
  },
);

/** A key of the fixture with the type that declares it here. */
function typed(keyType: string, key: KeyVector['key']): { type: TypeInformation<never>; value: unknown } {
  if (typeof key === 'string') return simple(keyType, key);
  const fields = key.map((field) => {
    if (field === null) return { type: Types.STRING as never, value: null };
    const [type, text] = Object.entries(field)[0]!;
    return simple(type, text);
  });
  const type = Types.TUPLE(...fields.map((field) => field.type)) as unknown as TypeInformation<never>;
  return { type, value: fields.map((field) => field.value) };
}

function simple(keyType: string, text: string): { type: TypeInformation<never>; value: unknown } {
  const number = Number(text.replace(/[fFdD]$/, ''));
  const of = (type: unknown, value: unknown) => ({ type: type as TypeInformation<never>, value });
  switch (keyType) {
    case 'String':
      return of(Types.STRING, text);
    case 'Integer':
      return of(Types.INT, number);
    case 'Short':
      return of(Types.SHORT, number);
    case 'Byte':
      return of(Types.BYTE, number);
    case 'Character':
      return of(Types.CHAR, text);
    case 'Long':
      return of(Types.LONG, BigInt(text));
    case 'Double':
      return of(Types.DOUBLE, number);
    case 'Float':
      return of(Types.FLOAT, Math.fround(number));
    case 'Boolean':
      return of(Types.BOOLEAN, text === 'true');
    case 'UUID':
      return of(Types.UUID, text.toLowerCase());
    case 'BigInteger':
      return of(Types.BIG_INT, BigInt(text));
    case 'BigDecimal': {
      const [whole = '', fraction = ''] = text.split('.');
      return of(Types.BIG_DEC, { unscaled: BigInt(whole + fraction), scale: fraction.length });
    }
    default:
      throw new Error(`no key type ${keyType}`);
  }
}

test('longs that are safe integers go where bigints of the same value go', () => {
  for (const value of [0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1, 1_700_000_000_000]) {
    expect(Types.SAFE_LONG.hash?.(value)).toBe(Types.LONG.hash?.(BigInt(value)));
  }
});

test('a record without a key is refused', () => {
  const partitioner = createPartitioner(byKey(Types.STRING as never), channels(2), 128, 0);
  expect(() => partitioner.emit(null, 0)).toThrow('Assigned key must not be null!');
  expect(() => partitioner.emit(undefined, 0)).toThrow('Assigned key must not be null!');
});

test.each<[string, TypeInformation<never>, unknown, string]>([
  ['a fraction for INT', Types.INT as never, 1.5, 'the number 1.5 is not a value of Types.INT'],
  ['a number for STRING', Types.STRING as never, 1, 'the number 1 is not a value of Types.STRING'],
  ['a text for INT', Types.INT as never, '1', 'the text "1" is not a value of Types.INT'],
])('%s is refused as key', (_, type, key, message) => {
  const partitioner = createPartitioner(byKey(type), channels(2), 128, 0);
  expect(() => partitioner.emit(key, 0)).toThrow(message);
});

test('a key selector that fails is named, with its cause', () => {
  const cause = new Error('no field');
  const failing = byKey(Types.INT as never, () => {
    throw cause;
  });
  const partitioner = createPartitioner(failing, channels(2), 128, 0);
  expect(() => partitioner.emit('x', 0)).toThrow(
    expect.objectContaining({ message: 'Could not extract key from the text "x"', cause }),
  );
});

test('a type without a hash cannot be a key', () => {
  const to = channels(2);
  for (const type of [Types.ANY, Types.LIST(Types.INT), Types.BYTES, Types.TUPLE(Types.INT, Types.ANY)]) {
    expect(() => createPartitioner(byKey(type as never), to, 128, 0)).toThrow('cannot be used as key');
  }
});
