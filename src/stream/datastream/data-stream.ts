/** A stream of records and what can be done with it. Every call adds to the description of the job. Follows Flink's DataStream. */
import { PrintSink } from '../connectors/print-sink.ts';
import { TwoPhaseCommitSinkFunction } from '../connectors/sink.ts';
import type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  ProcessFunction,
  SinkFunction,
} from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { Partitioning, StreamEdge, Transformation, TransformationBody } from '../graph/transformation.ts';
import { CoFlatMapOperator, CoMapOperator, CoProcessOperator } from '../operators/co-process.ts';
import type { KeySelection, OneInputOperator, TwoInputOperator } from '../operators/operator.ts';
import { ProcessOperator } from '../operators/process.ts';
import { FilterOperator, FlatMapOperator, MapOperator, SinkOperator } from '../operators/stateless.ts';
import { TwoPhaseCommitSinkOperator } from '../operators/two-phase-commit-sink.ts';
import { TimestampsAndWatermarksOperator, type WatermarkStrategy } from '../operators/watermarks.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { type AnyMapStateDescriptor, BroadcastConnectedStream, BroadcastStream } from './broadcast-stream.ts';
import type { StreamExecutionEnvironment } from './environment.ts';
import { assertKeyType, KeyedStream } from './keyed-stream.ts';

/** A stream as an input: where its records come from and how they spread. */
export interface StreamInput {
  readonly transformation: Transformation;
  readonly partitioning: Partitioning;
  readonly side: OutputTag<unknown> | undefined;
}

/** What several kinds of stream need to add an operator. */
export interface AddOperator<O> {
  readonly operation: string;
  readonly name: string;
  readonly body: TransformationBody;
  readonly inputs: readonly StreamEdge[];
  readonly keyType?: TypeInformation<unknown>;
  readonly type?: TypeInformation<O> | undefined;
  readonly source?: Transformation;
}

/** Adds an operator and gives the stream of its results. */
export function addOperator<O>(env: StreamExecutionEnvironment, options: AddOperator<O>): DataStream<O> {
  const transformation = env.register({
    operation: options.operation,
    body: options.body,
    inputs: options.inputs,
    keyType: options.keyType,
    name: options.name,
    uid: undefined,
    parallelism: undefined,
    maxParallelism: undefined,
    fixedParallelism: undefined,
    outputType: options.type as TypeInformation<unknown> | undefined,
    chaining: 'always',
    ...(options.source === undefined ? {} : { source: options.source }),
  });
  return new DataStream<O>(env, transformation);
}

/** The edges of some inputs into one input (1 or 2) of an operator. */
export function edgesInto(input: 1 | 2, inputs: readonly StreamInput[], partitioning?: Partitioning): StreamEdge[] {
  return inputs.map((each) => ({
    source: each.transformation,
    partitioning: partitioning ?? each.partitioning,
    input,
    side: each.side,
  }));
}

export class DataStream<T> {
  readonly env: StreamExecutionEnvironment;
  /** Where the records come from; several after `union`. */
  readonly inputs: readonly StreamInput[];

  constructor(env: StreamExecutionEnvironment, source: Transformation | readonly StreamInput[]) {
    this.env = env;
    this.inputs = Array.isArray(source)
      ? (source as readonly StreamInput[])
      : [{ transformation: source as Transformation, partitioning: { how: 'forward' }, side: undefined }];
  }

  // ---- settings of the operator that made this stream

