/** A stream that every subtask downstream gets whole, with the states it may write. Follows Flink's BroadcastStream. */
import type { BroadcastProcessFunction, KeyedBroadcastProcessFunction } from '../functions/functions.ts';
import { BroadcastProcessOperator } from '../operators/broadcast-process.ts';
import type { KeySelection } from '../operators/operator.ts';
import type { MapStateDescriptor, StateDescriptor } from '../state/descriptors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { addOperator, type DataStream, edgesInto } from './data-stream.ts';

/** A MapStateDescriptor of whatever keys and values. */
export type AnyMapStateDescriptor = StateDescriptor & { readonly kind: 'map' };

export class BroadcastStream<T> {
  readonly stream: DataStream<T>;
  readonly descriptors: readonly MapStateDescriptor<unknown, unknown>[];
  constructor(stream: DataStream<T>, descriptors: readonly AnyMapStateDescriptor[]) {
    this.stream = stream;
    this.descriptors = descriptors as readonly unknown[] as readonly MapStateDescriptor<unknown, unknown>[];
  }
}

/** A data stream (keyed when `key` is given) beside a broadcast stream. */
export class BroadcastConnectedStream<A, B, K> {
  readonly #data: DataStream<A>;
  readonly #broadcast: BroadcastStream<B>;
  readonly #key: KeySelection<A, K> | undefined;

  constructor(data: DataStream<A>, broadcast: BroadcastStream<B>, key: KeySelection<A, K> | undefined) {
    this.#data = data;
    this.#broadcast = broadcast;
    this.#key = key;
  }

  process<O>(
    userFunction: BroadcastProcessFunction<A, B, O> | KeyedBroadcastProcessFunction<K, A, B, O>,
    type?: TypeInformation<O>,
  ): DataStream<O> {
    const key = this.#key;
    const { descriptors, stream } = this.#broadcast;
    return addOperator<O>(this.#data.env, {
      operation: key === undefined ? 'broadcast-process' : 'keyed-broadcast-process',
      name: key === undefined ? 'Broadcast-Process' : 'Keyed Broadcast-Process',
      body: {
        kind: 'twoInput',
        create: () => new BroadcastProcessOperator<K, A, B, O>(userFunction, descriptors, key),
      },
      inputs: [
        ...edgesInto(1, this.#data.inputs, key === undefined ? undefined : { how: 'hash', key: key as KeySelection }),
        ...edgesInto(2, stream.inputs, { how: 'broadcast' }),
      ],
      ...(key === undefined ? {} : { keyType: key.type as TypeInformation<unknown> }),
      type,
    });
  }
}
