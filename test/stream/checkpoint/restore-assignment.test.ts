import { expect, test } from 'vitest';
import type { JobShape } from '../../../src/stream/checkpoint/job-shape.ts';
import type { CheckpointManifest } from '../../../src/stream/checkpoint/manifest.ts';
import { assignState } from '../../../src/stream/checkpoint/restore-assignment.ts';
import type { RestoreFacts } from '../../../src/stream/checkpoint/restore-checks.ts';
import { aHandle, aJob, aManifest, anOperatorState, aState, aVertex, INT } from './builders.ts';

const assign = (manifest: CheckpointManifest, job: JobShape, parts: Partial<RestoreFacts> = {}) =>
  assignState({ manifest, job, from: 'sp-1', origin: 'startPoint', allowNonRestoredState: false, ...parts });

/** Keyed state with a block in each of 8 key groups, at parallelism 2. */
const keyedOperator = (uid: string, parts: Parameters<typeof anOperatorState>[1] = {}) =>
  anOperatorState(uid, parts, (subtask) => {
    const [firstKeyGroup, lastKeyGroup] = subtask === 0 ? [0, 3] : [4, 7];
    const blocks = [0, 1, 2, 3].flatMap((at) => [firstKeyGroup + at, 100 + (firstKeyGroup + at) * 10, 10]);
    return { file: 0, keyed: { keyType: INT, firstKeyGroup, lastKeyGroup, states: [{ ...aState('s'), blocks }] } };
  });

const keyGroupsOf = (assignment: ReturnType<typeof assign>, operator = 0) =>
  assignment.vertices[0]!.subtasks.map(({ operators }) =>
    operators[operator]!.keyed.flatMap(({ blocks }) => blocks.filter((_, at) => at % 4 === 1)),
  );

test.each([
  [1, [[0, 1, 2, 3, 4, 5, 6, 7]]],
  [
    2,
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
  ],
  [
    3,
    [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ],
  ],
  [8, [[0], [1], [2], [3], [4], [5], [6], [7]]],
])('keyed state of two subtasks goes to %i by key group', (parallelism, expected) => {
  const assignment = assign(aManifest([keyedOperator('counter')]), aJob(aVertex(['counter'], { parallelism })));
  expect(keyGroupsOf(assignment)).toEqual(expected);
});

test('a subtask lists only the files it reads, once each', () => {
  const manifest = aManifest(
    [
      anOperatorState('source', {}, (file) => ({ file, operatorState: [aHandle('l', 1)] })),
      anOperatorState('parse', {}, (file) => ({ file, operatorState: [aHandle('l', 1)] })),
    ],
    { files: ['a', 'b'].map((name) => ({ path: `${name}.state`, sizeBytes: 10_000, sha256: 'a'.repeat(64) })) },
  );
  const assignment = assign(manifest, aJob(aVertex(['source', 'parse'])));
  expect(assignment.vertices[0]!.subtasks.map(({ files }) => files.map(({ path }) => path))).toEqual([
    ['a.state'],
    ['b.state'],
  ]);
});

test('operators are matched by uid: order, names and chains do not matter', () => {
  const manifest = aManifest([keyedOperator('a'), anOperatorState('b')]);
  const assignment = assign(manifest, aJob(aVertex(['b']), aVertex(['new']), aVertex(['a'])));
  const found = assignment.vertices.map(({ subtasks }) => subtasks[0]!.operators[0]!);
  expect(found.map(({ keyed, operatorState }) => [keyed.length, operatorState.length])).toEqual([
    [0, 1],
    [0, 0],
    [1, 0],
  ]);
});