  /** The identity of the operator's state: keep it for as long as the state lives. */
  uid(uid: string): this {
    this.#named('uid').uid = uid;
    return this;
  }
  name(name: string): this {
    this.#named('name').name = name;
    return this;
  }
  setParallelism(parallelism: number): this {
    for (const part of this.#parts('setParallelism')) part.parallelism = parallelism;
    return this;
  }
  setMaxParallelism(maxParallelism: number): this {
    for (const part of this.#parts('setMaxParallelism')) part.maxParallelism = maxParallelism;
    return this;
  }
  /** Declares the type of the records, so that they cross threads in fewer bytes. */
  returns(type: TypeInformation<T>): this {
    this.#operator('returns').outputType = type as TypeInformation<unknown>;
    return this;
  }
  /** Starts a new vertex with this operator. */
  startNewChain(): this {
    this.#operator('startNewChain').chaining = 'head';
    return this;
  }
  /** Keeps this operator in a vertex of its own. */
  disableChaining(): this {
    this.#operator('disableChaining').chaining = 'never';
    return this;
  }

  // ---- transformations

  map<O>(map: MapFunction<T, O> | ((value: T) => O), type?: TypeInformation<O>): DataStream<O> {
    return this.#oneInput('map', 'Map', () => new MapOperator<T, O>(map), type);
  }

  /** A plain function returns what to emit; a FlatMapFunction emits through its collector. */
  flatMap<O>(flatMap: FlatMapFunction<T, O> | ((value: T) => Iterable<O>), type?: TypeInformation<O>): DataStream<O> {
    return this.#oneInput('flat-map', 'Flat Map', () => new FlatMapOperator<T, O>(flatMap), type);
  }

  filter(filter: FilterFunction<T> | ((value: T) => boolean)): DataStream<T> {
    return this.#oneInput('filter', 'Filter', () => new FilterOperator<T>(filter), this.#type());
  }

  process<O>(userFunction: ProcessFunction<T, O>, type?: TypeInformation<O>): DataStream<O> {
    return this.#oneInput('process', 'Process', () => new ProcessOperator<T, O>(userFunction), type);
  }

  /**
   * Groups the stream by a key: records of one key go to one subtask, and functions after it have keyed state.
   * @param type the key's type; its kind decides the hash, so it is not guessed
   */
  keyBy<K>(select: (value: T) => K, type: TypeInformation<K>): KeyedStream<T, K> {
    assertKeyType(type);
    return new KeyedStream<T, K>(this, { select, type } as KeySelection<T, K>);
  }

  /** This stream and others of the same type as one. */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    return new DataStream<T>(
      this.env,
      [this, ...others].flatMap((stream) => stream.inputs),
    );
  }

  /** This stream beside another of any type, for functions on both; or beside a broadcast stream. */
  connect<U>(other: DataStream<U>): ConnectedStreams<T, U>;
  connect<U>(other: BroadcastStream<U>): BroadcastConnectedStream<T, U, never>;
  connect<U>(
    other: DataStream<U> | BroadcastStream<U>,
  ): ConnectedStreams<T, U> | BroadcastConnectedStream<T, U, never> {
    return other instanceof BroadcastStream
      ? new BroadcastConnectedStream<T, U, never>(this, other, undefined)
      : new ConnectedStreams<T, U>(this, other);
  }

  /** Every subtask downstream gets all records; with descriptors, as broadcast state for `connect`. */
  broadcast(): DataStream<T>;
  broadcast(...descriptors: readonly AnyMapStateDescriptor[]): BroadcastStream<T>;
  broadcast(...descriptors: readonly AnyMapStateDescriptor[]): DataStream<T> | BroadcastStream<T> {
    const stream = this.partitioned({ how: 'broadcast' });
    return descriptors.length === 0 ? stream : new BroadcastStream<T>(stream, descriptors);
  }

  /** Deals records out to the subtasks downstream in turn. */
  rebalance(): DataStream<T> {
    return this.partitioned({ how: 'rebalance' });
  }

  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): DataStream<T> {
    return this.timed(strategy, undefined);
  }

  /** For the environment: a source and its watermarks. */
  timed(strategy: WatermarkStrategy<T>, source: Transformation | undefined): DataStream<T> {
    return addOperator<T>(this.env, {
      operation: 'timestamps-watermarks',
      name: 'Timestamps/Watermarks',
      body: { kind: 'oneInput', create: () => new TimestampsAndWatermarksOperator<T>(strategy) },
      inputs: edgesInto(1, this.inputs),
      type: this.#type(),
      ...(source === undefined ? {} : { source }),
    });
  }

  /** The records that the operator before emitted with `context.output(tag, …)`. */
  getSideOutput<X>(tag: OutputTag<X>): DataStream<X> {
    return new DataStream<X>(
      this.env,
      this.inputs.map((input) => ({ ...input, side: tag as OutputTag<unknown> })),
    );
  }

