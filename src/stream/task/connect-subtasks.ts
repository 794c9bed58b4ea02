/**
 * Builds the subtasks of some indexes and joins them to each other and to all others by channels. Which channels is for
 * the caller to say: a worker takes references inside its thread and shared memory to other threads, the test kit has
 * channels of its own. Both ends of a channel are found by (edge, from, to).
 */
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SubtaskRef } from '../checkpoint/subtask-state.ts';
import type { InputChannel, OutputChannel } from '../exchange/channel.ts';
import { type GateOptions, InputGate } from '../exchange/input-gate.ts';
import {
  BroadcastPartitioner,
  ForwardPartitioner,
  HashPartitioner,
  type Partitioner,
  RebalancePartitioner,
} from '../exchange/partitioner.ts';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import type { JobEdge, JobGraph, JobVertex } from '../graph/job-graph.ts';
import { type TypeInformation, Types } from '../types/index.ts';
import { refuseSharedFunctions } from './shared-functions.ts';
import { Subtask, type SubtaskListener } from './subtask.ts';
import type { WorkerData } from './worker-protocol.ts';

/** Makes the ends of channels, each asked for once. */
export interface ChannelFactory {
  output(edge: JobEdge, from: number, to: number): OutputChannel;
  input(edge: JobEdge, from: number, to: number): InputChannel;
}

/** Which attempt it is. */
export type AttemptData = Pick<WorkerData, 'jobId' | 'jobName' | 'attempt' | 'epoch'> & {
  readonly origin: AttemptOrigin;
  readonly program: Pick<WorkerData['program'], 'args' | 'workingDirectory'>;
};

export interface ConnectOptions {
  /**
   * By subtask index, ascending: those that are hosted here, each with a graph of its own. Functions belong to one
   * subtask and are never shared.
   */
  readonly graphs: ReadonlyMap<number, JobGraph>;
  readonly data: AttemptData;
  readonly clock: Clock;
  readonly channels: ChannelFactory;
  /** How each gate reads. @default as gates do */
  readonly gateOptions?: () => GateOptions;
  listenerOf(ref: SubtaskRef): SubtaskListener;
}

/** The subtasks of these indexes, upstream ones first. */
export function connectSubtasks(options: ConnectOptions): Subtask[] {
  const byIndex = [...options.graphs].map(([subtaskIndex, { vertices }]) =>
    vertices.map((vertex) => (subtaskIndex < vertex.parallelism ? connect(options, vertex, subtaskIndex) : undefined)),
  );
  const positions = [...(byIndex[0] ?? []).keys()];
  const subtasks = positions
    .flatMap((position) => byIndex.map((each) => each[position]))
    .filter((subtask) => subtask !== undefined);
  refuseSharedFunctions(subtasks);
  return subtasks;
}

function connect(options: ConnectOptions, vertex: JobVertex, subtaskIndex: number): Subtask {
  const { data, clock, channels } = options;
  const inputs = inputChannels(vertex, subtaskIndex, channels);
  return new Subtask({
    vertex,
    clock,
    workingDirectory: data.program.workingDirectory,
    info: {
      jobId: data.jobId,
      jobName: data.jobName,
      attempt: data.attempt,
      epoch: data.epoch,
      origin: data.origin,
      args: data.program.args,
      vertexId: vertex.id,
      taskName: vertex.name,
      subtaskIndex,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
    },
    openGate: inputs === undefined ? undefined : (listener) => new InputGate(inputs, listener, options.gateOptions?.()),
    outputs: vertex.outputs.map((edge) => {
      const ends = targetSubtasks(edge, subtaskIndex).map((to) => channels.output(edge, subtaskIndex, to));
      const partitioner = partitionerOf(edge, ends, subtaskIndex);
      return { from: edge.from, side: edge.edge.side?.id, partitioner };
    }),
    listener: options.listenerOf({ vertexId: vertex.id, subtaskIndex }),
  });
}

/** Channels of input 1 and, where there is one, of input 2; undefined for sources. */
function inputChannels(
  vertex: JobVertex,
  subtaskIndex: number,
  channels: ChannelFactory,
): InputChannel[][] | undefined {
  if (vertex.inputs.length === 0) return undefined;
  const inputs: InputChannel[][] = vertex.inputs.some(({ edge }) => edge.input === 2) ? [[], []] : [[]];
  for (const edge of vertex.inputs) {
    for (let from = 0; from < edge.from.parallelism; from++) {
      if (edge.partitioning.how === 'forward' && from !== subtaskIndex) continue;
      inputs[edge.edge.input - 1]?.push(channels.input(edge, from, subtaskIndex));
    }
  }
  return inputs;
}

function targetSubtasks(edge: JobEdge, from: number): number[] {
  if (edge.partitioning.how === 'forward') return [from];
  return Array.from({ length: edge.to.parallelism }, (_, index) => index);
}

function partitionerOf(
  { partitioning, to }: JobEdge,
  ends: readonly OutputChannel[],
  subtaskIndex: number,
): Partitioner {
  switch (partitioning.how) {
    case 'forward':
      return new ForwardPartitioner(ends);
    case 'hash':
      return new HashPartitioner(ends, partitioning.key, to.maxParallelism);
    case 'rebalance':
      return new RebalancePartitioner(ends, subtaskIndex);
    case 'broadcast':
      return new BroadcastPartitioner(ends);
    default:
      return assertNever(partitioning);
  }
}

/** Names a channel. */
export function channelKey(edgeId: number, from: number, to: number): string {
  return `${edgeId}/${from}/${to}`;
}

/** How the records of an edge are written where they leave their thread. */
export function recordTypeOf({ edge }: JobEdge): TypeInformation<unknown> {
  const declared = edge.side === undefined ? edge.source.outputType : edge.side.type;
  return declared ?? Types.ANY;
}
