import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeConnectionInfo, encodeConnectionInfo } from '../../../src/flink/wire/connection-info.ts';
import { FlinkDataError } from '../../../src/flink/wire/errors.ts';

const vectors = JSON.parse(readFileSync('test/fixtures/flink/ha-handle-vectors.json', 'utf8')) as Record<
  string,
  string
>;
const { connectionInfo } = JSON.parse(readFileSync('test/fixtures/flink/java-object-streams.json', 'utf8')) as {
  readonly connectionInfo: Record<string, string>;
};
const [, hex = ''] = Object.entries(vectors).find(([key]) => key.startsWith('zk_connection_info_hex')) ?? [];

test('a connection_info node is read and written as a JVM wrote it', () => {
  const leader = {
    sessionId: '623e39fb-70c3-44f1-811f-561ec4a28d75',
    address: 'akka.tcp://flink@10.0.0.7:6123/user/rpc/dispatcher_1',
  };
  const bytes = Buffer.from(hex, 'hex');
  expect(bytes).toHaveLength(136);
  expect(decodeConnectionInfo(bytes, 'a node')).toEqual(leader);
  expect(Buffer.from(encodeConnectionInfo(leader)).toString('hex')).toBe(hex);
});

test.each(Object.entries(connectionInfo))('%s is written in the blocks that Java chooses', (key, base64) => {
  const bytes = Buffer.from(base64, 'base64');
  const leader = decodeConnectionInfo(bytes, 'a node');
  const length = Number(/\d+$/.exec(key)?.[0] ?? leader?.address.length);
  expect(leader?.address).toHaveLength(length);
  expect(Buffer.from(encodeConnectionInfo(leader!)).equals(bytes)).toBe(true);
});

test('an empty node names no leader', () => {
  expect(decodeConnectionInfo(new Uint8Array(), 'a node')).toBeUndefined();
});

test('whatever stands in a node, it is read or one clear error', () => {
  const bytes = Buffer.from(hex, 'hex');
  const property = fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
    const changed = Buffer.from(bytes.subarray(0, length));
    if (at < length) changed[at] = value;
    try {
      decodeConnectionInfo(changed, 'a node');
    } catch (error) {
      expect(error).toBeInstanceOf(FlinkDataError);
      expect(error).toMatchObject({ code: 'FLINK_CONNECTION_INFO_CORRUPT', subject: 'a node' });
    }
  });
  fc.assert(property, { seed: 4, numRuns: 2_000 });
});

test('a session id that is no UUID is not written', () => {
  expect(() => encodeConnectionInfo({ sessionId: 'leader', address: 'x' })).toThrow(/no UUID in lower case/);
});