  /**
   * Ends the stream in a sink. A TwoPhaseCommitSinkFunction commits with the checkpoint (exactly once); any other sink
   * may see a record again after a restart (at least once).
   */
  addSink<TXN>(sink: SinkFunction<T> | TwoPhaseCommitSinkFunction<T, TXN> | ((value: T) => void)): DataStreamSink {
    const create = (): OneInputOperator =>
      sink instanceof TwoPhaseCommitSinkFunction ? new TwoPhaseCommitSinkOperator(sink) : new SinkOperator<T>(sink);
    return new DataStreamSink(this.#oneInput<never>('sink', 'Sink', create, undefined));
  }

  /** Same as addSink; the name of Flink's newer API. */
  sinkTo<TXN>(sink: SinkFunction<T> | TwoPhaseCommitSinkFunction<T, TXN>): DataStreamSink {
    return this.addSink(sink);
  }

  /**
   * Prints each record as a line: strings as they are, everything else as JSON. At-least-once: see PrintSink, which has
   * more settings.
   * @param prefix put before each line
   */
  print(prefix = ''): DataStreamSink {
    return this.addSink(new PrintSink<T>({ prefix })).name('Print');
  }

  /** Adds an own operator. For operator implementers: raw state, own timers. */
  transform<O>(name: string, create: () => OneInputOperator, type?: TypeInformation<O>): DataStream<O> {
    return this.#oneInput('transform', name, create, type);
  }

  /** The declared type of the records, when all inputs agree. */
  type(): TypeInformation<T> | undefined {
    return this.#type();
  }

  #type(): TypeInformation<T> | undefined {
    const types = new Set(
      this.inputs.map((input) => (input.side === undefined ? input.transformation.outputType : input.side.type)),
    );
    return types.size === 1 ? ([...types][0] as TypeInformation<T> | undefined) : undefined;
  }

  /** The same records, dealt out to the next operator in this way. For implementers of streams. */
  partitioned(partitioning: Partitioning): DataStream<T> {
    return new DataStream<T>(
      this.env,
      this.inputs.map((input) => ({ ...input, partitioning })),
    );
  }

  #oneInput<O>(
    operation: string,
    name: string,
    create: () => OneInputOperator,
    type: TypeInformation<O> | undefined,
  ): DataStream<O> {
    return addOperator<O>(this.env, {
      operation,
      name,
      body: { kind: 'oneInput', create },
      inputs: edgesInto(1, this.inputs),
      type,
    });
  }

  /** What a name or uid given to this stream is of: of a source with its watermarks it is the source, which has the state. */
  #named(setting: string): Transformation {
    const operator = this.#operator(setting);
    return operator.source ?? operator;
  }

  #parts(setting: string): readonly Transformation[] {
    const operator = this.#operator(setting);
    return operator.source === undefined ? [operator] : [operator.source, operator];
  }

  #operator(setting: string): Transformation {
    const [only, ...others] = this.inputs;
    if (only === undefined || others.length > 0 || only.side !== undefined) {
      throw new TypeError(
        `${setting}() belongs to an operator; call it right after the operator, before union() or getSideOutput().`,
      );
    }
    return only.transformation;
  }
}

/** The end of a stream; its settings. */
export class DataStreamSink {
  readonly #stream: DataStream<never>;
  constructor(stream: DataStream<never>) {
    this.#stream = stream;
  }
  uid(uid: string): this {
    this.#stream.uid(uid);
    return this;
  }
  name(name: string): this {
    this.#stream.name(name);
    return this;
  }
  setParallelism(parallelism: number): this {
    this.#stream.setParallelism(parallelism);
    return this;
  }
}

/** Two streams side by side, without a shared key. */
export class ConnectedStreams<A, B> {
  readonly #first: DataStream<A>;
  readonly #second: DataStream<B>;
  constructor(first: DataStream<A>, second: DataStream<B>) {
    this.#first = first;
    this.#second = second;
  }
  map<O>(coMap: CoMapFunction<A, B, O>, type?: TypeInformation<O>): DataStream<O> {
    return this.#twoInput('co-map', 'Co-Map', () => new CoMapOperator<A, B, O>(coMap), type);
  }
  flatMap<O>(coFlatMap: CoFlatMapFunction<A, B, O>, type?: TypeInformation<O>): DataStream<O> {
    return this.#twoInput('co-flat-map', 'Co-Flat Map', () => new CoFlatMapOperator<A, B, O>(coFlatMap), type);
  }
  process<O>(userFunction: CoProcessFunction<A, B, O>, type?: TypeInformation<O>): DataStream<O> {
    return this.#twoInput('co-process', 'Co-Process', () => new CoProcessOperator<A, B, O>(userFunction), type);
  }

  #twoInput<O>(
    operation: string,
    name: string,
    create: () => TwoInputOperator,
    type: TypeInformation<O> | undefined,
  ): DataStream<O> {
    return addOperator<O>(this.#first.env, {
      operation,
      name,
      body: { kind: 'twoInput', create },
      inputs: [...edgesInto(1, this.#first.inputs), ...edgesInto(2, this.#second.inputs)],
      type,
    });
  }
}
