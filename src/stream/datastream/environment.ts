/**
 * Where a job's program starts: it makes streams from sources and holds the settings that code may make. The program
 * only describes the job; the runtime builds it once per thread and runs it. Follows Flink's StreamExecutionEnvironment.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { RestartStrategy } from '../../restart/index.ts';
import { CollectionSource } from '../connectors/collection-source.ts';
import { NumberSequenceSource } from '../connectors/number-sequence-source.ts';
import { ParallelSourceFunction, type Source, type SourceFunction } from '../connectors/source.ts';
import type { Transformation, TransformationBody } from '../graph/transformation.ts';
import type { WatermarkStrategy } from '../operators/watermarks.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { DataStream } from './data-stream.ts';

/** What the environment starts from. */
export interface EnvironmentSettings {
  readonly args?: readonly string[];
  /** The job's parallelism (`spec.parallelism`). @default 1 */
  readonly parallelism?: number;
  /** Undefined: the default for the parallelism. */
  readonly maxParallelism?: number;
}

export class StreamExecutionEnvironment {
  /** Arguments of the job (`spec.args`). */
  readonly args: readonly string[];
  readonly #transformations: Transformation[] = [];
  #parallelism: number;
  #maxParallelism: number | undefined;
  #restartStrategy: RestartStrategy | undefined;
  #checkpointIntervalMs: number | undefined;

  constructor(settings: EnvironmentSettings = {}) {
    this.args = settings.args ?? [];
    this.#parallelism = settings.parallelism ?? 1;
    this.#maxParallelism = settings.maxParallelism;
  }

  /** Parallelism of the job, from the resource. */
  getParallelism(): number {
    return this.#parallelism;
  }

  getMaxParallelism(): number | undefined {
    return this.#maxParallelism;
  }

  /** The restart strategy that the code asks for. The resource's `spec.restart`, where present, wins. */
  setRestartStrategy(strategy: RestartStrategy): this {
    this.#restartStrategy = strategy;
    return this;
  }

  getRestartStrategy(): RestartStrategy | undefined {
    return this.#restartStrategy;
  }

  /**
   * Asks for a checkpoint every `intervalMs` milliseconds; 0 for none. The resource's `spec.checkpoints.interval`, where
   * present, wins.
   */
  enableCheckpointing(intervalMs: number): this {
    if (intervalMs !== 0 && !(intervalMs >= 10)) {
      throw new IllegalArgumentException(`the checkpoint interval must be 0 or at least 10 ms, not ${intervalMs}`);
    }
    this.#checkpointIntervalMs = intervalMs;
    return this;
  }

  getCheckpointInterval(): number | undefined {
    return this.#checkpointIntervalMs;
  }

  /** A stream of the records of a source. Its uid, name and parallelism are the source's, with or without watermarks. */
  fromSource<T>(source: Source<T>, watermarks?: WatermarkStrategy<T>, name = 'Source'): DataStream<T> {
    const stream = this.#source<T>({ kind: 'source', source: source as Source<unknown> }, name, source.type, undefined);
    return watermarks === undefined ? stream : stream.timed(watermarks, stream.inputs[0]?.transformation);
  }

  /**
   * A stream of the records of a source function. A function that is not a ParallelSourceFunction runs once.
   * @param create makes the function; called once per subtask
   */
  addSource<T>(create: () => SourceFunction<T>, name = 'Custom Source', type?: TypeInformation<T>): DataStream<T> {
    const fixed = create() instanceof ParallelSourceFunction ? undefined : 1;
    return this.#source<T>({ kind: 'source', source: create as () => SourceFunction<unknown> }, name, type, fixed);
  }

  /** The numbers from `from` to `to`, both included, spread over the subtasks. */
  fromSequence(from: number, to: number): DataStream<number> {
    return this.fromSource(new NumberSequenceSource(from, to), undefined, 'Sequence Source');
  }

  /** The given records, in memory. */
  fromCollection<T>(records: readonly T[], type?: TypeInformation<T>): DataStream<T> {
    return this.fromSource(new CollectionSource(records, type), undefined, 'Collection Source');
  }

  /** The transformations so far, in the order they were made. */
  transformations(): readonly Transformation[] {
    return this.#transformations;
  }

  /** For streams: adds a transformation. Not for users. */
  register(transformation: Omit<Transformation, 'ordinal'>): Transformation {
    const added: Transformation = { ...transformation, ordinal: this.#transformations.length };
    this.#transformations.push(added);
    return added;
  }

  #source<T>(
    body: TransformationBody,
    name: string,
    type: TypeInformation<T> | undefined,
    fixedParallelism: 1 | undefined,
  ): DataStream<T> {
    const transformation = this.register({
      operation: 'source',
      body,
      inputs: [],
      keyType: undefined,
      name,
      uid: undefined,
      parallelism: undefined,
      maxParallelism: undefined,
      fixedParallelism,
      outputType: type as TypeInformation<unknown> | undefined,
      chaining: 'always',
    });
    return new DataStream<T>(this, transformation);
  }
}

/** A job's program: what a job module exports, as `job` or as its default. */
export type Job = (env: StreamExecutionEnvironment) => void | Promise<void>;
