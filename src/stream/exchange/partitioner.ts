/**
 * Which subtask of the next vertex gets a record. A partitioner stands before the channels of one edge, one per
 * downstream subtask; records go to one of them or all, control events always to all. Follows Flink's ChannelSelectors.
 */
import { assertNever } from '../../lib/assert-never.ts';
import {
  FlinkRuntimeException,
  IllegalArgumentException,
  InvalidProgramException,
  NullPointerException,
} from '../../lib/java-errors.ts';
import type { Partitioning } from '../graph/transformation.ts';
import { keyGroupOf, operatorIndexForKeyGroup } from '../key-groups.ts';
import type { KeySelection } from '../operators/operator.ts';
import { stringHash } from '../types/key-hash.ts';
import { describe } from '../types/refusal.ts';
import type { CheckpointBarrier, OutputChannel } from './channel.ts';

/** Sends the records of an edge. `emit` differs; all else is the same for all channels. */
export abstract class Partitioner {
  /** One per downstream subtask, by its index. */
  readonly channels: readonly OutputChannel[];

  constructor(channels: readonly OutputChannel[]) {
    this.channels = channels;
  }

  abstract emit(value: unknown, timestamp: number): void;

  /** False while any channel is full: which one the next record goes to is not known before it is there. */
  get isAvailable(): boolean {
    const channels = this.channels;
    for (let index = 0; index < channels.length; index++) {
      if (!(channels[index] as OutputChannel).isAvailable) return false;
    }
    return true;
  }

  flush(): void {
    for (const channel of this.channels) channel.flush();
  }

  emitWatermark(timestamp: number): void {
    for (const channel of this.channels) channel.writeWatermark(timestamp);
  }

  emitIdle(idle: boolean): void {
    for (const channel of this.channels) channel.writeIdle(idle);
  }

  emitBarrier(barrier: CheckpointBarrier): void {
    for (const channel of this.channels) channel.writeBarrier(barrier);
  }

  emitCancelBarrier(id: number): void {
    for (const channel of this.channels) channel.writeCancelBarrier(id);
  }

  emitEnd(): void {
    for (const channel of this.channels) channel.writeEnd();
  }
}

/** The partitioner of an edge. @param subtask the upstream subtask: where turns begin */
export function createPartitioner(
  partitioning: Partitioning,
  channels: readonly OutputChannel[],
  maxParallelism: number,
  subtask: number,
): Partitioner {
  switch (partitioning.how) {
    case 'forward':
      return new ForwardPartitioner(channels);
    case 'hash':
      return new HashPartitioner(channels, partitioning.key, maxParallelism);
    case 'rebalance':
      return new RebalancePartitioner(channels, subtask);
    case 'broadcast':
      return new BroadcastPartitioner(channels);
    default:
      return assertNever(partitioning);
  }
}

/** To the one channel there is: subtask i feeds subtask i. */
export class ForwardPartitioner extends Partitioner {
  readonly #channel: OutputChannel;

  constructor(channels: readonly OutputChannel[]) {
    super(channels);
    const [channel] = channels;
    if (channel === undefined || channels.length > 1) {
      throw new IllegalArgumentException(`A forward edge has one channel per subtask, not ${channels.length}.`);
    }
    this.#channel = channel;
  }

  emit(value: unknown, timestamp: number): void {
    this.#channel.write(value, timestamp);
  }
}

/** To all channels in turn, beginning with `first`, so that several upstream subtasks need not begin with the same. */
export class RebalancePartitioner extends Partitioner {
  #next: number;

  constructor(channels: readonly OutputChannel[], first = 0) {
    super(channels);
    this.#next = first % channels.length;
  }

  emit(value: unknown, timestamp: number): void {
    const index = this.#next;
    this.#next = index + 1 === this.channels.length ? 0 : index + 1;
    (this.channels[index] as OutputChannel).write(value, timestamp);
  }
}

/** To every channel. Local readers share the object. */
export class BroadcastPartitioner extends Partitioner {
  emit(value: unknown, timestamp: number): void {
    const channels = this.channels;
    for (let index = 0; index < channels.length; index++) {
      (channels[index] as OutputChannel).write(value, timestamp);
    }
  }
}

/** To the subtask that owns the key group of the record's key: where the key's state is. */
export class HashPartitioner extends Partitioner {
  readonly #select: (value: unknown) => unknown;
  readonly #hash: (key: unknown) => number;
  readonly #kind: string;
  readonly #maxParallelism: number;
  /** Owner by key group. */
  readonly #subtasks: Uint16Array;

  constructor(channels: readonly OutputChannel[], key: KeySelection, maxParallelism: number) {
    super(channels);
    const { hash, schema } = key.type;
    if (hash === undefined) {
      throw new InvalidProgramException(
        `Type ${schema.kind} cannot be used as key. Use a type with a hash, such as Types.STRING, Types.INT or a tuple.`,
      );
    }
    this.#select = key.select;
    this.#hash = hash;
    this.#kind = schema.kind;
    this.#maxParallelism = maxParallelism;
    this.#subtasks = Uint16Array.from({ length: maxParallelism }, (_, group) =>
      operatorIndexForKeyGroup(group, channels.length, maxParallelism),
    );
  }

  emit(value: unknown, timestamp: number): void {
    const key = this.#keyOf(value);
    if (key === null || key === undefined) throw new NullPointerException('Assigned key must not be null!');
    const group = keyGroupOf(this.#hashOf(key), this.#maxParallelism);
    (this.channels[this.#subtasks[group] as number] as OutputChannel).write(value, timestamp);
  }

  /** The two commonest kinds without a call through the type, which is another for every edge. */
  #hashOf(key: unknown): number {
    if (this.#kind === 'int32' && typeof key === 'number' && (key | 0) === key) return key | 0;
    if (this.#kind === 'string' && typeof key === 'string') return stringHash(key);
    return this.#hash(key);
  }

  #keyOf(value: unknown): unknown {
    try {
      return this.#select(value);
    } catch (error) {
      throw new FlinkRuntimeException(`Could not extract key from ${describe(value)}`, { cause: error });
    }
  }
}
