/**
 * Which subtask of a job reads which bytes of a checkpoint. Pure: the same manifest and job give the same assignment in
 * every process. Nothing is read here; the result is plain data that travels to the workers.
 *
 *     checks (restore-checks.ts) → keyed: old key groups ∩ own range → operator state: split, union, broadcast
 *     → proof that every stored key group and partition has found a place
 */
import { IllegalStateException } from '../../lib/java-errors.ts';
import { type KeyGroupRange, keyGroupRange } from '../key-groups.ts';
import type { RedistributionMode } from '../operators/operator.ts';
import type { KeyedStateMeta } from '../state/backend.ts';
import {
  type OperatorStateFile,
  RAW_OPERATOR_STATE_NAME,
  redistributeKeyGroups,
  redistributeOperatorState,
  type SubtaskOperatorState,
} from '../state/redistribution.ts';
import type { TypeSchema } from '../types/type-information.ts';
import type { OperatorShape } from './job-shape.ts';
import type {
  CheckpointManifest,
  OperatorState,
  OperatorStateHandle,
  OperatorSubtaskState,
  StateFile,
} from './manifest.ts';
import {
  checkRestore,
  effectiveMaximum,
  isFinished,
  type MatchedVertex,
  matchOperators,
  operatorsWithoutPlace,
  type RestoreFacts,
} from './restore-checks.ts';
import { outlineOf } from './state-outline.ts';

/** Keyed state of one old subtask, as far as the new one owns it. */
export interface KeyedAssignment {
  /** Index into the subtask's `files`; absent when there are no blocks. */
  readonly file?: number;
  readonly keyType: TypeSchema;
  readonly states: readonly KeyedStateMeta[];
  /** `state, key group, offset, length` in fours. */
  readonly blocks: readonly number[];
}

/** One operator state: its partitions in order. */
export interface OperatorStateAssignment {
  readonly name: string;
  readonly mode: RedistributionMode;
  readonly type: TypeSchema;
  readonly mapKeyType?: TypeSchema;
  /** `file, offset, length` in threes. */
  readonly partitions: readonly number[];
}

export interface OperatorAssignment {
  readonly operatorId: string;
  readonly keyed: readonly KeyedAssignment[];
  readonly operatorState: readonly OperatorStateAssignment[];
  /** `key group, file, offset, length` in fours. */
  readonly rawKeyed: readonly number[];
  /** `file, offset, length` in threes. */
  readonly rawOperator: readonly number[];
}

export interface SubtaskAssignment {
  readonly vertexId: string;
  readonly subtaskIndex: number;
  readonly checkpointId: number;
  /** The files this subtask reads from; other numbers are indexes into it. */
  readonly files: readonly StateFile[];
  /** All operators of the chain, those without stored state too: restored is not the same as having state. */
  readonly operators: readonly OperatorAssignment[];
}

export interface VertexAssignment {
  readonly vertexId: string;
  /** The one to run with: the stored one where the job's was only a default. */
  readonly maxParallelism: number;
  /** All its operators had finished: it ends at once, without reading input. */
  readonly finished: boolean;
  readonly subtasks: readonly SubtaskAssignment[];
}

export interface RestoreAssignment {
  readonly checkpointId: number;
  readonly vertices: readonly VertexAssignment[];
  /** Operators whose state is dropped because that was allowed; to be logged. */
  readonly dropped: readonly OperatorShape[];
}

/** What a restore is judged by, with the places of the bytes. */
export interface AssignmentFacts extends Omit<RestoreFacts, 'state'> {
  readonly manifest: CheckpointManifest;
}

/**
 * Assigns the state of a checkpoint to the subtasks of a job.
 * @throws IllegalStateException when the state does not fit the job, with every reason
 * @throws FlinkRuntimeException when finished vertices come after unfinished ones
 */
export function assignState({ manifest, ...rest }: AssignmentFacts): RestoreAssignment {
  const facts = { ...rest, state: outlineOf(manifest) };
  const matched = matchOperators(facts);
  checkRestore(facts, matched);
  return {
    checkpointId: manifest.checkpointId,
    vertices: matched.map((each) => assignVertex(manifest, each)),
    dropped: operatorsWithoutPlace(facts).map(({ uid, operatorId, name }) => ({ uid, operatorId, name })),
  };
}

