import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeFlinkMetadata } from '../../../src/flink/metadata/describe-metadata.ts';
import { readKeyedStateNames } from '../../../src/flink/metadata/keyed-state-names.ts';
import { readFlinkMetadata } from '../../../src/flink/metadata/metadata-reader.ts';
import { FlinkDataError } from '../../../src/flink/wire/errors.ts';
import { file, metadataOf, none, type Parts, parts, wholeOf, withKeyed } from './metadata-builder.ts';

const FOLDER = 'test/fixtures/flink';
const files = [
  ...readdirSync(join(FOLDER, 'metadata-fixtures'))
    .filter((name) => name.endsWith('.bin'))
    .map((name) => join(FOLDER, 'metadata-fixtures', name)),
  join(FOLDER, 'metadata/2.3.0/retained-checkpoint/_metadata'),
  join(FOLDER, 'metadata/1.18.1/canonical-savepoint/_metadata'),
].map((path) => readFileSync(path));

/** Reads and describes; the only way to fail is the error of this data. */
function readOrRefuse(bytes: Uint8Array): 'read' | 'refused' {
  try {
    describeFlinkMetadata(readFlinkMetadata(bytes, 'the file'));
    return 'read';
  } catch (error) {
    expect(error).toBeInstanceOf(FlinkDataError);
    expect((error as FlinkDataError).message).toMatch(/^the file cannot be read( at byte \d+)?: .+/);
    return 'refused';
  }
}

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const change = fc.oneof(
  fc.record({ put: fc.uint8Array({ minLength: 1, maxLength: 4 }), at: place }),
  // Numbers that break a reader which believes them.
  fc.record({
    put: fc
      .constantFrom('7fffffff', 'ffffffff', '80000000', '00007fff', 'ffff', '7fffffffffffffff')
      .map((hex) => Buffer.from(hex, 'hex')),
    at: place,
  }),
);

test('real files with some bytes changed are read or refused, and soon', () => {
  const property = fc.property(
    fc.nat(files.length - 1),
    fc.array(change, { minLength: 1, maxLength: 4 }),
    (index, changes) => {
      const bytes = Uint8Array.from(files[index]!);
      for (const { put, at } of changes) {
        const from = Math.floor(at * bytes.length);
        bytes.set(put.subarray(0, bytes.length - from), from);
      }
      readOrRefuse(bytes);
    },
  );
  const began = performance.now();
  fc.assert(property, { seed: 7, numRuns: 4_000 });
  expect(performance.now() - began).toBeLessThan(15_000);
});

test('a real file cut anywhere is refused', () => {
  for (const whole of files) {
    const { trailingBytes, version } = readFlinkMetadata(whole, 'the file');
    // What follows the first four bytes of the properties is not looked into.
    const needed = whole.length - trailingBytes + (version >= 4 ? 4 : 0);
    const step = Math.max(1, Math.floor(needed / 200));
    for (let length = 0; length < needed; length += step)
      expect(readOrRefuse(whole.subarray(0, length))).toBe('refused');
    expect(readOrRefuse(whole.subarray(0, needed - 1))).toBe('refused');
    expect(readOrRefuse(whole.subarray(0, needed))).toBe('read');
  }
});

test('random bytes behind a good head are read or refused', () => {
  const property = fc.property(fc.integer({ min: 2, max: 6 }), fc.uint8Array({ maxLength: 600 }), (version, bytes) => {
    readOrRefuse(Buffer.concat([parts().int(0x4960672d, version).long(1).int(0, 2).bytes(), bytes]));
  });
  fc.assert(property, { seed: 8, numRuns: 2_000 });
});

test('heads of keyed state with bytes changed give names and never throw', () => {
  const [whole] = files.slice(-2);
  const { operators } = readFlinkMetadata(whole!, 'it');
  const keyed = operators.flatMap(({ subtasks }) => subtasks.flatMap(({ managedKeyed }) => managedKeyed ?? []))[0];
  const head =
    keyed?.kind === 'keygroups' && keyed.stream?.in === 'metadata' ? keyed.stream.data.slice(0, 1_900) : undefined;
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), place, (changes, end) => {
    const bytes = Uint8Array.from(head!);
    for (const { put, at } of changes) {
      const from = Math.floor(at * bytes.length);
      bytes.set(put.subarray(0, bytes.length - from), from);
    }
    expect(readKeyedStateNames(bytes.subarray(0, Math.ceil(end * bytes.length))).states.length).toBeLessThan(100);
  });
  fc.assert(property, { seed: 9, numRuns: 2_000 });
});

test('a changelog nested in itself a hundred thousand times is refused', () => {
  const nested = parts();
  for (let level = 0; level < 100_000; level++) nested.byte(8).int(0, 0).long(0).int(1);
  expect(() => readFlinkMetadata(metadataOf(6, withKeyed(nested)), 'it')).toThrow(/nested more than 4 levels deep$/);
});

