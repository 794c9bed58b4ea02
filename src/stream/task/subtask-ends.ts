/** The two ends of a subtask: what its gate tells the head of the chain, and the edges that the chain emits into. */
import type { CheckpointBarrier } from '../exchange/channel.ts';
import { NO_TIMESTAMP } from '../exchange/channel.ts';
import type { GateListener } from '../exchange/input-gate.ts';
import type { Partitioner } from '../exchange/partitioner.ts';
import type { OneInputOperator, StreamOperator, TwoInputOperator } from '../operators/operator.ts';
import { Target } from './chain-outputs.ts';
import { isTwoInput } from './operator-chain.ts';

export type Aligned = (barrier: CheckpointBarrier) => void;
export type Declined = (checkpointId: number, reason: string) => void;

/** Hands what the gate reads to the head of the chain; barriers go to the subtask. */
export function gateListenerFor(head: StreamOperator, aligned: Aligned, declined: Declined): GateListener {
  return isTwoInput(head)
    ? twoInputListener(head, aligned, declined)
    : oneInputListener(head as OneInputOperator, aligned, declined);
}

function oneInputListener(head: OneInputOperator, aligned: Aligned, declined: Declined): GateListener {
  return {
    onRecord: (_input, value, timestamp) => head.processElement(value, timestamp),
    onWatermark: (_input, timestamp) => head.processWatermark(timestamp),
    onIdle: (_input, idle) => head.processIdle(idle),
    onAllBarriers: aligned,
    onAlignmentAborted: declined,
    onEndOfInput: () => {},
  };
}

function twoInputListener(head: TwoInputOperator, aligned: Aligned, declined: Declined): GateListener {
  return {
    onRecord: (input, value, timestamp) =>
      input === 0 ? head.processElement1(value, timestamp) : head.processElement2(value, timestamp),
    onWatermark: (input, timestamp) =>
      input === 0 ? head.processWatermark1(timestamp) : head.processWatermark2(timestamp),
    onIdle: (input, idle) => (input === 0 ? head.processIdle1(idle) : head.processIdle2(idle)),
    onAllBarriers: aligned,
    onAlignmentAborted: declined,
    onEndOfInput: () => {},
  };
}

/** An edge to other subtasks. */
export class ChannelTarget extends Target {
  readonly #partitioner: Partitioner;
  records = 0;
  /** Watermarks and changes of idleness. */
  signals = 0;
  constructor(partitioner: Partitioner) {
    super();
    this.#partitioner = partitioner;
  }
  collect(value: unknown, timestamp: number = NO_TIMESTAMP): void {
    this.records++;
    this.#partitioner.emit(value, timestamp);
  }
  emitWatermark(timestamp: number): void {
    this.signals++;
    this.#partitioner.emitWatermark(timestamp);
  }
  emitIdle(idle: boolean): void {
    this.signals++;
    this.#partitioner.emitIdle(idle);
  }
}