test('split elements go to one subtask each, in the order of old subtasks; union elements to all; a broadcast copy to each', () => {
  const manifest = aManifest([
    anOperatorState('source', {}, (subtask) => ({
      file: 0,
      operatorState: [
        { ...aHandle('split', 0), partitions: subtask === 0 ? [100, 1, 110, 1, 120, 1] : [200, 1, 210, 1] },
        { ...aHandle('union', 0, 'UNION'), partitions: [300 + subtask, 1] },
        { ...aHandle('broadcast', 0, 'BROADCAST'), partitions: [400 + subtask, 1] },
      ],
      rawOperator: [500 + subtask, 1],
    })),
  ]);
  const offsets = (parallelism: number, name: string) =>
    assign(manifest, aJob(aVertex(['source'], { parallelism }))).vertices[0]!.subtasks.map(({ operators }) =>
      operators[0]!.operatorState
        .filter((each) => each.name === name)
        .flatMap(({ partitions }) => partitions.filter((_, at) => at % 3 === 1)),
    );
  expect(offsets(3, 'split')).toEqual([[100, 110], [120, 200], [210]]);
  expect(offsets(1, 'split')).toEqual([[100, 110, 120, 200, 210]]);
  expect(offsets(2, 'split')).toEqual([
    [100, 110, 120],
    [200, 210],
  ]);
  for (const parallelism of [1, 2, 3]) {
    expect(offsets(parallelism, 'union')).toEqual(Array(parallelism).fill([300, 301]));
  }
  expect(offsets(3, 'broadcast')).toEqual([[400], [401], [400]]);
  const raw = assign(manifest, aJob(aVertex(['source'], { parallelism: 1 }))).vertices[0]!.subtasks[0]!.operators[0]!
    .rawOperator;
  expect(raw).toEqual([0, 500, 1, 0, 501, 1]);
});

test('one name stored with two types stays apart', () => {
  const manifest = aManifest([
    anOperatorState('source', {}, (subtask) => ({
      file: 0,
      operatorState: [{ ...aHandle('l', 1), type: subtask === 0 ? INT : { kind: 'string' } }],
    })),
  ]);
  const { operatorState } = assign(manifest, aJob(aVertex(['source'], { parallelism: 1 }))).vertices[0]!.subtasks[0]!
    .operators[0]!;
  expect(operatorState.map(({ type }) => type.kind)).toEqual(['int32', 'string']);
});

test('a stored maximum parallelism below the parallelism is refused', () => {
  expect(() => assign(aManifest([anOperatorState('source')]), aJob(aVertex(['source'], { parallelism: 9 })))).toThrow(
    'The state for task source can not be restored. The maximum parallelism (8) of the restored state is lower than the ' +
      'configured parallelism (9). Please reduce the parallelism of the task to be lower or equal to the maximum parallelism.',
  );
});

test('a default maximum parallelism gives way to the stored one', () => {
  const assignment = assign(aManifest([keyedOperator('counter')]), aJob(aVertex(['counter'], { maxParallelism: 128 })));
  expect(assignment.vertices[0]!.maxParallelism).toBe(8);
  expect(keyGroupsOf(assignment)).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
});

test('a configured maximum parallelism that differs is refused, with the text for each way to get there', () => {
  const job = aJob(aVertex(['counter'], { maxParallelism: 128, maxParallelismConfigured: true }));
  const manifest = aManifest([keyedOperator('counter')]);
  expect(() => assign(manifest, job)).toThrow(
    'Failed to rollback to checkpoint/savepoint sp-1. Max parallelism mismatch between checkpoint/savepoint state and new program.',
  );
  expect(() => assign(manifest, job, { origin: 'latestCheckpoint' })).toThrow(
    'The maximum parallelism (8) with which the latest checkpoint of the vertex counter has been taken and the current ' +
      'maximum parallelism (128) changed. This is currently not supported.',
  );
});

test('an operator without state does not bind the maximum parallelism', () => {
  const manifest = aManifest([anOperatorState('map', { maxParallelism: 8 }, () => ({}))]);
  const job = aJob(aVertex(['map'], { maxParallelism: 128, maxParallelismConfigured: true }));
  expect(assign(manifest, job).vertices[0]!.maxParallelism).toBe(128);
});

test('chained operators whose keyed state has different maxima are refused; beside keyed state other state does not count', () => {
  const two = aManifest([keyedOperator('a'), keyedOperator('b', { maxParallelism: 16 })]);
  expect(() => assign(two, aJob(aVertex(['a', 'b'])))).toThrow('stored with different maximum parallelism (8, 16)');
  const one = aManifest([anOperatorState('a', { maxParallelism: 16 }), keyedOperator('b')]);
  expect(assign(one, aJob(aVertex(['a', 'b']))).vertices[0]!.maxParallelism).toBe(8);
});

