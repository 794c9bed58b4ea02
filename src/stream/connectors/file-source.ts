/**
 * Reads files once, to their end. The files are cut into splits, dealt to the subtasks in turn; a capture stores the
 * splits that are not finished with their positions, so a restore reads nothing again and leaves nothing out, at any
 * parallelism. Each subtask lists the files itself when a job starts afresh: the set of files must not change in that
 * moment. For a directory that grows there is WatchedDirectorySource. Follows Flink's FileSource.
 */
import type { FunctionInitializationContext } from '../functions/checkpointed.ts';
import type { Counter, RuntimeContext } from '../functions/runtime-context.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { FileFormat, FormatReader, SplitReader } from './file-format.ts';
import { requiredFormat, requiredPaths } from './file-options.ts';
import { listInputFiles, rememberedFile } from './input-files.ts';
import { type PollResult, Source, type SourceOutput, type SourceReader, type SourceReaderContext } from './source.ts';
import { SplitState } from './split-state.ts';

export interface FileSourceOptions<T> {
  /** A file, a directory (its files, not those of directories in it), or a list of both. Relative to the job's directory. */
  readonly path: string | readonly string[];
  readonly format: FileFormat<T>;
}

/** A split with its position, as stored. */
interface FileSplit {
  readonly file: string;
  readonly sizeBytes: number;
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly row: number;
}

const FILE_SPLIT: TypeInformation<FileSplit> = Types.OBJECT({
  file: Types.STRING,
  sizeBytes: Types.SAFE_LONG,
  start: Types.SAFE_LONG,
  end: Types.SAFE_LONG,
  offset: Types.SAFE_LONG,
  row: Types.SAFE_LONG,
});

export class FileSource<T> extends Source<T> {
  readonly boundedness = 'bounded';
  override readonly type: TypeInformation<T> | undefined;
  readonly #paths: readonly string[];
  readonly #format: FileFormat<T>;

  /** @throws IllegalArgumentException when no path or no format is given */
  constructor(options: FileSourceOptions<T>) {
    super();
    this.#paths = requiredPaths('FileSource', options?.path, 'a file, a directory, or a list of them');
    this.#format = requiredFormat('FileSource', options.format);
    this.type = this.#format.type;
  }

  createReader(context: SourceReaderContext): SourceReader<T> {
    return new FileSourceReader(this.#paths, this.#format, context);
  }
}

class FileSourceReader<T> implements SourceReader<T> {
  readonly #state = new SplitState<FileSplit>('files', FILE_SPLIT);
  readonly #paths: readonly string[];
  readonly #context: SourceReaderContext;
  readonly #format: FormatReader<T>;
  #invalid: Counter | undefined;
  #waiting: FileSplit[] = [];
  #current: { readonly split: FileSplit; readonly reader: SplitReader<T> } | undefined;
  #closing: Promise<void> = Promise.resolve();

  constructor(paths: readonly string[], format: FileFormat<T>, context: SourceReaderContext) {
    this.#paths = paths;
    this.#context = context;
    this.#format = format.createReader({ countInvalid: () => this.#invalid?.inc() });
  }

  async initializeState(context: FunctionInitializationContext): Promise<void> {
    this.#waiting = this.#state.initialize(context) ?? (await this.#plan());
  }

  open(context: RuntimeContext): void {
    this.#invalid = context.counter('invalidRecords');
  }

  poll(out: SourceOutput<T>, maxRecords: number): PollResult {
    this.#current ??= this.#openNext();
    if (this.#current === undefined) return 'end';
    const result = this.#current.reader.poll(out, maxRecords);
    if (result !== 'end') return result;
    this.#closeCurrent();
    return this.#waiting.length === 0 ? 'end' : 'more';
  }

  whenAvailable(): Promise<void> {
    return this.#current?.reader.ready() ?? Promise.resolve();
  }

  snapshotState(): void {
    const current = this.#current;
    const rest = current === undefined ? [] : [{ ...current.split, ...current.reader.position() }];
    this.#state.update([...rest, ...this.#waiting]);
  }

  async close(): Promise<void> {
    this.#closeCurrent();
    await this.#closing;
  }

  #openNext(): { split: FileSplit; reader: SplitReader<T> } | undefined {
    const split = this.#waiting.shift();
    if (split === undefined) return undefined;
    const file = rememberedFile(split.file, split.sizeBytes, this.#context.workingDirectory);
    return { split, reader: this.#format.open(file, split, split) };
  }

  #closeCurrent(): void {
    const reader = this.#current?.reader;
    this.#current = undefined;
    if (reader !== undefined) this.#closing = Promise.all([this.#closing, reader.close()]).then(() => {});
  }

  /** Every subtask makes the same list and takes its part of it. */
  async #plan(): Promise<FileSplit[]> {
    const { subtaskIndex, parallelism, workingDirectory } = this.#context;
    const splits: FileSplit[] = [];
    for (const file of await listInputFiles(this.#paths, workingDirectory)) {
      for (const { start, end } of await this.#format.plan(file, parallelism)) {
        splits.push({ file: file.path, sizeBytes: file.sizeBytes, start, end, offset: start, row: 0 });
      }
    }
    return splits.filter((_, index) => index % parallelism === subtaskIndex);
  }
}
