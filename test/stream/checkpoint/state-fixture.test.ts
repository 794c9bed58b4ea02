/**
 * The savepoint in test/fixtures/state-v1 was written by the first version of the format. It must be read by this and
 * every later version. When a test here fails, the reader is wrong, not the fixture: do not write it anew.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { filesystemStorage } from '../../../src/storage/index.ts';
import { describeManifest } from '../../../src/stream/checkpoint/describe-manifest.ts';
import { readManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import { assignState } from '../../../src/stream/checkpoint/restore-assignment.ts';
import { StateReader } from '../../../src/stream/checkpoint/state-reader.ts';
import { fixtureJob, openFixtureOperator, plain } from '../../builders/state-fixture.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/state-v1', import.meta.url));
const storage = filesystemStorage({ directory: FIXTURE, clock: systemClock });
const expected = JSON.parse(readFileSync(`${FIXTURE}/expected.json`, 'utf8')) as Record<string, unknown[]>;

/** Restores the fixture and says what each operator then holds, all subtasks together. */
async function restore(parallelism: number): Promise<Record<string, unknown[]>> {
  const manifest = await readManifest(storage, '');
  const job = fixtureJob(parallelism);
  const { vertices } = assignState({
    manifest,
    job,
    from: FIXTURE,
    origin: 'startPoint',
    allowNonRestoredState: false,
  });
  const reader = new StateReader({ storage, directory: '' });
  const held: Record<string, unknown[]> = {};
  for (const [index, { subtasks }] of vertices.entries()) {
    const { name } = job.vertices[index]!;
    held[name] = [];
    for (const assignment of subtasks) {
      const [restored] = [...(await reader.read(assignment)).values()];
      const operator = openFixtureOperator(name, { subtask: assignment.subtaskIndex, parallelism, restored });
      held[name].push(...operator.dump().map(plain));
    }
  }
  return held;
}

const unordered = (held: Record<string, unknown[]>) =>
  Object.fromEntries(
    Object.entries(held).map(([uid, items]) => [uid, items.map((each) => JSON.stringify(each)).sort()]),
  );

test.each([1, 2, 3, 8])('every kind of state of version 1 is read at parallelism %i', async (parallelism) => {
  expect(unordered(await restore(parallelism))).toEqual(unordered(expected));
});

test('the fixture holds what it claims to hold', async () => {
  const { kind, checkpointId, operators } = describeManifest(await readManifest(storage, ''));
  expect({ kind, checkpointId }).toEqual({ kind: 'savepoint', checkpointId: 42 });
  const keyed = new Set(operators.flatMap((each) => each.keyed.map((state) => `${state.namespace} ${state.kind}`)));
  const kinds = ['value', 'list', 'map', 'reducing', 'aggregating'];
  const both = kinds.flatMap((each) => [`void ${each}`, `window ${each}`]);
  expect([...keyed].sort()).toEqual([...both, 'void timers'].sort());
  expect(operators.flatMap(({ keyed }) => keyed).some(({ ttl }) => ttl)).toBe(true);
  const modes = operators.flatMap(({ operatorState }) => operatorState.map(({ mode }) => mode));
  expect(modes.sort()).toEqual(['BROADCAST', 'SPLIT_DISTRIBUTE', 'UNION']);
  const raw = operators.find(({ uid }) => uid === 'raw');
  expect(raw!.rawKeyedBytes).toBeGreaterThan(0);
  expect(raw!.rawOperatorBytes).toBeGreaterThan(0);
  const keyTypes = new Set(operators.flatMap(({ keyed }) => keyed.map(({ keyType }) => keyType)));
  expect(keyTypes.size).toBe(14);
});