test('serializers nested in themselves a thousand times end the names', () => {
  const nested = parts().int(6).byte(0).int(2);
  for (let level = 0; level < 1_000; level++) {
    nested.utf('org.apache.flink.api.common.typeutils.base.ListSerializerSnapshot').int(3, 911108, 1, 1333245, 1, 1);
  }
  expect(readKeyedStateNames(nested.bytes())).toMatchObject({
    states: [],
    endedBy: 'serializers are nested more than 16 levels deep',
  });
});

const COUNT = 100_000;
const many = (each: (index: number) => Parts): Parts => {
  const all = parts();
  for (let index = 0; index < COUNT; index++) all.add(each(index));
  return all;
};
const operatorState = (states: Parts) =>
  parts().int(0, 1).byte(4).int(COUNT).add(states, none()).int(0).add(none(), none()).int(0, 0);
const head = parts().utf('', '').hex('00'.repeat(16)).int(COUNT, COUNT).add(none());

/** The inputs that ask for most memory in relation to their size: as many records as possible, each as small as can be. */
const worst: Record<string, () => Uint8Array> = {
  'operator states': () =>
    metadataOf(6, operatorState(many((index) => parts().utf(index.toString(36)).byte(0).int(0)))),
  'operator states of one name': () => metadataOf(6, operatorState(many(() => parts().utf('').byte(0).int(0)))),
  'files of an increment': () =>
    metadataOf(
      6,
      withKeyed(
        parts()
          .byte(5)
          .long(1)
          .utf('')
          .int(0, 0)
          .add(none())
          .int(COUNT)
          .add(many(() => parts().utf('').byte(16)))
          .int(0),
      ),
    ),
  'finished subtasks': () =>
    wholeOf(
      6,
      parts()
        .add(head)
        .int(COUNT)
        .add(many((index) => parts().int(-(index + 1)))),
    ),
  subtasks: () =>
    wholeOf(
      6,
      parts()
        .add(head)
        .int(COUNT)
        .add(many((index) => parts().int(index, 0, 0).add(none(), none()).int(0, 0))),
    ),
  'records in flight': () =>
    metadataOf(
      6,
      parts()
        .int(0, 0, 0)
        .add(none(), none())
        .int(COUNT)
        .add(many(() => parts().byte(3).int(0).long(0).byte(0).int(0)))
        .int(0),
    ),
  'parts of a changelog': () =>
    metadataOf(
      6,
      withKeyed(
        parts()
          .byte(8)
          .int(0, 0)
          .long(0)
          .int(COUNT)
          .add(many(() => parts().byte(9).int(0, 0).long(0, 0).int(0).utf('')))
          .int(0)
          .long(0),
      ),
    ),
  'inline state': () =>
    metadataOf(
      6,
      withKeyed(
        parts()
          .byte(3)
          .int(0, 0)
          .byte(1)
          .utf('x')
          .int(COUNT * 10)
          .hex('00'.repeat(COUNT * 10)),
      ),
    ),
  files: () =>
    metadataOf(
      6,
      withKeyed(
        parts()
          .byte(10)
          .int(0, 0)
          .int(COUNT)
          .add(many(() => parts().long(0).add(file(0, ''))))
          .long(0, 0)
          .utf(''),
      ),
    ),
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Buffers are given back only after the engine had a turn. */
async function heapBytes(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    collectGarbage();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test.each(Object.entries(worst))('a file full of %s takes a small multiple of its size', async (_, build) => {
  const bytes = build();
  const before = await heapBytes();
  const began = performance.now();
  const metadata = readFlinkMetadata(bytes, 'the file');
  const tookMs = performance.now() - began;
  const multiple = ((await heapBytes()) - before) / bytes.length;
  expect(metadata.operators).toHaveLength(1);
  expect(multiple).toBeLessThan(20);
  expect(tookMs).toBeLessThan(5_000);
  const description = describeFlinkMetadata(metadata);
  expect(((await heapBytes()) - before) / bytes.length).toBeLessThan(24);
  expect(description.operators).toHaveLength(1);
});

test('more parts than anybody lists are refused before they fill the memory', () => {
  const count = 2_000_001;
  const files = parts().int(count).hex('000010'.repeat(count)).int(0);
  const increment = parts().byte(5).long(1).utf('').int(0, 0).add(none(), files);
  expect(() => readFlinkMetadata(metadataOf(6, withKeyed(increment)), 'it')).toThrow(
    'with 2000001 files it has more than 2000000 parts',
  );
});

test('parts are counted over all lists', () => {
  const states = parts().int(1).byte(4).int(1_500_000).hex('00000000000000'.repeat(1_500_000)).add(none());
  const subtask = parts().int(0).add(states, states, none(), none()).int(0, 0);
  expect(() => readFlinkMetadata(metadataOf(6, subtask), 'it')).toThrow('it has more than 2000000 parts');
});

test('more operators than any job has are refused', () => {
  const operator = `${'00'.repeat(16)}0000000100000001${'00'}ffffffff`;
  const bytes = parts().int(0x4960672d, 3).long(1).int(0, 200_000).hex(operator.repeat(200_000)).bytes();
  expect(() => readFlinkMetadata(bytes, 'it')).toThrow('200000 operators are announced, and nobody has more than');
});
