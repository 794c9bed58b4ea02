/**
 * Checks that a JSON document is a manifest and that it makes sense: every subtask there once, key groups inside their
 * range and owned once, every offset inside its file. What passes can be restored without further checks of its shape.
 */
import { HIGHEST_MAX_PARALLELISM } from '../key-groups.ts';
import type { KeyedStateMeta } from '../state/backend.ts';
import type { TypeSchema } from '../types/type-information.ts';
import { JsonMismatch, JsonObject } from './json-reader.ts';
import { isRelativeFile } from './locations.ts';
import {
  type CheckpointManifest,
  type KeyedStateHandle,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  type OperatorState,
  type OperatorStateHandle,
  type OperatorSubtaskState,
  type StateFile,
} from './manifest.ts';
import { STATE_FILE_HEADER_BYTES } from './state-file.ts';

const MOST_OPERATORS = 10_000;
const MOST_STATES = 10_000;
const MOST_FIELDS = 10_000;
const DEEPEST_TYPE = 64;
const LONGEST_NAME = 4_096;
/** In milliseconds since 1970; JavaScript counts no further. */
const LAST_INSTANT = 8.64e15;
const STATE_KINDS = ['value', 'list', 'map', 'reducing', 'aggregating', 'timers'] as const;
const NAMESPACES = ['void', 'window'] as const;
const MODES = ['SPLIT_DISTRIBUTE', 'UNION', 'BROADCAST'] as const;

/** The manifest in a parsed JSON document. @throws JsonMismatch naming the first thing that does not fit */
export function manifestFrom(document: unknown): CheckpointManifest {
  const json = new JsonObject(document);
  const files = json.list('files', HIGHEST_MAX_PARALLELISM * 64, stateFile);
  refuseTwice(
    files.map(({ path }) => path),
    'files',
    'paths',
  );
  const operators = json.list('operators', MOST_OPERATORS, (item) => operatorState(item, files));
  refuseTwice(
    operators.map(({ operatorId }) => operatorId),
    'operators',
    'operator ids',
  );
  return {
    format: json.oneOf('format', [MANIFEST_FORMAT]),
    version: json.integer('version', MANIFEST_VERSION, MANIFEST_VERSION) as typeof MANIFEST_VERSION,
    kind: json.oneOf('kind', ['checkpoint', 'savepoint']),
    jobId: json.text('jobId', 64),
    jobName: json.text('jobName', LONGEST_NAME),
    checkpointId: json.integer('checkpointId', 0, Number.MAX_SAFE_INTEGER),
    epoch: json.integer('epoch', 0, Number.MAX_SAFE_INTEGER),
    timestamp: json.integer('timestamp', 0, LAST_INSTANT),
    files,
    operators,
  };
}

function stateFile(json: JsonObject): StateFile {
  const path = json.text('path', 512);
  if (!isRelativeFile(path)) throw new JsonMismatch(json.at('path'), 'a file in the directory of the manifest', path);
  return {
    path,
    sizeBytes: json.integer('sizeBytes', STATE_FILE_HEADER_BYTES, Number.MAX_SAFE_INTEGER),
    sha256: json.pattern('sha256', /^[0-9a-f]{64}$/, '64 lowercase hex digits'),
  };
}

function operatorState(json: JsonObject, files: readonly StateFile[]): OperatorState {
  const maxParallelism = json.integer('maxParallelism', 1, HIGHEST_MAX_PARALLELISM);
  const parallelism = json.integer('parallelism', 1, maxParallelism);
  const subtasks = json.list('subtasks', parallelism, (item) => subtaskState(item, files, maxParallelism));
  if (subtasks.length < parallelism) {
    throw new JsonMismatch(json.at('subtasks'), `a list of ${parallelism}`, `${subtasks.length} entries`);
  }
  for (const [index, { subtask }] of subtasks.entries()) {
    if (subtask !== index) throw new JsonMismatch(`${json.at('subtasks')}[${index}].subtask`, `${index}`, subtask);
  }
  refuseSharedKeyGroups(subtasks, json.at('subtasks'));
  return {
    uid: json.text('uid', LONGEST_NAME),
    operatorId: json.pattern('operatorId', /^[0-9a-f]{32}$/, '32 lowercase hex digits'),
    name: json.text('name', LONGEST_NAME),
    parallelism,
    maxParallelism,
    maxParallelismConfigured: json.boolean('maxParallelismConfigured'),
    finished: json.boolean('finished'),
    subtasks,
  };
}

/** What the offsets of one subtask are checked against. */
interface Bounds {
  readonly sizeBytes: number;
  readonly maxParallelism: number;
}

function subtaskState(json: JsonObject, files: readonly StateFile[], maxParallelism: number): OperatorSubtaskState {
  const file = json.has('file') ? json.integer('file', 0, files.length - 1) : undefined;
  // Without a file any offset is one too many, because no block has fewer bytes than one.
  const bounds = { sizeBytes: file === undefined ? 0 : (files[file]?.sizeBytes ?? 0), maxParallelism };
  const all = { firstKeyGroup: 0, lastKeyGroup: maxParallelism - 1 };
  return {
    subtask: json.integer('subtask', 0, HIGHEST_MAX_PARALLELISM - 1),
    ...(file === undefined ? {} : { file }),
    ...(json.has('finished') && json.boolean('finished') ? { finished: true as const } : {}),
    ...(json.has('keyed') ? { keyed: keyedHandle(json.object('keyed'), bounds) } : {}),
    ...(json.has('operatorState')
      ? { operatorState: json.list('operatorState', MOST_STATES, (item) => operatorHandle(item, bounds)) }
      : {}),
    ...(json.has('rawKeyed') ? { rawKeyed: blocks(json, 'rawKeyed', all, bounds) } : {}),
    ...(json.has('rawOperator') ? { rawOperator: partitions(json, 'rawOperator', bounds) } : {}),
  };
}

