/**
 * Reads every file that appears in a directory, once, and never ends. Files are taken in order of their names among
 * those that are visible; names that begin with a dot or end in .tmp are left alone, so writers use such a name and
 * rename the file when it is complete. A file that changes while it is read fails the job.
 *
 * A file belongs to the subtask that the hash of its name says. State is a union list: on restore every subtask sees all
 * of it and keeps what is its own at the new parallelism. Names of files that were read are remembered for ever (about
 * ten bytes each, see name-set.ts), because a file that is still there would be read again otherwise; with
 * `forgetDeleted` a name is forgotten when its file is gone, and a new file of that name is a new file.
 */
import { join } from 'node:path';
import { parseDurationMs } from '../../lib/durations.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import type { Counter, RuntimeContext } from '../functions/runtime-context.ts';
import { murmurHash32 } from '../key-groups.ts';
import { ListStateDescriptor } from '../state/descriptors.ts';
import type { ListState } from '../state/state.ts';
import { Types } from '../types/index.ts';
import { stringHash } from '../types/key-hash.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { Availability } from './availability.ts';
import { DirectoryScanner } from './directory-scanner.ts';
import type { FileFormat, FormatReader, InputFile, SplitBounds, SplitReader } from './file-format.ts';
import { requiredFormat, requiredPath } from './file-options.ts';
import { inputFileIfPresent, rememberedFile } from './input-files.ts';
import { decodeNames, NameSet } from './name-set.ts';
import { type PollResult, Source, type SourceOutput, type SourceReader, type SourceReaderContext } from './source.ts';

export interface WatchedDirectorySourceOptions<T> {
  /** The directory; it must be there when the job starts. Relative to the job's directory. */
  readonly path: string;
  readonly format: FileFormat<T>;
  /** How often to look, where the system does not say that something changed (network file systems). @default '1s' */
  readonly pollInterval?: string;
  /** Whether to ask the system for changes as well. @default true */
  readonly watch?: boolean;
  /** Forgets that a file was read once it is gone from the directory. @default false */
  readonly forgetDeleted?: boolean;
}

/** A file that was begun, as stored. */
interface BegunFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Index of the split that is being read. */
  readonly split: number;
  readonly offset: number;
  readonly row: number;
}

const BEGUN_FILE: TypeInformation<BegunFile> = Types.OBJECT({
  name: Types.STRING,
  sizeBytes: Types.SAFE_LONG,
  split: Types.INT,
  offset: Types.SAFE_LONG,
  row: Types.SAFE_LONG,
});

type Settings<T> = Required<Omit<WatchedDirectorySourceOptions<T>, 'pollInterval'>> & {
  readonly pollIntervalMs: number;
};

export class WatchedDirectorySource<T> extends Source<T> {
  readonly boundedness = 'unbounded';
  override readonly type: TypeInformation<T> | undefined;
  readonly #settings: Settings<T>;

  /** @throws IllegalArgumentException when no path or no format is given, or the interval is no duration */
  constructor(options: WatchedDirectorySourceOptions<T>) {
    super();
    const path = requiredPath('WatchedDirectorySource', options?.path, 'the directory to watch');
    const format = requiredFormat('WatchedDirectorySource', options.format);
    const { pollInterval = '1s', watch = true, forgetDeleted = false } = options;
    const pollIntervalMs = parseDurationMs(pollInterval) ?? 0;
    if (pollIntervalMs <= 0)
      throw new IllegalArgumentException(`pollInterval is a duration above 0, such as 1s; got "${pollInterval}".`);
    this.#settings = { path, format, pollIntervalMs, watch, forgetDeleted };
    this.type = format.type;
  }

  createReader(context: SourceReaderContext): SourceReader<T> {
    return new WatchedDirectoryReader(this.#settings, context);
  }
}

/** The file that is being read. */
interface CurrentFile<T> {
  readonly name: string;
  readonly file: InputFile;
  readonly splits: readonly SplitBounds[];
  split: number;
  reader: SplitReader<T>;
}

class WatchedDirectoryReader<T> implements SourceReader<T> {
  readonly #settings: Settings<T>;
  readonly #context: SourceReaderContext;
  readonly #format: FormatReader<T>;
  readonly #scanner: DirectoryScanner;
  readonly #availability = new Availability();
  readonly #done = new NameSet();
  #doneState: ListState<Uint8Array> | undefined;
  #begunState: ListState<BegunFile> | undefined;
  #invalid: Counter | undefined;
  /** Begun before the restore, not yet opened again. */
  #begun: BegunFile[] = [];
  #visible: string[] = [];
  #current: CurrentFile<T> | undefined;
  #working: Promise<void> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #error: unknown;

  constructor(settings: Settings<T>, context: SourceReaderContext) {
    this.#settings = settings;
    this.#context = context;
    this.#format = settings.format.createReader({ countInvalid: () => this.#invalid?.inc() });
    this.#scanner = new DirectoryScanner(settings, context, () => this.#availability.wake());
  }

