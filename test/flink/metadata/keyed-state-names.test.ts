import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeFlinkMetadata } from '../../../src/flink/metadata/describe-metadata.ts';
import { readKeyedStateNames } from '../../../src/flink/metadata/keyed-state-names.ts';
import { readFlinkMetadata } from '../../../src/flink/metadata/metadata-reader.ts';
import { headOf, LONG_SERIALIZER, namedState, type Parts, parts } from './metadata-builder.ts';

const keyedIn = (file: string) =>
  describeFlinkMetadata(readFlinkMetadata(readFileSync(`test/fixtures/flink/metadata-fixtures/${file}.bin`), file))
    .operators.flatMap(({ keyed }) => keyed ?? [])
    .filter(({ states }) => states.length > 2);
const inWords = ({ name, kind, type }: { name: string; kind: string; type: string | undefined }) =>
  `${name}: ${kind} ${type}`;

test('primitives, lists, maps and POJOs of a real savepoint are named with their types', () => {
  const [keyed] = keyedIn('v5-46b67b70eb');
  expect(keyed).toMatchObject({ keyType: 'Long', incomplete: null });
  expect(keyed?.states.map(inWords)).toEqual([
    'KeyedPrimitiveValue: value Long',
    'KeyedPojoValue: value {privateLong: Long, publicLong: Long}',
    'KeyedPrimitiveValueMap: map map<Long, Long>',
    'KeyedPrimitiveValueList: list list<Long>',
    '_timer_state/processing_user-timers: timers timer',
    '_timer_state/event_user-timers: timers timer',
  ]);
});

test('rows of a real SQL job are named with their types', () => {
  const [keyed] = keyedIn('v6-4a86fdef6b');
  expect(keyed).toMatchObject({ keyType: 'row<StringData>', incomplete: null });
  expect(keyed?.states.map(inWords)).toEqual([
    'deduplicate-state: value row<StringData, Int, StringData, Timestamp(3)>',
    '_timer_state/processing_user-timers: timers timer',
    '_timer_state/event_user-timers: timers timer',
  ]);
});

const state = (name: string, serializer: Parts) => namedState(name, 'VALUE', serializer);
const long = () => parts().utf(LONG_SERIALIZER).int(3);

test('names end at a serializer that is not known, and the answer says which', () => {
  const kryo = parts().utf('org.apache.flink.api.java.typeutils.runtime.kryo.KryoSerializerSnapshot').int(2);
  expect(readKeyedStateNames(headOf(state('a', long()), state('b', kryo), state('c', long())).bytes())).toEqual({
    keyType: 'Long',
    states: [
      { name: 'a', kind: 'value', type: 'Long' },
      { name: 'b', kind: 'value', type: undefined },
    ],
    endedBy:
      'the serializer org.apache.flink.api.java.typeutils.runtime.kryo.KryoSerializerSnapshot, version 2, is not known here',
  });
});

test('a field of a POJO that is not known leaves the others known', () => {
  const framed = (body: Parts) => parts().byte(1).int(body.bytes().length).add(body);
  const field = (name: string, type: Parts) =>
    parts()
      .utf(name)
      .add(framed(parts().utf('com.A', name)), framed(type));
  const map = (count: number) => parts().hex('000004f2c69a3d70').int(count);
  const pojo = parts()
    .utf('org.apache.flink.api.java.typeutils.runtime.PojoSerializerSnapshot')
    .int(2)
    .utf('com.A')
    .add(map(2), field('x', parts().utf('com.Own').int(1)), field('y', long()), map(0), map(0));
  expect(readKeyedStateNames(headOf(state('a', pojo), state('b', long())).bytes())).toMatchObject({
    states: [{ type: '{x: ?, y: Long}' }, { type: 'Long' }],
    endedBy: undefined,
  });
});

test.each<[string, Uint8Array, string]>([
  ['an older head', parts().int(3).bytes(), 'the head has version 3'],
  ['nothing', new Uint8Array(), 'the head is cut off or damaged'],
  [
    'an older description of a serializer',
    headOf(state('a', parts().utf(LONG_SERIALIZER).int(2))).bytes(),
    `the serializer ${LONG_SERIALIZER}, version 2, is not known here`,
  ],
  ['an older frame', parts().int(6).byte(0).int(1).bytes(), 'a serializer is framed in version 1'],
  [
    'a list in another form',
    headOf(
      state('a', parts().utf('org.apache.flink.api.common.typeutils.base.ListSerializerSnapshot').int(3, 1, 1, 1)),
    ).bytes(),
    'the head is cut off or damaged',
  ],
  [
    'a row in another form',
    headOf(
      state(
        'a',
        parts().utf('org.apache.flink.table.runtime.typeutils.RowDataSerializer$RowDataSerializerSnapshot').int(3, 1),
      ),
    ).bytes(),
    'the types of a row have another form',
  ],
])('%s ends the names', (_, head, endedBy) => {
  expect(readKeyedStateNames(head)).toMatchObject({ endedBy });
});
