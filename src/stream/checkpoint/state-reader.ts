/**
 * Reads the state that was assigned to subtasks. Each file is read once per reader (one reader per worker), compared
 * with the size and hash of the manifest, and its checksums are checked, before a byte of it is used.
 *
 * Damage is a CheckpointError CHECKPOINT_CORRUPT, so that the caller can turn to an earlier checkpoint. A storage that
 * cannot answer is not damage: its StorageError passes unchanged.
 */
import { webcrypto } from 'node:crypto';
import type { Storage } from '../../storage/index.ts';
import type { OperatorRestore, OperatorStatePart } from '../operators/operator.ts';
import type { RestoredKeyedState } from '../state/backend.ts';
import { corruptFile } from './errors.ts';
import { filePath, fullName } from './locations.ts';
import type { StateFile } from './manifest.ts';
import type {
  KeyedAssignment,
  OperatorAssignment,
  OperatorStateAssignment,
  SubtaskAssignment,
} from './restore-assignment.ts';
import { blockAt, type OpenedStateFile, openStateFile, partitionAt } from './state-file.ts';

export interface StateReaderOptions {
  readonly storage: Pick<Storage, 'uri' | 'read'>;
  /** Of the checkpoint or savepoint; empty when the storage was opened at it. */
  readonly directory: string;
}

/** State of all operators of one subtask, by operator id. */
export type SubtaskRestore = ReadonlyMap<string, OperatorRestore>;

/** Reads assigned state of one checkpoint. Not for longer than the restore: it holds the files it has read. */
export class StateReader {
  readonly #storage: StateReaderOptions['storage'];
  readonly #directory: string;
  readonly #files = new Map<string, Promise<OpenedStateFile>>();

  constructor({ storage, directory }: StateReaderOptions) {
    this.#storage = storage;
    this.#directory = directory;
  }

  /**
   * The state of one subtask. Bytes are views into the files; they stay valid as long as somebody holds them.
   * @throws CheckpointError, StorageError
   */
  async read(assignment: SubtaskAssignment): Promise<SubtaskRestore> {
    const files = await Promise.all(assignment.files.map((file) => this.#open(file)));
    return new Map(
      assignment.operators.map((each) => [each.operatorId, operatorRestore(assignment.checkpointId, each, files)]),
    );
  }

  #open(file: StateFile): Promise<OpenedStateFile> {
    const known = this.#files.get(file.path);
    if (known !== undefined) return known;
    const opening = this.#readAndCheck(file);
    this.#files.set(file.path, opening);
    return opening;
  }

  async #readAndCheck(file: StateFile): Promise<OpenedStateFile> {
    const path = filePath(this.#directory, file.path);
    const where = fullName(this.#storage.uri, path);
    const bytes = await this.#storage.read(path);
    if (bytes === undefined) throw corruptFile(where, `a file of ${file.sizeBytes} bytes`, 'no such file');
    if (bytes.byteLength !== file.sizeBytes) {
      throw corruptFile(where, `${file.sizeBytes} bytes`, `${bytes.byteLength} bytes`);
    }
    const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString(
      'hex',
    );
    if (sha256 !== file.sha256) throw corruptFile(where, `sha256 ${file.sha256}`, sha256);
    return openStateFile(where, bytes);
  }
}

type Files = readonly OpenedStateFile[];

function operatorRestore(checkpointId: number, assignment: OperatorAssignment, files: Files): OperatorRestore {
  return {
    checkpointId,
    keyed: assignment.keyed.map((keyed) => keyedState(keyed, files)),
    operatorState: assignment.operatorState.map((part) => operatorStatePart(part, files)),
    rawKeyed: rawKeyedState(assignment.rawKeyed, files),
    rawOperator: partitionBytes(assignment.rawOperator, files),
  };
}

function keyedState({ file, keyType, states, blocks: index }: KeyedAssignment, files: Files): RestoredKeyedState {
  const blocks: { stateIndex: number; keyGroup: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < index.length; at += 4) {
    const [stateIndex = 0, keyGroup = 0, offset = 0, length = 0] = index.slice(at, at + 4);
    const wanted = { kind: 'keyed' as const, state: stateIndex, group: keyGroup, offset, length };
    blocks.push({ stateIndex, keyGroup, bytes: blockAt(fileOf(files, file), wanted) });
  }
  return { keyType, states, blocks };
}

function operatorStatePart(assignment: OperatorStateAssignment, files: Files): OperatorStatePart {
  const { name, mode, type, mapKeyType } = assignment;
  const partitions = partitionBytes(assignment.partitions, files);
  return { name, mode, type, ...(mapKeyType === undefined ? {} : { mapKeyType }), partitions };
}

function rawKeyedState(index: readonly number[], files: Files): Map<number, Uint8Array> {
  const groups = new Map<number, Uint8Array>();
  for (let at = 0; at < index.length; at += 4) {
    const [keyGroup = 0, file = 0, offset = 0, length = 0] = index.slice(at, at + 4);
    const wanted = { kind: 'rawKeyed' as const, state: 0, group: keyGroup, offset, length };
    groups.set(keyGroup, blockAt(fileOf(files, file), wanted));
  }
  return groups;
}

function partitionBytes(index: readonly number[], files: Files): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < index.length; at += 3) {
    const [file = 0, offset = 0, length = 0] = index.slice(at, at + 3);
    found.push(partitionAt(fileOf(files, file), offset, length));
  }
  return found;
}

function fileOf(files: Files, number: number | undefined): OpenedStateFile {
  const file = number === undefined ? undefined : files[number];
  if (file === undefined) throw corruptFile(`number ${number}`, 'a file of the assignment', `${files.length} files`);
  return file;
}