  initializeState(context: FunctionInitializationContext): void {
    const store = context.getOperatorStateStore();
    this.#doneState = store.getUnionListState(new ListStateDescriptor('watched-files-done', Types.BYTES));
    this.#begunState = store.getUnionListState(new ListStateDescriptor('watched-files-begun', BEGUN_FILE));
    for (const name of [...this.#doneState.get()].flatMap(decodeNames)) if (this.#owns(name)) this.#done.add(name);
    this.#begun = [...this.#begunState.get()].filter(({ name }) => this.#owns(name)).sort(byName);
  }

  async open(context: RuntimeContext): Promise<void> {
    this.#invalid = context.counter('invalidRecords');
    await this.#scanner.open();
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    this.#availability.reset();
    if (this.#error !== undefined) throw this.#error;
    if (this.#current === undefined) {
      this.#begin();
      return 'idle';
    }
    const result = this.#current.reader.poll(out, maxRecords);
    if (result !== 'end') return result;
    this.#nextSplit(this.#current);
    return 'more';
  }

  whenAvailable(): Promise<void> {
    return this.#current?.reader.ready() ?? this.#availability.wait();
  }

  snapshotState(): void {
    const current = this.#current;
    const begun =
      current === undefined
        ? this.#begun
        : [
            {
              name: current.name,
              sizeBytes: current.file.sizeBytes,
              split: current.split,
              ...current.reader.position(),
            },
            ...this.#begun,
          ];
    this.#begunState?.update(begun);
    this.#doneState?.update(this.#done.encode());
  }

  async close(): Promise<void> {
    this.#scanner.close();
    await this.#working;
    const reader = this.#current?.reader;
    this.#current = undefined;
    await Promise.all([this.#closing, reader?.close()]);
    this.#availability.wake();
  }

  #owns(name: string): boolean {
    return murmurHash32(stringHash(name)) % this.#context.parallelism === this.#context.subtaskIndex;
  }

  /** Takes over what a scan found. No file is begun meanwhile: those are finished before the next scan. */
  #see(names: readonly string[]): void {
    if (this.#settings.forgetDeleted) {
      const there = new Set(names);
      this.#done.retain((name) => there.has(name));
    }
    this.#visible = names.filter((name) => this.#owns(name) && !this.#done.has(name));
  }

  /** Looks for the next file and opens it, beside `poll`; one step at a time. */
  #begin(): void {
    if (this.#working !== undefined) return;
    const resumed = this.#begun[0];
    if (resumed !== undefined) this.#work(() => this.#resume(resumed));
    else if (this.#scanner.isDue) this.#work(async () => this.#see(await this.#scanner.scan()));
    else {
      const name = this.#visible.shift();
      if (name !== undefined) this.#work(() => this.#beginFile(name));
      else this.#scanner.scheduleNext();
    }
  }

  #work(step: () => Promise<void>): void {
    this.#working = step()
      .catch((error: unknown) => {
        this.#error = error;
      })
      .finally(() => {
        this.#working = undefined;
        this.#availability.wake();
      });
  }

  async #resume(begun: BegunFile): Promise<void> {
    const { workingDirectory } = this.#context;
    const file = rememberedFile(join(this.#settings.path, begun.name), begun.sizeBytes, workingDirectory);
    const splits = await this.#format.plan(file, 'whole');
    // Only now does the file leave the list: a capture in between must still find it in one place or the other.
    this.#begun.shift();
    this.#open(begun.name, file, splits, begun);
  }

  async #beginFile(name: string): Promise<void> {
    const file = await inputFileIfPresent(join(this.#settings.path, name), this.#context.workingDirectory);
    // Gone before it was begun, or a directory: nothing to read.
    if (file === undefined) return;
    const splits = await this.#format.plan(file, 'whole');
    this.#open(name, file, splits, { split: 0, offset: splits[0]?.start ?? 0, row: 0 });
  }

  #open(
    name: string,
    file: InputFile,
    splits: readonly SplitBounds[],
    at: { readonly split: number; readonly offset: number; readonly row: number },
  ): void {
    const bounds = splits[at.split];
    if (bounds === undefined) this.#done.add(name);
    else this.#current = { name, file, splits, split: at.split, reader: this.#format.open(file, bounds, at) };
  }

  #nextSplit(current: CurrentFile<T>): void {
    this.#current = undefined;
    this.#closing = Promise.all([this.#closing, current.reader.close()]).then(() => {});
    const split = current.split + 1;
    this.#open(current.name, current.file, current.splits, {
      split,
      offset: current.splits[split]?.start ?? 0,
      row: 0,
    });
  }
}

function byName(left: BegunFile, right: BegunFile): number {
  return left.name < right.name ? -1 : 1;
}
