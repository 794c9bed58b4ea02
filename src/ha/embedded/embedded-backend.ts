import type { Clock } from '../../lib/clock.ts';
import type { FaultPoint } from '../../lib/fault-point.ts';
import { HaObjectCorruptException, HaStoreException } from '../errors.ts';
import {
  type Epoch,
  type HandleBackend,
  type HandleObserver,
  type HaPatch,
  type HaSnapshot,
  isExpected,
  type PatchAnswer,
  patched,
} from '../handle-backend.ts';
import { LAYOUT, LAYOUT_KEY } from '../keys.ts';
import { type Versioned, VersionedFile } from './versioned-file.ts';
import { watchDirectory } from './watch-directory.ts';

/** The object of a job as a file: readable by people, in the order they ask for. */
interface StoredObject {
  readonly uid: string;
  readonly epoch: Epoch;
  readonly seq: number;
  readonly attempt: number;
  readonly leader: string;
  /** Who wrote this version. */
  readonly writer: string;
  /** A removed object leaves this one line, so that its epochs are never used again and no late write brings it back. */
  readonly removed?: true;
  readonly data: Readonly<Record<string, string>>;
}

export interface EmbeddedBackendOptions {
  /** The directory of this one object. */
  readonly directory: string;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Old versions kept. @default 16 */
  readonly keep?: number;
  readonly faults?: FaultPoint;
}

/** A temporary file older than this belongs to a process that was killed. */
const LEFTOVER_AGE_MS = 60_000;

/** The object of a job in a local directory, shared by the processes of one machine. See versioned-file.ts. */
export class EmbeddedHandleBackend implements HandleBackend {
  readonly name: string;
  private readonly file: VersionedFile<StoredObject>;
  private readonly clock: Clock;
  private readonly newId: () => string;

  constructor({ directory, clock, newId, keep, faults }: EmbeddedBackendOptions) {
    this.name = `HA directory ${directory}`;
    this.clock = clock;
    this.newId = newId;
    this.file = new VersionedFile({
      directory,
      parse: parseObject,
      newId,
      durable: true,
      ...(keep === undefined ? {} : { keep }),
      ...(faults === undefined ? {} : { faults }),
    });
  }

  async read(): Promise<HaSnapshot | undefined> {
    const stored = await this.stored();
    return stored === undefined || stored.value.removed ? undefined : snapshotOf(stored.value);
  }

  async patch(patch: HaPatch): Promise<PatchAnswer> {
    let stored: Versioned<StoredObject> | undefined;
    try {
      stored = await this.stored();
    } catch (cause) {
      return { answer: 'notDone', reason: 'rejected', cause };
    }
    if (stored === undefined || stored.value.removed) return { answer: 'notDone', reason: 'missing' };
    const before = snapshotOf(stored.value);
    if (!isExpected(before, patch.expect)) return { answer: 'notDone', reason: 'moved' };
    const answer = await this.file.compareAndSet(stored, objectOf(patched(before, patch), patch.writer));
    switch (answer.answer) {
      case 'done':
        return answer;
      case 'moved':
        return { answer: 'notDone', reason: 'moved' };
      case 'failed':
        return { answer: 'notDone', reason: 'rejected', cause: answer.cause };
      case 'unknown':
        return answer;
    }
  }

  async create(lowestEpoch: Epoch): Promise<HaSnapshot> {
    await this.file.sweepTemporary(this.clock.now() - LEFTOVER_AGE_MS);
    for (;;) {
      const stored = await this.stored();
      if (stored !== undefined && !stored.value.removed) return snapshotOf(stored.value);
      const fresh = {
        uid: this.newId(),
        epoch: Math.max(lowestEpoch, stored === undefined ? 0 : stored.value.epoch + 1),
        seq: 0,
        attempt: 0,
        leader: '',
        entries: new Map([[LAYOUT_KEY, LAYOUT]]),
      };
      const answer = await this.file.compareAndSet(stored, objectOf(fresh, ''));
      if (answer.answer === 'failed') throw new HaStoreException('creating the object', this.name, answer.cause);
    }
  }

  async remove(uid: string): Promise<void> {
    for (;;) {
      const stored = await this.stored();
      if (stored === undefined || stored.value.removed || stored.value.uid !== uid) return;
      const { epoch, seq } = stored.value;
      const gone = {
        uid,
        epoch: epoch + 1,
        seq: seq + 1,
        attempt: 0,
        leader: '',
        writer: '',
        removed: true,
        data: {},
      } as const;
      const answer = await this.file.compareAndSet(stored, gone);
      if (answer.answer === 'failed') throw new HaStoreException('removing the object', this.name, answer.cause);
    }
  }

  watch(observer: HandleObserver): () => void {
    let shown: string | undefined;
    return watchDirectory(this.file.directory, this.clock, async (isEnded) => {
      try {
        const snapshot = await this.read();
        const version = snapshot === undefined ? 'none' : `${snapshot.uid} ${snapshot.seq}`;
        if (isEnded() || version === shown) return;
        shown = version;
        observer.seen(snapshot);
      } catch (error) {
        if (!isEnded()) observer.failed(error as Error);
      }
    });
  }

  private async stored(): Promise<Versioned<StoredObject> | undefined> {
    const read = await this.file.read().catch((error: unknown) => {
      throw new HaStoreException('reading the object', this.name, error);
    });
    if (read === undefined) return undefined;
    if (read.value !== undefined) return { ...read, value: read.value };
    throw new HaObjectCorruptException(
      this.name,
      `version ${read.version} is not what this program wrote; remove that file to go back to the version before it`,
    );
  }
}

function snapshotOf({ uid, epoch, seq, attempt, leader, data }: StoredObject): HaSnapshot {
  return { uid, epoch, seq, attempt, leader, entries: new Map(Object.entries(data)) };
}

function objectOf({ uid, epoch, seq, attempt, leader, entries }: HaSnapshot, writer: string): StoredObject {
  return { uid, epoch, seq, attempt, leader, writer, data: Object.fromEntries(entries) };
}

function parseObject(json: unknown): StoredObject | undefined {
  const object = json as Partial<StoredObject> | null;
  const isSound =
    typeof object === 'object' &&
    object !== null &&
    typeof object.uid === 'string' &&
    [object.epoch, object.seq, object.attempt].every((value) => Number.isSafeInteger(value)) &&
    typeof object.leader === 'string' &&
    typeof object.data === 'object' &&
    object.data !== null &&
    Object.values(object.data).every((value) => typeof value === 'string');
  return isSound ? (object as StoredObject) : undefined;
}
