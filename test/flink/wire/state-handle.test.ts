import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FlinkDataError } from '../../../src/flink/wire/errors.ts';
import { MARKER_UIDS } from '../../../src/flink/wire/java-classes.ts';
import {
  decodeHandleText,
  decodeStateHandle,
  encodeHandleText,
  encodeStateHandle,
  type FlinkStateHandle,
} from '../../../src/flink/wire/state-handle.ts';
import { captures } from '../captures.ts';

const vectors = JSON.parse(readFileSync('test/fixtures/flink/ha-handle-vectors.json', 'utf8')) as Record<
  string,
  string
>;
const streams = JSON.parse(readFileSync('test/fixtures/flink/java-object-streams.json', 'utf8')) as {
  readonly handles: Record<string, string>;
  readonly unreadable: Record<string, string>;
};

const OLD = '-6953210432246692993';
const NEW = '1994325530560040316';
const stream = {
  in: 'file',
  uri: 's3://flink/recovery/cluster1337/completedCheckpoint0123456789ab',
  sizeBytes: 4711n,
} as const;

test.each<[string, FlinkStateHandle]>([
  ['raw_flink_1.12-1.14_and_zookeeper_all', { stream }],
  ['marker_1.15-1.18_live', { marker: { serialVersionUid: OLD, deleting: false }, stream }],
  ['marker_1.15-1.18_deleting', { marker: { serialVersionUid: OLD, deleting: true }, stream }],
  ['marker_1.19+_live', { marker: { serialVersionUid: NEW, deleting: false }, stream }],
  ['marker_1.19+_deleting', { marker: { serialVersionUid: NEW, deleting: true }, stream }],
])('%s is read and written as the JVM wrote it', (key, handle) => {
  const text = vectors[key] ?? '';
  expect(decodeHandleText(text, key)).toEqual(handle);
  expect(encodeHandleText(handle)).toBe(text);
});

test('one byte tells live from deleting, eight bytes one line of Flink from the other', () => {
  const bytesOf = (serialVersionUid: (typeof MARKER_UIDS)[number], deleting: boolean) =>
    encodeStateHandle({ marker: { serialVersionUid, deleting }, stream });
  const differing = (one: Uint8Array, other: Uint8Array) => [...one.keys()].filter((at) => one[at] !== other[at]);
  expect(differing(bytesOf(OLD, false), bytesOf(OLD, true))).toEqual([0xce]);
  expect(differing(bytesOf(OLD, false), bytesOf(NEW, false))).toEqual([0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72]);
  expect([bytesOf(OLD, false).length, encodeStateHandle({ stream }).length]).toEqual([697, 494]);
});

test.each(captures.map((capture) => [capture.name, capture] as const))(
  'every handle in %s is read as stated and written back byte for byte',
  (_, { configMaps, expectedHandles }) => {
    for (const { configMap, key, uri, bytes, serialVersionUID, deleting } of expectedHandles) {
      const text = configMaps.items.find(({ metadata }) => metadata.name === configMap)?.data[key] ?? '';
      const handle = decodeHandleText(text, key);
      expect(handle).toEqual({
        marker: { serialVersionUid: serialVersionUID, deleting },
        stream: { in: 'file', uri, sizeBytes: BigInt(bytes) },
      });
      expect(encodeHandleText(handle)).toBe(text);
    }
  },
);

test('handles that hold their bytes themselves are read and written as a JVM does', () => {
  const data = Uint8Array.of(0, 1, 2, 255);
  const name = 'handle-\0-😀-ü';
  const inHandle = { in: 'handle', name, data } as const;
  const wanted: Record<string, FlinkStateHandle> = {
    'raw byte stream': { stream: inHandle },
    'raw empty byte stream': { stream: { in: 'handle', name: '', data: new Uint8Array() } },
    'raw file umlaut': { stream: { in: 'file', uri: 's3://b/ü/x', sizeBytes: -1n } },
    'marked byte stream 1.15-1.18': { marker: { serialVersionUid: OLD, deleting: true }, stream: inHandle },
    'marked byte stream 1.19+': { marker: { serialVersionUid: NEW, deleting: true }, stream: inHandle },
  };
  expect(Object.keys(streams.handles).sort()).toEqual(Object.keys(wanted).sort());
  for (const [key, text] of Object.entries(streams.handles)) {
    const handle = decodeHandleText(text, key);
    const { stream: found } = handle;
    expect(found.in === 'handle' ? { ...found, data: Uint8Array.from(found.data) } : found).toEqual(
      wanted[key]?.stream,
    );
    expect(handle.marker).toEqual(wanted[key]?.marker);
    expect(encodeHandleText(wanted[key] as FlinkStateHandle)).toBe(text);
  }
});