function assignVertex(manifest: CheckpointManifest, matched: MatchedVertex): VertexAssignment {
  const { vertex } = matched;
  const stored = new Map(manifest.operators.map((state) => [state.operatorId, state]));
  const maxParallelism = effectiveMaximum(matched);
  const shares = matched.operators.map(({ operator }) =>
    shareOperator(operator, stored.get(operator.operatorId), vertex.parallelism, maxParallelism),
  );
  const subtasks = Array.from({ length: vertex.parallelism }, (_, subtaskIndex): SubtaskAssignment => {
    const files = new FileTable(manifest.files);
    const operators = shares.map((share) => place(share, subtaskIndex, files));
    const { vertexId } = vertex;
    return { vertexId, subtaskIndex, checkpointId: manifest.checkpointId, files: files.used, operators };
  });
  return { vertexId: vertex.vertexId, maxParallelism, finished: isFinished(matched), subtasks };
}

/** Gives the files a subtask needs numbers of its own. */
class FileTable {
  readonly used: StateFile[] = [];
  readonly #all: readonly StateFile[];
  readonly #numbers = new Map<number, number>();

  constructor(all: readonly StateFile[]) {
    this.#all = all;
  }

  number(file: number): number {
    const known = this.#numbers.get(file);
    if (known !== undefined) return known;
    const found = this.#all[file];
    if (found === undefined) throw new IllegalStateException(`The manifest has no file ${file}.`);
    const number = this.used.push(found) - 1;
    this.#numbers.set(file, number);
    return number;
  }
}

