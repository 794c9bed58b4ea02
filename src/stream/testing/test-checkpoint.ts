/** A completed checkpoint or savepoint of a test run: bytes in memory, in the format of a real one. */
import type { Storage } from '../../storage/index.ts';
import { filePath } from '../checkpoint/locations.ts';
import type { CheckpointManifest, OperatorSubtaskState } from '../checkpoint/manifest.ts';
import { openStateFile, partitionAt } from '../checkpoint/state-file.ts';
import type { ListStateDescriptor } from '../state/descriptors.ts';
import { DataInput } from '../types/index.ts';

export class TestCheckpoint {
  readonly id: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Within the storage of the run. */
  readonly directory: string;
  readonly sha256: string;
  readonly manifest: CheckpointManifest;
  readonly #storage: Storage;

  constructor(storage: Storage, directory: string, sha256: string, manifest: CheckpointManifest) {
    this.#storage = storage;
    this.id = manifest.checkpointId;
    this.kind = manifest.kind;
    this.directory = directory;
    this.sha256 = sha256;
    this.manifest = manifest;
  }

  /** Bytes of all state files. */
  get stateBytes(): number {
    return this.manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  /**
   * What an operator list state holds, subtask by subtask, decoded. A list that was not stored is empty.
   * @param uid of the operator
   */
  async listState<T>(uid: string, descriptor: ListStateDescriptor<T>): Promise<T[][]> {
    const operator = this.manifest.operators.find((each) => each.uid === uid);
    return Promise.all((operator?.subtasks ?? []).map((subtask) => this.#elements(subtask, descriptor)));
  }

  async #elements<T>(subtask: OperatorSubtaskState, descriptor: ListStateDescriptor<T>): Promise<T[]> {
    const state = subtask.operatorState?.find(({ name }) => name === descriptor.name);
    const file = subtask.file === undefined ? undefined : this.manifest.files[subtask.file];
    if (state === undefined || file === undefined) return [];
    const path = filePath(this.directory, file.path);
    const opened = openStateFile(path, (await this.#storage.read(path)) ?? new Uint8Array());
    const elements: T[] = [];
    for (let at = 0; at < state.partitions.length; at += 2) {
      const [offset = 0, length = 0] = state.partitions.slice(at, at + 2);
      elements.push(descriptor.elementType.read(new DataInput(partitionAt(opened, offset, length))));
    }
    return elements;
  }
}