function keyedHandle(json: JsonObject, bounds: Bounds): KeyedStateHandle {
  const firstKeyGroup = json.integer('firstKeyGroup', 0, bounds.maxParallelism - 1);
  // An empty range is written as [0, -1], never needed: every subtask owns at least one group.
  const lastKeyGroup = json.integer('lastKeyGroup', firstKeyGroup, bounds.maxParallelism - 1);
  const states = json.list('states', MOST_STATES, (item) => ({
    ...keyedMeta(item),
    blocks: blocks(item, 'blocks', { firstKeyGroup, lastKeyGroup }, bounds),
  }));
  return { keyType: typeSchema(json.object('keyType')), firstKeyGroup, lastKeyGroup, states };
}

function keyedMeta(json: JsonObject): KeyedStateMeta {
  return {
    name: json.text('name', LONGEST_NAME),
    kind: json.oneOf('kind', STATE_KINDS),
    namespace: json.oneOf('namespace', NAMESPACES),
    ...(json.has('type') ? { type: typeSchema(json.object('type')) } : {}),
    ...(json.has('mapKeyType') ? { mapKeyType: typeSchema(json.object('mapKeyType')) } : {}),
    ttl: json.boolean('ttl'),
  };
}

function operatorHandle(json: JsonObject, bounds: Bounds): OperatorStateHandle {
  return {
    name: json.text('name', LONGEST_NAME),
    mode: json.oneOf('mode', MODES),
    type: typeSchema(json.object('type')),
    ...(json.has('mapKeyType') ? { mapKeyType: typeSchema(json.object('mapKeyType')) } : {}),
    partitions: partitions(json, 'partitions', bounds),
  };
}

/** Key groups ascending and in their range, bytes inside the file. */
function blocks(
  json: JsonObject,
  name: string,
  range: { readonly firstKeyGroup: number; readonly lastKeyGroup: number },
  { sizeBytes }: Bounds,
): readonly number[] {
  const index = json.counts(name, 3);
  let earlier = range.firstKeyGroup - 1;
  for (let at = 0; at < index.length; at += 3) {
    const keyGroup = index[at] ?? 0;
    if (keyGroup <= earlier || keyGroup > range.lastKeyGroup) {
      const wanted = `a key group from ${earlier + 1} to ${range.lastKeyGroup}`;
      throw new JsonMismatch(`${json.at(name)}[${at}]`, wanted, keyGroup);
    }
    earlier = keyGroup;
    checkInside(json, `${name}[${at + 1}]`, index[at + 1] ?? 0, index[at + 2] ?? 0, sizeBytes);
  }
  return index;
}

function partitions(json: JsonObject, name: string, { sizeBytes }: Bounds): readonly number[] {
  const index = json.counts(name, 2);
  for (let at = 0; at < index.length; at += 2) {
    checkInside(json, `${name}[${at}]`, index[at] ?? 0, index[at + 1] ?? 0, sizeBytes);
  }
  return index;
}

function checkInside(json: JsonObject, name: string, offset: number, length: number, sizeBytes: number): void {
  if (offset >= STATE_FILE_HEADER_BYTES && offset + length <= sizeBytes) return;
  throw new JsonMismatch(json.at(name), `inside a file of ${sizeBytes} bytes`, `${length} bytes at ${offset}`);
}

function typeSchema(json: JsonObject, depth = 0): TypeSchema {
  if (depth > DEEPEST_TYPE) throw new JsonMismatch(json.path, `at most ${DEEPEST_TYPE} types deep`, 'a deeper one');
  const nested = (name: string) => typeSchema(json.object(name), depth + 1);
  return {
    kind: json.text('kind', 64),
    ...(json.has('fields') ? { fields: json.list('fields', MOST_FIELDS, (item) => field(item, depth)) } : {}),
    ...(json.has('element') ? { element: nested('element') } : {}),
    ...(json.has('key') ? { key: nested('key') } : {}),
  };
}

function field(json: JsonObject, depth: number): NonNullable<TypeSchema['fields']>[number] {
  return {
    name: json.text('name', LONGEST_NAME),
    type: typeSchema(json.object('type'), depth + 1),
    ...(json.has('defaultValue') ? { defaultValue: json.raw('defaultValue') } : {}),
  };
}

/** Two subtasks with the same key group would restore it twice. Old subtasks hold ascending ranges. */
function refuseSharedKeyGroups(subtasks: readonly OperatorSubtaskState[], path: string): void {
  let earlier = -1;
  let earlierRaw = -1;
  for (const { subtask, keyed, rawKeyed } of subtasks) {
    if (keyed !== undefined) {
      if (keyed.firstKeyGroup <= earlier) throw sharedKeyGroup(path, subtask, keyed.firstKeyGroup, earlier);
      earlier = keyed.lastKeyGroup;
    }
    if (rawKeyed !== undefined && rawKeyed.length > 0) {
      const [first = 0] = rawKeyed;
      if (first <= earlierRaw) throw sharedKeyGroup(path, subtask, first, earlierRaw);
      earlierRaw = rawKeyed.at(-3) ?? earlierRaw;
    }
  }
}

function sharedKeyGroup(path: string, subtask: number, first: number, earlier: number): JsonMismatch {
  return new JsonMismatch(`${path}[${subtask}]`, `key groups above ${earlier}, which an earlier subtask holds`, first);
}

function refuseTwice(values: readonly string[], path: string, what: string): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new JsonMismatch(path, `a list of different ${what}`, `${value} twice`);
    seen.add(value);
  }
}