/** A stored partition. */
interface Partition {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** An old subtask's keyed state. */
interface KeyedHolder {
  readonly range: KeyGroupRange;
  readonly old: OperatorSubtaskState;
}

/** The state of one operator, dealt out to new subtasks. */
interface OperatorShare {
  readonly operator: OperatorShape;
  readonly state: OperatorState | undefined;
  readonly keyed: readonly (readonly { readonly handle: KeyedHolder; readonly range: KeyGroupRange }[])[];
  readonly managed: readonly SubtaskOperatorState<Partition>[];
  readonly raw: readonly SubtaskOperatorState<Partition>[];
}

function shareOperator(
  operator: OperatorShape,
  state: OperatorState | undefined,
  newParallelism: number,
  maxParallelism: number,
): OperatorShare {
  if (state === undefined) return { operator, state, keyed: [], managed: [], raw: [] };
  const { subtasks, parallelism: oldParallelism } = state;
  const holders = subtasks.map((old): KeyedHolder[] => {
    if (old.keyed === undefined && old.rawKeyed === undefined) return [];
    return [{ range: keyGroupRange(old.subtask, oldParallelism, state.maxParallelism), old }];
  });
  const share = {
    operator,
    state,
    keyed: redistributeKeyGroups({ previous: holders, newParallelism, maxParallelism }),
    managed: redistributeOperatorState({ previous: subtasks.map(managedFiles), oldParallelism, newParallelism }),
    raw: redistributeOperatorState({ previous: subtasks.map(rawFiles), oldParallelism, newParallelism }),
  };
  refuseLess(share, state);
  return share;
}

function managedFiles(old: OperatorSubtaskState): OperatorStateFile<Partition>[] {
  if (old.operatorState === undefined) return [];
  const states = new Map(
    old.operatorState.map(({ name, mode, partitions }) => [name, { mode, offsets: partitionsOf(old, partitions) }]),
  );
  return [{ file: fileName(old), states }];
}

function rawFiles(old: OperatorSubtaskState): OperatorStateFile<Partition>[] {
  if (old.rawOperator === undefined) return [];
  const offsets = partitionsOf(old, old.rawOperator);
  return [{ file: fileName(old), states: new Map([[RAW_OPERATOR_STATE_NAME, { mode: 'SPLIT_DISTRIBUTE', offsets }]]) }];
}

/** One file per old subtask, numbered by it, so that files sort in the order of old subtasks. */
const fileName = (old: OperatorSubtaskState) => String(old.subtask);

function partitionsOf(old: OperatorSubtaskState, index: readonly number[]): Partition[] {
  const { file } = old;
  if (file === undefined) return [];
  return Array.from({ length: index.length / 2 }, (_, at) => ({
    file,
    offset: index[at * 2] ?? 0,
    length: index[at * 2 + 1] ?? 0,
  }));
}

/** Every key group and every split partition must have found one place: counted, not believed. */
function refuseLess(share: Omit<OperatorShare, 'operator' | 'state'>, state: OperatorState): void {
  const stored = state.subtasks.flatMap((old) => keyGroupsOf(old)).length;
  const assigned = share.keyed
    .flat()
    .flatMap(({ handle, range }) => keyGroupsOf(handle.old).filter((kg) => range.contains(kg)));
  if (assigned.length === stored) {
    const splitStored = countSplit(state.subtasks.flatMap((old) => [...managedFiles(old), ...rawFiles(old)]));
    if (countSplit([...share.managed.flat(), ...share.raw.flat()]) === splitStored) return;
  }
  throw new IllegalStateException(
    `The state of operator "${state.name}" (uid ${state.uid}) can not be restored: not all of it would have a place in the ` +
      'job. Restore at the parallelism it was taken with.',
  );
}

function keyGroupsOf({ keyed, rawKeyed = [] }: OperatorSubtaskState): number[] {
  const managed = keyed?.states.flatMap(({ blocks }) => blocks.filter((_, at) => at % 3 === 0)) ?? [];
  return [...managed, ...rawKeyed.filter((_, at) => at % 3 === 0)];
}

function countSplit(files: readonly OperatorStateFile<Partition>[]): number {
  const metas = files.flatMap(({ states }) => [...states.values()]);
  return metas.reduce((sum, { mode, offsets }) => sum + (mode === 'SPLIT_DISTRIBUTE' ? offsets.length : 0), 0);
}

/** What one new subtask gets of an operator. */
function place(
  { operator, state, keyed, managed, raw }: OperatorShare,
  subtask: number,
  files: FileTable,
): OperatorAssignment {
  const held = keyed[subtask] ?? [];
  return {
    operatorId: operator.operatorId,
    keyed: held.flatMap(({ handle, range }) => placeKeyed(handle.old, range, files)),
    operatorState: placeManaged(state, managed[subtask] ?? [], files),
    rawKeyed: held.flatMap(({ handle, range }) => placeRawKeyed(handle.old, range, files)),
    rawOperator: placed(
      inOldOrder(raw[subtask] ?? []).flatMap(({ states }) => states.get(RAW_OPERATOR_STATE_NAME)?.offsets ?? []),
      files,
    ),
  };
}

function placeKeyed(old: OperatorSubtaskState, range: KeyGroupRange, files: FileTable): KeyedAssignment[] {
  if (old.keyed === undefined) return [];
  const { keyType, states } = old.keyed;
  const blocks: number[] = [];
  for (const [state, { blocks: index }] of states.entries()) {
    for (let at = 0; at < index.length; at += 3) {
      const [keyGroup = 0, offset = 0, length = 0] = index.slice(at, at + 3);
      if (range.contains(keyGroup)) blocks.push(state, keyGroup, offset, length);
    }
  }
  const file = blocks.length === 0 || old.file === undefined ? {} : { file: files.number(old.file) };
  return [{ ...file, keyType, states: states.map(({ blocks: _, ...meta }) => meta), blocks }];
}

function placeRawKeyed(old: OperatorSubtaskState, range: KeyGroupRange, files: FileTable): number[] {
  const { file, rawKeyed: index = [] } = old;
  const found: number[] = [];
  for (let at = 0; file !== undefined && at < index.length; at += 3) {
    const [keyGroup = 0, offset = 0, length = 0] = index.slice(at, at + 3);
    if (range.contains(keyGroup)) found.push(keyGroup, files.number(file), offset, length);
  }
  return found;
}

function placeManaged(
  state: OperatorState | undefined,
  dealt: SubtaskOperatorState<Partition>,
  files: FileTable,
): OperatorStateAssignment[] {
  const parts = new Map<string, { handle: OperatorStateHandle; partitions: Partition[] }>();
  for (const { file, states } of inOldOrder(dealt)) {
    for (const [name, { offsets }] of states) {
      const handle = state?.subtasks[Number(file)]?.operatorState?.find((each) => each.name === name);
      if (handle === undefined) continue;
      // Old subtasks may have stored a name with different types: one had registered it anew, another only kept it.
      const key = JSON.stringify([name, handle.mode, handle.type, handle.mapKeyType]);
      const part = parts.get(key) ?? { handle, partitions: [] };
      for (const partition of offsets) part.partitions.push(partition);
      parts.set(key, part);
    }
  }
  return [...parts.values()].map(({ handle: { name, mode, type, mapKeyType }, partitions }) => ({
    name,
    mode,
    type,
    ...(mapKeyType === undefined ? {} : { mapKeyType }),
    partitions: placed(partitions, files),
  }));
}

/** Elements keep the order of old subtasks. */
function inOldOrder(dealt: SubtaskOperatorState<Partition>): SubtaskOperatorState<Partition> {
  return [...dealt].sort((left, right) => Number(left.file) - Number(right.file));
}

function placed(partitions: readonly Partition[], files: FileTable): number[] {
  return partitions.flatMap(({ file, offset, length }) => [files.number(file), offset, length]);
}