const anyStream = fc.oneof(
  fc.record({
    in: fc.constant('file' as const),
    uri: fc.webUrl(),
    sizeBytes: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({
    in: fc.constant('handle' as const),
    name: fc.string({ unit: 'binary' }),
    data: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  }),
);
const anyHandle: fc.Arbitrary<FlinkStateHandle> = fc.record(
  {
    marker: fc.record({ serialVersionUid: fc.constantFrom(...MARKER_UIDS), deleting: fc.boolean() }),
    stream: anyStream,
  },
  { requiredKeys: ['stream'] },
);

test('what is written is read again, whatever it is', () => {
  const property = fc.property(anyHandle, (handle) => {
    const bytes = encodeStateHandle(handle);
    const again = decodeStateHandle(Buffer.from(bytes), 'it');
    expect(again).toEqual(handle);
    expect(encodeStateHandle(again)).toEqual(bytes);
  });
  fc.assert(property, { seed: 1 });
});

test('a URI too long for a short string is written as a long one', () => {
  const long: FlinkStateHandle = { stream: { in: 'file', uri: `s3://b/${'a'.repeat(70_000)}`, sizeBytes: 1n } };
  expect(decodeHandleText(encodeHandleText(long), 'it')).toEqual(long);
});

test('back references to a class, a type or a text are followed', () => {
  const bytes = Buffer.from(encodeStateHandle({ stream }));
  // Handle 8 is the type of the field "string" of java.net.URI; let the URI be that text.
  const at = bytes.lastIndexOf(Buffer.from([0x74, 0, stream.uri.length]));
  const referring = Buffer.concat([bytes.subarray(0, at), Buffer.from('71007e000a78', 'hex')]);
  expect(decodeStateHandle(referring, 'it').stream).toMatchObject({ uri: 'Ljava/lang/String;' });
});

test('bytes behind the object are ignored, as Java ignores them', () => {
  expect(decodeStateHandle(Buffer.concat([encodeStateHandle({ stream }), Buffer.from([1, 2])]), 'it')).toEqual({
    stream,
  });
});

function reasonOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(FlinkDataError);
    expect(error).toMatchObject({ code: 'FLINK_HANDLE_CORRUPT', subject: 'a key', retryable: false });
    return (error as Error).message.replace('a key cannot be read', '').trim();
  }
  return 'it was read';
}

test.each<[string, RegExp]>([
  ['null', /^at byte 5: StateHandleWithDeleteMarker or RetrievableStreamStateHandle is null$/],
  ['string', /is expected, not the tag 0x74$/],
  ['null inner', /RetrievableStreamStateHandle is null$/],
  ['null wrapped', /FileStateHandle or ByteStreamStateHandle is null$/],
  ['null path', /Path is null$/],
  ['null name', /the name of the handle is null$/],
  ['other class', /is expected, not "java.util.HashMap"$/],
])('a stream with %s is corrupt, and the error says why', (key, reason) => {
  expect(reasonOf(() => decodeHandleText(streams.unreadable[key] ?? '', 'a key'))).toMatch(reason);
});

test.each<[string, string, RegExp]>([
  ['text that is no base64', 'rO0ABX?', /the value is not base64$/],
  ['base64 of an impossible length', 'rO0AB', /the value is not base64$/],
  ['base64 with a line break', 'rO0A\nBXNy', /the value is not base64$/],
  ['nothing', '', /4 bytes are needed and 0 are left$/],
  ['two random bytes', 'y+4=', /4 bytes are needed and 2 are left$/],
  ['another magic', 'AAAAAAAA', /begins with aced0005, not 00000000$/],
])('%s is corrupt', (_, text, reason) => {
  expect(reasonOf(() => decodeHandleText(text, 'a key'))).toMatch(reason);
});

function changed(at: number, hex: string): Uint8Array {
  const bytes = Buffer.from(encodeStateHandle({ marker: { serialVersionUid: NEW, deleting: false }, stream }));
  bytes.write(hex, at, 'hex');
  return bytes;
}

test.each<[string, number, string, RegExp]>([
  ['another serialVersionUID', 0x6b, '00', /the serialVersionUID -?\d+, which no Flink wrote$/],
  ['other flags', 0x73, '03', /has the flags 3 instead of 2$/],
  ['another number of fields', 0x74, '0001', /has 1 fields instead of 2$/],
  ['another type of a field', 0x76, '49', /has another field instead of markedForDeletion$/],
  ['a reference to nothing', 0xcf, '71007e7fff', /is expected, not the tag 0x71$/],
])('a handle with %s is corrupt', (_, at, hex, reason) => {
  expect(reasonOf(() => decodeStateHandle(changed(at, hex), 'a key'))).toMatch(reason);
});

test('a URI that Java could not read is corrupt', () => {
  for (const uri of ['s3://b/with space', 's3://b/50%', 's3://b/<x>']) {
    const bytes = encodeStateHandle({ stream: { in: 'file', uri, sizeBytes: 1n } });
    expect(reasonOf(() => decodeStateHandle(bytes, 'a key'))).toMatch(/characters that no URI has$/);
  }
});

test('every cut and every changed byte is either read or one clear error', () => {
  const whole = encodeStateHandle({ marker: { serialVersionUid: NEW, deleting: false }, stream });
  for (let length = 0; length < whole.length; length++) {
    expect(reasonOf(() => decodeStateHandle(whole.subarray(0, length), 'a key'))).toMatch(/^at byte \d+: /);
  }
  const flip = fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
    const bytes = Uint8Array.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ difference;
    expect(reasonOf(() => decodeStateHandle(bytes, 'a key'))).toMatch(/^(it was read|at byte \d+: .+)$/);
  });
  fc.assert(flip, { seed: 2, numRuns: 3_000 });
});

test('random bytes behind a good header are one clear error', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
    const stream = Buffer.concat([Buffer.from('aced0005', 'hex'), bytes]);
    expect(reasonOf(() => decodeStateHandle(stream, 'a key'))).toMatch(/^at byte \d+: /);
  });
  fc.assert(property, { seed: 3, numRuns: 1_000 });
});
