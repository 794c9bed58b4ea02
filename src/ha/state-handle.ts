import { hash } from 'node:crypto';
import { messageOf } from '../lib/errors.ts';
import { IOException } from '../lib/java-errors.ts';
import type { Storage } from '../storage/index.ts';
import type { Epoch } from './handle-backend.ts';
import type { HandlePointer } from './handle-codec.ts';

/** A state that was stored, and how to get at it or rid of it. Follows Flink's RetrievableStateHandle. */
export interface RetrievableStateHandle<T> {
  readonly pointer: HandlePointer;
  /** The state, after its size and SHA-256 were found right; else an IOException. */
  retrieveState(): Promise<T>;
  /** Deletes the bytes. That they are gone already is fine. */
  discardState(): Promise<void>;
  getStateSize(): number;
}

/** How a state becomes bytes. Decoding must treat the bytes as data and throw on what it does not know. */
export interface StateCodec<T> {
  encode(state: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** Plain JSON. The caller vouches that what was stored under a name has this type. */
export function jsonCodec<T>(): StateCodec<T> {
  return {
    encode: (state) => new TextEncoder().encode(JSON.stringify(state)),
    decode: (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as T,
  };
}

/** Stores states, and opens what was stored. Follows Flink's RetrievableStateStorageHelper. */
export interface StateStorage<T> {
  store(state: T): Promise<RetrievableStateHandle<T>>;
  open(pointer: HandlePointer): RetrievableStateHandle<T>;
}

/** What the files of one store are called and where they lie. */
export interface StateStorageOptions<T> {
  readonly storage: Storage;
  readonly directory: string;
  /** Letters only: the kind of state, the first part of each file name. */
  readonly kind: string;
  /** The epoch of this leader, the second part: a sweeper may remove unreferenced files of lower epochs. */
  readonly epoch: () => Epoch | undefined;
  /** Unguessable, without dashes: the last part. No two writes share a path, of whatever leader. */
  readonly newId: () => string;
  readonly codec?: StateCodec<T>;
}

/** States as files `<kind>-<epoch>-<random>` of a directory, never overwritten. */
export function stateStorage<T>(options: StateStorageOptions<T>): StateStorage<T> {
  const { storage, directory, kind, epoch, newId, codec = jsonCodec<T>() } = options;
  const open = (pointer: HandlePointer) => new StoredState(pointer, storage, codec);
  return {
    open,
    async store(state) {
      const id = newId();
      const path = `${directory}/${kind}-${epoch() ?? 0}-${id}`;
      const { sizeBytes, sha256 } = await storage.write(path, codec.encode(state), { exclusive: true });
      return open({ id, path, sizeBytes, sha256 });
    },
  };
}

class StoredState<T> implements RetrievableStateHandle<T> {
  readonly pointer: HandlePointer;
  private readonly storage: Storage;
  private readonly codec: StateCodec<T>;

  constructor(pointer: HandlePointer, storage: Storage, codec: StateCodec<T>) {
    this.pointer = pointer;
    this.storage = storage;
    this.codec = codec;
  }

  async retrieveState(): Promise<T> {
    const { path, sizeBytes, sha256 } = this.pointer;
    const bytes = await this.storage.read(path);
    if (bytes === undefined) throw new BrokenStateException(path, 'the file does not exist');
    if (bytes.byteLength !== sizeBytes) {
      throw new BrokenStateException(path, `it has ${bytes.byteLength} bytes, and ${sizeBytes} were written`);
    }
    if (hash('sha256', bytes, 'hex') !== sha256) throw new BrokenStateException(path, 'its SHA-256 is another one');
    try {
      return this.codec.decode(bytes);
    } catch (error) {
      throw new BrokenStateException(path, messageOf(error), { cause: error });
    }
  }

  discardState(): Promise<void> {
    return this.storage.delete(this.pointer.path);
  }

  getStateSize(): number {
    return this.pointer.sizeBytes;
  }
}

/** Thrown when a stored state is missing, truncated or changed: reading it again will not help. */
export class BrokenStateException extends IOException {
  readonly path: string;

  constructor(path: string, reason: string, options: { cause?: unknown } = {}) {
    super(`the state in ${path} is broken: ${reason}; use an older one`, options);
    this.path = path;
  }
}