test('state of an operator that is gone is refused, naming uid and remedy', () => {
  const manifest = aManifest([anOperatorState('old'), anOperatorState('source')]);
  const job = aJob(aVertex(['source']));
  expect(() => assign(manifest, job)).toThrow(
    /Failed to rollback to checkpoint\/savepoint sp-1\..*"the old" \(uid old.*because the operator is not available in the new program\..*--allowNonRestoredState/,
  );
  expect(() => assign(manifest, job, { origin: 'latestCheckpoint' })).toThrow('There is no operator for the state ');
});

test('a savepoint of another job says whose it is', () => {
  const manifest = aManifest([anOperatorState('old')], { jobName: 'invoices' });
  expect(() => assign(manifest, aJob(aVertex(['source'])))).toThrow(
    'It was taken of job "invoices"; this is job "flights".',
  );
});

test('state of an operator that is gone is dropped where that is allowed, and reported', () => {
  const manifest = aManifest([anOperatorState('old'), anOperatorState('source')]);
  const assignment = assign(manifest, aJob(aVertex(['source'])), { allowNonRestoredState: true });
  expect(assignment.dropped.map(({ uid }) => uid)).toEqual(['old']);
});

test('an operator that is gone and had nothing stored is passed over', () => {
  const manifest = aManifest([
    anOperatorState('old', {}, () => ({ operatorState: [aHandle('l', 0)] })),
    anOperatorState('source'),
  ]);
  expect(assign(manifest, aJob(aVertex(['source']))).dropped).toEqual([]);
});

test('everything that is wrong is said at once', () => {
  const manifest = aManifest([anOperatorState('old'), anOperatorState('source')]);
  const attempt = () => assign(manifest, aJob(aVertex(['source'], { parallelism: 9 })));
  expect(attempt).toThrow('not available in the new program');
  expect(attempt).toThrow('lower than the configured parallelism (9)');
});

const finished = (uid: string) => anOperatorState(uid, { finished: true }, () => ({ finished: true }));

test('a vertex all of whose operators had finished is finished again', () => {
  const source = aVertex(['source', 'parse']);
  const counter = aVertex(['counter'], { inputs: [source.vertexId] });
  const manifest = aManifest([finished('source'), finished('parse'), keyedOperator('counter')]);
  expect(assign(manifest, aJob(source, counter)).vertices.map((vertex) => vertex.finished)).toEqual([true, false]);
});

test('a finished vertex behind an unfinished one is refused', () => {
  const source = aVertex(['new source']);
  const counter = aVertex(['counter'], { inputs: [source.vertexId] });
  expect(() => assign(aManifest([finished('counter')]), aJob(source, counter))).toThrow(
    'Illegal JobGraph modification. Cannot run a program with fully finished vertices predeceased with the ones not fully finished.',
  );
});

test('finished and unfinished operators in one chain are refused', () => {
  expect(() => assign(aManifest([finished('source')]), aJob(aVertex(['source', 'new map'])))).toThrow(
    'of its operators "the source" had finished and others had not',
  );
});

test('every subtask learns that it was restored, also one that gets nothing', () => {
  const manifest = aManifest([anOperatorState('source', { parallelism: 1 })]);
  const assignment = assign(manifest, aJob(aVertex(['source'], { parallelism: 3 }), aVertex(['new'])));
  expect(assignment.vertices.flatMap(({ subtasks }) => subtasks.map(({ checkpointId }) => checkpointId))).toEqual(
    Array(5).fill(7),
  );
  expect(assignment.vertices[0]!.subtasks[2]).toMatchObject({
    files: [],
    operators: [{ operatorState: [], keyed: [] }],
  });
});

test('key groups that no subtask would own are refused', () => {
  // Subtask 0 of 2 claims all key groups: more than its range, so that a rescale would lose the upper half.
  const blocks = [0, 5].flatMap((keyGroup) => [keyGroup, 100 + keyGroup, 1]);
  const manifest = aManifest([
    anOperatorState('counter', {}, (subtask) =>
      subtask === 1
        ? {}
        : { file: 0, keyed: { keyType: INT, firstKeyGroup: 0, lastKeyGroup: 7, states: [{ ...aState('s'), blocks }] } },
    ),
  ]);
  expect(() => assign(manifest, aJob(aVertex(['counter'], { parallelism: 4 })))).toThrow(
    'not all of it would have a place',
  );
});
