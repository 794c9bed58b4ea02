/**
 * Raw state: bytes of an operator's own format. The runtime sees byte sequences only and redistributes them by partition
 * or key group. Follows Flink's OperatorStateCheckpointOutputStream and KeyedStateCheckpointOutputStream.
 */
import { IllegalArgumentException, IllegalStateException, IOException } from '../../lib/java-errors.ts';
import type { KeyedStateBackend } from '../state/backend.ts';
import { DataOutput } from '../types/data-output.ts';

/** Bytes by partition; bytes written before the first `startNewPartition` are one partition. */
export class RawOperatorStateOutput {
  readonly #partitions: DataOutput[] = [];

  startNewPartition(): void {
    this.#partitions.push(new DataOutput(64));
  }

  write(bytes: Uint8Array): void {
    if (this.#partitions.length === 0) this.startNewPartition();
    this.#partitions.at(-1)?.writeRaw(bytes);
  }

  partitions(): Uint8Array[] {
    return this.#partitions.map((partition) => partition.toBytes());
  }
}

/** Bytes by key group; each group of the local range may be started once. */
export class RawKeyedStateOutput {
  readonly #backend: KeyedStateBackend | undefined;
  readonly #groups = new Map<number, DataOutput>();
  #current: DataOutput | undefined;

  constructor(backend: KeyedStateBackend | undefined) {
    this.#backend = backend;
  }

  /** @throws IOException when the group was started before */
  startNewKeyGroup(keyGroup: number): void {
    const backend = this.#backend;
    if (backend === undefined) throw new IllegalStateException('raw keyed state can only be written on a keyed stream');
    if (keyGroup < backend.firstKeyGroup || keyGroup > backend.lastKeyGroup) {
      throw new IllegalArgumentException(
        `Key group ${keyGroup} is not in KeyGroupRange{startKeyGroup=${backend.firstKeyGroup}, endKeyGroup=${backend.lastKeyGroup}}.`,
      );
    }
    if (this.#groups.has(keyGroup)) throw new IOException(`Key group ${keyGroup} already registered!`);
    this.#current = new DataOutput(64);
    this.#groups.set(keyGroup, this.#current);
  }

  write(bytes: Uint8Array): void {
    if (this.#current === undefined)
      throw new IllegalStateException('start a key group before writing raw keyed state');
    this.#current.writeRaw(bytes);
  }

  keyGroups(): ReadonlyMap<number, Uint8Array> {
    return new Map([...this.#groups].map(([keyGroup, out]) => [keyGroup, out.toBytes()]));
  }
}
