import { createHash } from 'node:crypto';
import { systemClock } from '../../../src/lib/clock.ts';
import { memoryStorage, type Storage } from '../../../src/storage/index.ts';
import { writeSubtaskState } from '../../../src/stream/checkpoint/checkpoint-writer.ts';
import type { JobShape, VertexShape } from '../../../src/stream/checkpoint/job-shape.ts';
import type {
  CheckpointManifest,
  OperatorState,
  OperatorSubtaskState,
} from '../../../src/stream/checkpoint/manifest.ts';
import { buildManifest } from '../../../src/stream/checkpoint/manifest-builder.ts';
import { type SubtaskStateResult, subtaskKey } from '../../../src/stream/checkpoint/subtask-state.ts';
import { keyGroupRange } from '../../../src/stream/key-groups.ts';
import { operatorIdOf } from '../../../src/stream/operator-id.ts';
import type { OperatorSnapshot, OperatorStatePart } from '../../../src/stream/operators/operator.ts';
import type { KeyedStateMeta, KeyedStateSnapshot } from '../../../src/stream/state/backend.ts';

export const JOB_ID = '0123456789abcdef0123456789abcdef';
export const INT = { kind: 'int32' };
export const STRING = { kind: 'string' };

export const aState = (name: string, parts: Partial<KeyedStateMeta> = {}): KeyedStateMeta => ({
  name,
  kind: 'value',
  namespace: 'void',
  type: INT,
  ttl: false,
  ...parts,
});

/** A capture of keyed state: per state a text per key group. `released` counts calls of release. */
export function aKeyedCapture(
  states: readonly { meta: KeyedStateMeta; groups: ReadonlyMap<number, string> }[],
): KeyedStateSnapshot & { readonly released: number } {
  const capture = {
    keyType: INT,
    states: states.map(({ meta }) => meta),
    released: 0,
    *write(blocks: Parameters<KeyedStateSnapshot['write']>[0]) {
      for (const [state, { groups }] of states.entries()) {
        for (const [keyGroup, text] of groups) {
          blocks.beginBlock(state, keyGroup).writeRaw(Buffer.from(text));
          blocks.endBlock();
          yield;
        }
      }
    },
    release() {
      capture.released++;
    },
  };
  return capture;
}

export function anOperatorCapture(uid: string, parts: Partial<OperatorSnapshot> = {}): OperatorSnapshot {
  return { uid, operatorId: operatorIdOf(uid), name: `the ${uid}`, operatorState: [], ...parts };
}

export function aList(name: string, mode: OperatorStatePart['mode'], ...elements: string[]): OperatorStatePart {
  return { name, mode, type: STRING, partitions: elements.map((each) => Buffer.from(each)) };
}

export function aVertex(uids: string[], parts: Partial<VertexShape> = {}): VertexShape {
  return {
    vertexId: operatorIdOf(uids[0] ?? ''),
    name: uids.join(' -> '),
    parallelism: 2,
    maxParallelism: 8,
    maxParallelismConfigured: false,
    inputs: [],
    operators: uids.map((uid) => ({ uid, operatorId: operatorIdOf(uid), name: `the ${uid}` })),
    ...parts,
  };
}

export const aJob = (...vertices: VertexShape[]): JobShape => ({ jobId: JOB_ID, jobName: 'flights', vertices });

export const aStorage = (): Storage => memoryStorage({ clock: systemClock });

export const signal = new AbortController().signal;
export const breathe = async () => {};

/** Takes a checkpoint: asks for the captures of each subtask, writes them, and builds the manifest. */
export async function takeCheckpoint(
  storage: Storage,
  directory: string,
  job: JobShape,
  capture: (vertex: VertexShape, subtaskIndex: number) => OperatorSnapshot[] | 'gone',
  atEndOfInput: (vertex: VertexShape, subtaskIndex: number) => boolean = () => false,
): Promise<CheckpointManifest> {
  const results: SubtaskStateResult[] = [];
  const finished = new Set<string>();
  for (const vertex of job.vertices) {
    for (let subtaskIndex = 0; subtaskIndex < vertex.parallelism; subtaskIndex++) {
      const { vertexId } = vertex;
      const snapshots = capture(vertex, subtaskIndex);
      if (snapshots === 'gone' || atEndOfInput(vertex, subtaskIndex))
        finished.add(subtaskKey({ vertexId, subtaskIndex }));
      if (snapshots === 'gone') continue;
      results.push(await writeSubtaskState({ storage, directory, vertexId, subtaskIndex, snapshots, signal, breathe }));
    }
  }
  return buildManifest({
    kind: 'checkpoint',
    job,
    checkpointId: 7,
    epoch: 3,
    timestamp: 1_700_000_000_000,
    results,
    finished,
  });
}

/** All key groups of a subtask, each with a text that tells state, group and subtask. */
export function ownGroups(vertex: VertexShape, subtask: number, label: string): Map<number, string> {
  const { start, end } = keyGroupRange(subtask, vertex.parallelism, vertex.maxParallelism);
  const groups = new Map<number, string>();
  for (let group = start; group <= end; group++) groups.set(group, `${label}-${group}`);
  return groups;
}

/** A manifest without files, for decisions that look at shapes only. */
export function aManifest(operators: OperatorState[], parts: Partial<CheckpointManifest> = {}): CheckpointManifest {
  return {
    format: 'flinkjob-state',
    version: 1,
    kind: 'savepoint',
    jobId: JOB_ID,
    jobName: 'flights',
    checkpointId: 7,
    epoch: 3,
    timestamp: 1_700_000_000_000,
    files: [{ path: 'a.state', sizeBytes: 10_000, sha256: 'a'.repeat(64) }],
    operators,
    ...parts,
  };
}

/** The state of one operator in a manifest; by default each subtask has one list element. */
export function anOperatorState(
  uid: string,
  parts: Partial<OperatorState> = {},
  subtask: (index: number) => Partial<OperatorSubtaskState> = () => ({ file: 0, operatorState: [aHandle('list', 1)] }),
): OperatorState {
  const parallelism = parts.parallelism ?? 2;
  return {
    uid,
    operatorId: operatorIdOf(uid),
    name: `the ${uid}`,
    parallelism,
    maxParallelism: 8,
    maxParallelismConfigured: false,
    finished: false,
    subtasks: Array.from({ length: parallelism }, (_, index) => ({ subtask: index, ...subtask(index) })),
    ...parts,
  };
}

export function aHandle(name: string, elements: number, mode: OperatorStatePart['mode'] = 'SPLIT_DISTRIBUTE') {
  return { name, mode, type: STRING, partitions: Array.from({ length: elements }, (_, at) => [100 + at, 1]).flat() };
}

/** Replaces a file, which a storage itself never does. */
export async function damage(storage: Storage, path: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const bytes = await storage.read(path);
  if (bytes === undefined) throw new Error(`no file ${path}`);
  await storage.delete(path);
  await storage.write(path, change(Buffer.from(bytes)), { exclusive: true });
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
