/** A stream grouped by key: what can be done with keyed state, timers and windows. Follows Flink's KeyedStream. */
import { InvalidProgramException } from '../../lib/java-errors.ts';
import type { TwoPhaseCommitSinkFunction } from '../connectors/sink.ts';
import type {
  FilterFunction,
  FlatMapFunction,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  MapFunction,
  ReduceFunction,
  SinkFunction,
} from '../functions/functions.ts';
import { KeyedCoProcessOperator } from '../operators/co-process.ts';
import { KeyedFilterOperator, KeyedFlatMapOperator, KeyedMapOperator } from '../operators/keyed-functions.ts';
import type { KeySelection, OneInputOperator } from '../operators/operator.ts';
import { KeyedProcessOperator } from '../operators/process.ts';
import { KeyedReduceOperator } from '../operators/reduce.ts';
import { Types } from '../types/index.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { WindowAssigner } from '../windows/window-assigner.ts';
import { BroadcastConnectedStream, BroadcastStream } from './broadcast-stream.ts';
import { addOperator, type DataStream, type DataStreamSink, edgesInto } from './data-stream.ts';
import { WindowedStream } from './windowed-stream.ts';

/** @throws InvalidProgramException for a type whose values have no hash of their own */
export function assertKeyType(
  type: { readonly schema: { readonly kind: string }; readonly hash?: unknown } | undefined,
): void {
  if (type?.hash !== undefined) return;
  throw new InvalidProgramException(
    `${type === undefined ? 'A key of undeclared type' : `Type ${type.schema.kind}`} cannot be used as key. Pass keyBy a key type, for example Types.STRING, Types.INT or Types.TUPLE(…).`,
  );
}

export class KeyedStream<T, K> {
  readonly stream: DataStream<T>;
  readonly key: KeySelection<T, K>;

  constructor(stream: DataStream<T>, key: KeySelection<T, K>) {
    this.stream = stream;
    this.key = key;
  }

  /** A RichMapFunction has the keyed state of the record's key. */
  map<O>(map: MapFunction<T, O> | ((value: T) => O), type?: TypeInformation<O>): DataStream<O> {
    return this.transform('keyed-map', 'Keyed Map', () => new KeyedMapOperator<K, T, O>(map, this.key), type);
  }

  /** A RichFlatMapFunction has the keyed state of the record's key. A plain function returns what to emit. */
  flatMap<O>(flatMap: FlatMapFunction<T, O> | ((value: T) => Iterable<O>), type?: TypeInformation<O>): DataStream<O> {
    const create = (): OneInputOperator => new KeyedFlatMapOperator<K, T, O>(flatMap, this.key);
    return this.transform('keyed-flat-map', 'Keyed Flat Map', create, type);
  }

  /** A RichFilterFunction has the keyed state of the record's key. */
  filter(filter: FilterFunction<T> | ((value: T) => boolean)): DataStream<T> {
    const create = (): OneInputOperator => new KeyedFilterOperator<K, T>(filter, this.key);
    return this.transform('keyed-filter', 'Keyed Filter', create, this.stream.type());
  }

  process<O>(userFunction: KeyedProcessFunction<K, T, O>, type?: TypeInformation<O>): DataStream<O> {
    return this.transform(
      'keyed-process',
      'KeyedProcess',
      () => new KeyedProcessOperator<K, T, O>(userFunction, this.key),
      type,
    );
  }

  /** Emits, for every record, the reduction of all records of its key so far. */
  reduce(reduce: ReduceFunction<T> | ((left: T, right: T) => T), type?: TypeInformation<T>): DataStream<T> {
    const stateType = type ?? this.stream.type() ?? (Types.ANY as TypeInformation<T>);
    return this.transform(
      'keyed-reduce',
      'Keyed Reduce',
      () => new KeyedReduceOperator<K, T>(reduce, this.key, stateType),
      stateType,
    );
  }

  window(assigner: WindowAssigner<T>): WindowedStream<T, K> {
    return new WindowedStream<T, K>(this, assigner);
  }

  /** Ends the stream in a sink, all records of a key in one subtask. See DataStream.addSink. */
  addSink<TXN>(sink: SinkFunction<T> | TwoPhaseCommitSinkFunction<T, TXN> | ((value: T) => void)): DataStreamSink {
    return this.#byKey().addSink(sink);
  }

  /** Same as addSink; the name of Flink's newer API. */
  sinkTo<TXN>(sink: SinkFunction<T> | TwoPhaseCommitSinkFunction<T, TXN>): DataStreamSink {
    return this.addSink(sink);
  }

  /** Prints each record as a line. See DataStream.print. */
  print(prefix?: string): DataStreamSink {
    return this.#byKey().print(prefix);
  }

  #byKey(): DataStream<T> {
    return this.stream.partitioned({ how: 'hash', key: this.key as KeySelection });
  }

  /** Beside another keyed stream with the same type of key (state and timers are shared), or a broadcast stream. */
  connect<U>(other: KeyedStream<U, K>): KeyedConnectedStreams<T, U, K>;
  connect<U>(other: BroadcastStream<U>): BroadcastConnectedStream<T, U, K>;
  connect<U>(
    other: KeyedStream<U, K> | BroadcastStream<U>,
  ): KeyedConnectedStreams<T, U, K> | BroadcastConnectedStream<T, U, K> {
    return other instanceof BroadcastStream
      ? new BroadcastConnectedStream<T, U, K>(this.stream, other, this.key)
      : new KeyedConnectedStreams<T, U, K>(this, other);
  }

  /** Adds an own keyed operator. For operator implementers. */
  transform<O>(
    operation: string,
    name: string,
    create: () => OneInputOperator,
    type?: TypeInformation<O>,
  ): DataStream<O> {
    return addOperator<O>(this.stream.env, {
      operation,
      name,
      body: { kind: 'oneInput', create },
      inputs: edgesInto(1, this.stream.inputs, { how: 'hash', key: this.key as KeySelection }),
      keyType: this.key.type as TypeInformation<unknown>,
      type,
    });
  }
}

/** Two keyed streams with one key. */
export class KeyedConnectedStreams<A, B, K> {
  readonly #first: KeyedStream<A, K>;
  readonly #second: KeyedStream<B, K>;

  constructor(first: KeyedStream<A, K>, second: KeyedStream<B, K>) {
    if (JSON.stringify(first.key.type.schema) !== JSON.stringify(second.key.type.schema)) {
      throw new InvalidProgramException('Connected keyed streams need the same type of key on both sides.');
    }
    this.#first = first;
    this.#second = second;
  }

  process<O>(userFunction: KeyedCoProcessFunction<K, A, B, O>, type?: TypeInformation<O>): DataStream<O> {
    const first = this.#first;
    const second = this.#second;
    return addOperator<O>(first.stream.env, {
      operation: 'keyed-co-process',
      name: 'Keyed Co-Process',
      body: {
        kind: 'twoInput',
        create: () => new KeyedCoProcessOperator<K, A, B, O>(userFunction, first.key, second.key),
      },
      inputs: [
        ...edgesInto(1, first.stream.inputs, { how: 'hash', key: first.key as KeySelection }),
        ...edgesInto(2, second.stream.inputs, { how: 'hash', key: second.key as KeySelection }),
      ],
      keyType: first.key.type as TypeInformation<unknown>,
      type,
    });
  }
}
