import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeFlinkMetadata } from '../../../src/flink/metadata/describe-metadata.ts';
import type { FlinkMetadata, SubtaskState } from '../../../src/flink/metadata/metadata.ts';
import { isFlinkMetadata, readFlinkMetadata } from '../../../src/flink/metadata/metadata-reader.ts';
import { operatorIdOf } from '../../../src/stream/operator-id.ts';
import { inExpectedForm } from './expected-form.ts';

const FOLDER = 'test/fixtures/flink';

interface Vector {
  readonly flinkPath: string;
  readonly copy: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly expected: { readonly version: number };
}
const { vectors } = JSON.parse(readFileSync(join(FOLDER, 'metadata-vectors.json'), 'utf8')) as { vectors: Vector[] };

test('there are files of versions 2 to 6', () => {
  expect(new Set(vectors.map(({ expected }) => expected.version))).toEqual(new Set([2, 3, 4, 5, 6]));
});

test.each(vectors.map((vector) => [vector.flinkPath, vector] as const))('%s is read as stated', (name, vector) => {
  const bytes = readFileSync(join(FOLDER, vector.copy));
  expect(bytes.length).toBe(vector.bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(vector.sha256);
  expect(isFlinkMetadata(bytes)).toBe(true);
  expect(inExpectedForm(readFlinkMetadata(bytes, name))).toEqual(vector.expected);
});

/** What stands beside each `_metadata` of a job whose state is known. */
interface KnownJob {
  readonly version: number;
  readonly checkpointId: number;
  readonly masterStates: number;
  readonly consumed: number;
  readonly total: number;
  readonly operators: readonly {
    readonly name?: string;
    readonly uid?: string;
    readonly id: string;
    readonly parallelism: number;
    readonly maxParallelism: number;
    readonly coordinatorState: boolean;
    readonly subtasks: readonly Record<string, unknown>[];
  }[];
}

const known = readdirSync(join(FOLDER, 'metadata')).flatMap((version) =>
  ['canonical-savepoint', 'native-savepoint', 'retained-checkpoint'].map((name) => [version, name] as const),
);

const read = (version: string, name: string): FlinkMetadata =>
  readFlinkMetadata(readFileSync(join(FOLDER, 'metadata', version, name, '_metadata')), name);

/** In the form of the known jobs, as far as it goes. */
function knownForm({ subtask, managedOperator, managedKeyed }: SubtaskState): Record<string, unknown> {
  const streamOf = (stream: NonNullable<typeof managedOperator>['stream']) =>
    stream?.in === 'metadata' ? { inline: stream.data.length, name: stream.name } : stream;
  const keyed = managedKeyed?.kind === 'keygroups' || managedKeyed?.kind === 'savepoint' ? managedKeyed : undefined;
  return {
    subtask,
    ...(managedOperator === undefined
      ? {}
      : {
          managedOperator: {
            states: Object.fromEntries(
              managedOperator.states.map(({ name, mode, offsets }) => [name, { mode, partitions: offsets }]),
            ),
            stream: streamOf(managedOperator.stream),
          },
        }),
    ...(keyed === undefined
      ? {}
      : {
          managedKeyed: {
            keyGroupRange: keyed.range,
            groupsWithData: keyed.offsets.filter((offset) => offset >= 0).length,
            distinctOffsets: new Set(keyed.offsets).size,
            stream: streamOf(keyed.stream),
            ...(keyed.handleId === undefined ? {} : { stateHandleId: keyed.handleId }),
          },
        }),
  };
}

function withoutTags(subtask: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(subtask), (key, value) =>
    key === 'tag' || key === 'kind' || key === 'taskOwned' ? undefined : value,
  ) as Record<string, unknown>;
}

test.each(known)('%s %s is read to its last offset', (version, name) => {
  const wanted = JSON.parse(readFileSync(join(FOLDER, 'metadata', version, `${name}.json`), 'utf8')) as KnownJob;
  const found = read(version, name);
  expect({
    version: found.version,
    checkpointId: found.checkpointId,
    masterStates: found.masterStates.length,
    trailing: found.trailingBytes,
  }).toEqual({
    version: wanted.version,
    checkpointId: wanted.checkpointId,
    masterStates: wanted.masterStates,
    trailing: wanted.total - wanted.consumed,
  });
  for (const [index, operator] of wanted.operators.entries()) {
    const { id, uid, parallelism, maxParallelism, coordinator, subtasks } = found.operators[index]!;
    expect({ id, parallelism, maxParallelism, coordinatorState: coordinator !== undefined }).toEqual({
      id: operator.id,
      parallelism: operator.parallelism,
      maxParallelism: operator.maxParallelism,
      coordinatorState: operator.coordinatorState,
    });
    expect(uid).toBe(operator.uid);
    expect(subtasks.map(knownForm)).toEqual(operator.subtasks.map(withoutTags));
  }
  expect(found.operators).toHaveLength(wanted.operators.length);
});

test.each(known)('%s %s names its keyed states and their types', (version, name) => {
  const { operators, kind } = describeFlinkMetadata(read(version, name));
  expect(kind).toBe(name === 'retained-checkpoint' ? 'checkpoint' : 'savepoint');
  const keyed = operators.find((operator) => operator.keyed !== null)?.keyed;
  expect(keyed).toMatchObject({ keyType: 'String', incomplete: null });
  expect(keyed?.states.map((state) => `${state.name}: ${state.kind} ${state.type}`).sort()).toEqual([
    '_timer_state/event_user-timers: timers timer',
    '_timer_state/processing_user-timers: timers timer',
    'count: value Long',
    'hist: map map<String, Long>',
    'recent: list list<Long>',
  ]);
});

test('the id of an operator is the hash of its uid', () => {
  const withUids = [...vectors.map(({ copy }) => copy), 'metadata/2.3.0/retained-checkpoint/_metadata'].flatMap(
    (path) =>
      readFlinkMetadata(readFileSync(join(FOLDER, path)), path).operators.filter(({ uid }) => uid !== undefined),
  );
  expect(withUids.length).toBeGreaterThan(20);
  for (const { id, uid = '' } of withUids) expect(operatorIdOf(uid)).toBe(id);
});
