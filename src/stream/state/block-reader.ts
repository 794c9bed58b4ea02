/** Puts the blocks of a restored state back into its table and column. */

import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { IOException, StateMigrationException } from '../../lib/java-errors.ts';
import { murmurHash32 } from '../key-groups.ts';
import { DataInput } from '../types/data-input.ts';
import { typeFromSchema } from '../types/type-from-schema.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type { KeyedStateMeta } from './backend.ts';
import type { Column } from './columns.ts';
import type { StateDescriptor } from './descriptors.ts';
import type { KeyTable } from './key-table.ts';
import type { RestoredBlock, RestoredState } from './restored-states.ts';
import { compatibleReader } from './schema-compatibility.ts';
import { type RegisteredState, storedReader } from './state-factory.ts';
import { checkRestoredMeta, migrationRefused, typesOf } from './state-registration.ts';

type Read = (input: DataInput) => unknown;

/** A restored part of a state with what reads its values. */
export interface ReadablePart {
  readonly blocks: readonly RestoredBlock[];
  readonly read: Read;
}

/** How to read parts of a restored state. @throws StateMigrationException when they do not fit the descriptor */
export function readableParts(
  parts: readonly RestoredState[],
  descriptor: StateDescriptor,
  meta: KeyedStateMeta,
): readonly ReadablePart[] {
  return parts.map((part) => ({ blocks: part.blocks, read: readerFor(part.meta, descriptor, meta) }));
}

/** Decodes the parts into a state. @throws IOException for damaged bytes */
export function readParts(
  parts: readonly ReadablePart[],
  state: RegisteredState,
  keyType: TypeInformation<unknown>,
  maxParallelism: number,
): void {
  state.cursors.table.reserve(countEntries(parts));
  for (const { blocks, read } of parts) {
    const reader = new BlockReader(state, keyType, maxParallelism, read);
    for (const block of blocks) reader.read(block);
  }
}

/** How many entries the blocks hold, as far as one may believe them: growing in one go is a third of the work. */
function countEntries(parts: readonly ReadablePart[]): number {
  let count = 0;
  for (const { blocks } of parts) for (const { bytes } of blocks) count += announcedCount(bytes);
  return count;
}

function announcedCount(bytes: Uint8Array): number {
  // What is damaged is reported when it is read. An entry has a byte or more.
  const isWhole = bytes.subarray(0, 8).some((byte) => byte < 0x80);
  return isWhole ? Math.min(new DataInput(bytes).readVarint(), bytes.length) : 0;
}

function readerFor(stored: KeyedStateMeta, descriptor: StateDescriptor, declared: KeyedStateMeta): Read {
  checkRestoredMeta(stored, declared);
  const { value, mapKey } = typesOf(descriptor);
  const differences: string[] = [];
  const readValue = partReader(stored.type, value, 'value', differences);
  const readMapKey = mapKey === undefined ? unused : partReader(stored.mapKeyType, mapKey, 'map key', differences);
  if (differences.length > 0) throw migrationRefused(stored.name, differences);
  return storedReader(descriptor, declared.ttl, readValue, readMapKey);
}

function partReader(
  stored: TypeSchema | undefined,
  declared: TypeInformation<unknown>,
  what: string,
  differences: string[],
): Read {
  if (stored === undefined) {
    throw new StateMigrationException('A stored state does not say of which type it is: its manifest is damaged.');
  }
  const verdict = compatibleReader(typeFromSchema(stored), declared, what);
  if (verdict.compatible) return verdict.read;
  differences.push(...verdict.differences);
  return unused;
}

function unused(): never {
  throw new IOException('A state without a reader was read.');
}

class BlockReader {
  readonly #name: string;
  readonly #table: KeyTable;
  readonly #column: Column;
  readonly #keyType: TypeInformation<unknown>;
  readonly #maxParallelism: number;
  readonly #read: Read;

  constructor(state: RegisteredState, keyType: TypeInformation<unknown>, maxParallelism: number, read: Read) {
    this.#name = state.meta.name;
    this.#table = state.cursors.table;
    this.#column = state.column;
    this.#keyType = keyType;
    this.#maxParallelism = maxParallelism;
    this.#read = read;
  }

  read(block: RestoredBlock): void {
    const input = new DataInput(block.bytes);
    try {
      // Every entry has a key of a byte or more, so that a count made up by damage is noticed before memory is taken.
      for (let left = input.readCount(); left > 0; left--) this.#readEntry(input, block.keyGroup);
    } catch (error) {
      if (!(error instanceof FlinkJobError) || error instanceof IOException)
        throw this.#damaged(block, messageOf(error), error);
      throw error;
    }
    if (input.remaining > 0) throw this.#damaged(block, `${input.remaining} bytes are left over`, undefined);
  }

  #readEntry(input: DataInput, keyGroup: number): void {
    const table = this.#table;
    const key = this.#keyType.read(input);
    const mixed = murmurHash32(hashOf(this.#keyType, key));
    if (mixed % this.#maxParallelism !== keyGroup) throw new IOException(`a key is not of key group ${keyGroup}`);
    const start = table.windowed ? input.readFloat64() : 0;
    const end = table.windowed ? input.readFloat64() : 0;
    const value = this.#read(input);
    const found = table.find(key, mixed, start, end);
    const entry = found >= 0 ? found : table.insert(key, mixed, start, end);
    this.#column.set(entry, value);
    if (this.#column.stamps !== undefined) this.#column.stamps[entry] = input.readFloat64();
  }

  #damaged(block: RestoredBlock, why: string, cause: unknown): IOException {
    return new IOException(
      `State "${this.#name}" of key group ${block.keyGroup} cannot be read: ${why}. Restore from an earlier checkpoint.`,
      cause === undefined ? {} : { cause },
    );
  }
}

function hashOf(type: TypeInformation<unknown>, key: unknown): number {
  return type.hash === undefined ? 0 : type.hash(key);
}
