import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { DEFAULT_HOME, makeJobPlace, openJobHome } from '../../../src/cli/run/job-home.ts';
import { parseSavepointDirectory } from '../../../src/stream/index.ts';
import { file, headOf, metadataOf, namedState, parts, withKeyed } from '../../flink/metadata/metadata-builder.ts';
import { flinkjob } from '../fake-io.ts';

const directory = mkdtempSync(join(tmpdir(), 'inspect-checkpoint-'));
afterAll(() => rmSync(directory, { recursive: true }));

const FLINK = 'test/fixtures/flink/metadata/2.3.0/retained-checkpoint';
const OURS = 'test/fixtures/state-v1';

const inspect = (...args: string[]) => flinkjob(['checkpoint', 'inspect', ...args]);
async function recordOf(path: string): Promise<Record<string, unknown> & { operators: Record<string, unknown>[] }> {
  const { code, stdout, stderr } = await inspect('-o', 'json', path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('a checkpoint of Flink is shown with operators, ranges, states, kinds and sizes', async () => {
  const record = await recordOf(FLINK);
  expect(record).toMatchObject({ format: 'flink', version: 6, kind: 'checkpoint', checkpointId: 7, masterStates: [] });
  expect(record.operators).toHaveLength(3);
  const [counter, source] = record.operators;
  expect(counter).toMatchObject({
    uid: 'counter-uid',
    name: 'counter',
    id: 'c064aed2fb075b14880c626828c7ed94',
    parallelism: 2,
    maxParallelism: 128,
    bytes: 8276 + 9596,
    keyGroups: [
      [0, 63],
      [64, 127],
    ],
    statesIncomplete: null,
  });
  expect(counter?.states).toContainEqual({
    name: 'hist',
    kind: 'map',
    mode: null,
    type: 'map<String, Long>',
    keyType: 'String',
    partitions: null,
    bytes: null,
  });
  expect(source?.states).toContainEqual(
    expect.objectContaining({ name: 'src-union', kind: 'operator', mode: 'UNION', partitions: 4, bytes: 32 }),
  );
});

test('a checkpoint of a TypeScript job is shown in the same form', async () => {
  const record = await recordOf(OURS);
  expect(record).toMatchObject({ format: 'flinkjob', version: 1, kind: 'savepoint', checkpointId: 42 });
  const everything = record.operators.find(({ uid }) => uid === 'everything');
  expect(everything).toMatchObject({
    parallelism: 2,
    maxParallelism: 8,
    keyGroups: [
      [0, 3],
      [4, 7],
    ],
  });
  expect(everything?.states).toContainEqual(
    expect.objectContaining({ name: 'list', kind: 'list', type: 'list<string>', keyType: 'string', bytes: 498 }),
  );
});

test('directory, _metadata and URI name the same checkpoint', async () => {
  const wanted = await recordOf(FLINK);
  expect(await recordOf(`${FLINK}/`)).toEqual(wanted);
  expect(await recordOf(`${FLINK}/_metadata`)).toEqual(wanted);
  expect(await recordOf(pathToFileURL(FLINK).href)).toEqual(wanted);
  expect(await recordOf(`${pathToFileURL(FLINK).href}/_metadata`)).toEqual(wanted);
});

test('a _metadata under another name is read too', async () => {
  const { checkpointId } = await recordOf('test/fixtures/flink/metadata-fixtures/v2-eb8e18c0ee.bin');
  expect(checkpointId).toBe(77);
});

test('the table has a row for each state', async () => {
  const { stdout } = await inspect(FLINK);
  expect(stdout).toMatch(/^checkpoint 7 of Apache Flink: _metadata version 6, 3 operators, 19\.4 KiB\nfile:\/\//);
  expect(stdout).toContain('counter-uid\tcounter\t2\t128\t0-63 64-127\tcount\tvalue\tLong by String\t-\n');
  expect(stdout).toContain('sink-uid\tSink: sink\t2\t128\t-\trules\toperator, BROADCAST × 2\t-\t74 B\n');
  expect((await inspect(OURS)).stdout).toMatch(/^savepoint 42 of job every kind of state \((?:5a){16}\), taken 2023-/);
});

test('names of keyed states that cannot be known are said to be missing', async () => {
  const { stdout } = await inspect('test/fixtures/flink/metadata-fixtures/v5-97bfd73184.bin');
  expect(stdout).toContain(
    'not all keyed states of CheckpointingKeyedStateFlatMap1 are known: the names stand in a file that is not at hand\n',
  );
});

test('names of keyed states are read from files beside the _metadata, and from no others', async () => {
  const at = join(directory, 'chk-1');
  mkdirSync(at);
  const head = headOf(namedState('total', 'VALUE'));
  writeFileSync(join(at, 'state-1'), head.bytes());
  const keyed = withKeyed(parts().byte(3).int(0, 1).long(0).add(file(9, 's3://bucket/cp/chk-1/state-1')));
  writeFileSync(join(at, '_metadata'), metadataOf(6, keyed));
  const { operators } = await recordOf(at);
  expect(operators[0]).toMatchObject({
    states: [{ name: 'total', kind: 'value', keyType: 'Long' }],
    statesIncomplete: null,
  });
  const away = withKeyed(
    parts()
      .byte(3)
      .int(0, 1)
      .long(0)
      .add(file(9, `${at}/..`)),
  );
  writeFileSync(join(at, '_metadata'), metadataOf(6, away));
  expect((await recordOf(at)).operators[0]).toMatchObject({ states: [] });
});

test.each<[string, (at: string) => void, RegExp]>([
  ['nothing', () => {}, /the file does not exist; a directory without _metadata is no complete checkpoint/],
  ['an empty file', (at) => writeFileSync(join(at, '_metadata'), ''), /Expected "\{", found 0 bytes/],
  [
    'half a file of Flink',
    (at) => writeFileSync(join(at, '_metadata'), Buffer.from('4960672d00000006', 'hex')),
    /cannot be read at byte 8: 8 bytes are needed and 0 are left/,
  ],
  ['half a manifest', (at) => writeFileSync(join(at, '_metadata'), '{"format":'), /it is no JSON/],
  [
    'another version',
    (at) => writeFileSync(join(at, '_metadata'), Buffer.from('4960672d00000009', 'hex')),
    /it has version 9; versions 2 to 6 are known/,
  ],
])('%s is one clear error', async (name, make, reason) => {
  const at = join(directory, name);
  mkdirSync(at);
  make(at);
  const { code, stdout, stderr } = await inspect(at);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(reason);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('a place that is no path of this machine is refused', async () => {
  expect(await inspect('s3://bucket/chk-1')).toMatchObject({ code: 1, stderr: expect.stringContaining('s3://') });
});

test('a checkpoint that was moved is read where it is', async () => {
  const moved = join(directory, 'moved here');
  cpSync(FLINK, moved, { recursive: true });
  expect((await recordOf(moved)).location).toBe(`${pathToFileURL(moved).href}/_metadata`);
});

test('the example of the documentation names a place where a local job keeps a savepoint, and shows what is there', async () => {
  const section = readFileSync('docs/cli.md', 'utf8').split('## flinkjob checkpoint inspect\n')[1] ?? '';
  const [, path = '', namespace = '', name = '', savepoint = ''] =
    /^flinkjob checkpoint inspect (\.flinkjob\/([^/]+)\/([^/]+)\/storage\/(\S+))$/m.exec(section) ?? [];
  expect(parseSavepointDirectory(savepoint)?.random).toHaveLength(16);
  const home = openJobHome(makeJobPlace(join(directory, DEFAULT_HOME), namespace, name));
  const storage = fileURLToPath(home.storageUri);
  cpSync(OURS, join(storage, savepoint), { recursive: true });
  const ran = await flinkjob(['checkpoint', 'inspect', path], { cwd: directory });
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(join(storage, savepoint)) });
});

test('of very many files beside a _metadata a thousand are looked into, and one that is named twice once', async () => {
  const at = join(directory, 'crowd');
  mkdirSync(at);
  // A head without states: version 6, not compressed, a Long as key.
  const longs = 'org.apache.flink.api.common.typeutils.base.LongSerializer$LongSerializerSnapshot';
  const head = parts().int(6).byte(0).int(2).utf(longs).int(3).byte(0, 0).bytes();
  const operators = parts();
  for (let index = 0; index < 1_010; index++) {
    const name = `state-${index === 1 ? 0 : index}`;
    writeFileSync(join(at, name), head);
    const keyed = parts()
      .byte(3)
      .int(0, 0)
      .add(file(head.length, `file:/elsewhere/${name}`));
    operators.hex(index.toString(16).padStart(32, '0')).int(1, 1).byte(0).int(1).add(withKeyed(keyed));
  }
  writeFileSync(join(at, '_metadata'), parts().int(0x4960672d, 3).long(1).int(0, 1_010).add(operators).bytes());
  const record = await recordOf(at);
  const known = record.operators.filter(({ statesIncomplete }) => statesIncomplete === null);
  expect(known).toHaveLength(1_001);
});
