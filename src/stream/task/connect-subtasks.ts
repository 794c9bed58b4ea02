/**
 * Builds the subtasks of one slot and joins them to each other and to those of other slots by channels. Which channels is
 * for the caller to say: a worker takes references inside its thread and rings in shared memory to other threads, the
 * test kit has channels of its own. Both ends of a channel are found by (edge, from, to).
 */
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SubtaskRef } from '../checkpoint/subtask-state.ts';
import type { InputChannel, OutputChannel } from '../exchange/channel.ts';
import { type GateOptions, InputGate } from '../exchange/input-gate.ts';
import { LocalChannel } from '../exchange/local-channel.ts';
import {
  BroadcastPartitioner,
  ForwardPartitioner,
  HashPartitioner,
  type Partitioner,
  RebalancePartitioner,
} from '../exchange/partitioner.ts';
import { RingInputChannel, RingOutputChannel } from '../exchange/ring-channel.ts';
import { WakeUp } from '../exchange/wake-up.ts';
import type { JobEdge, JobGraph, JobVertex } from '../graph/job-graph.ts';
import { JobExecutionError } from '../job/errors.ts';
import { workerOf } from '../job/worker-pool.ts';
import { type TypeInformation, Types } from '../types/index.ts';
import { Subtask, type SubtaskListener } from './subtask.ts';
import type { RingAssignment, WorkerData } from './worker-protocol.ts';

/** Makes the ends of channels, each asked for once. */
export interface ChannelFactory {
  output(edge: JobEdge, from: number, to: number): OutputChannel;
  input(edge: JobEdge, from: number, to: number): InputChannel;
}

/** Which slot of which attempt it is. */
export type SlotData = Pick<WorkerData, 'workerIndex' | 'workerCount' | 'jobId' | 'jobName' | 'attempt' | 'epoch'> & {
  readonly program: Pick<WorkerData['program'], 'args' | 'workingDirectory'>;
};

export interface ConnectOptions {
  readonly graph: JobGraph;
  readonly data: SlotData;
  readonly clock: Clock;
  readonly channels: ChannelFactory;
  /** How each gate reads. @default as gates do */
  readonly gateOptions?: () => GateOptions;
  listenerOf(ref: SubtaskRef): SubtaskListener;
}

/** The subtasks of this slot, upstream ones first. */
export function connectSubtasks(options: ConnectOptions): Subtask[] {
  const { graph, data } = options;
  return graph.vertices.flatMap((vertex) =>
    subtasksOf(vertex, data).map((subtaskIndex) => connect(options, vertex, subtaskIndex)),
  );
}

function subtasksOf(vertex: JobVertex, { workerIndex, workerCount }: SlotData): number[] {
  const all = Array.from({ length: vertex.parallelism }, (_, index) => index);
  return all.filter((index) => workerOf(index, workerCount) === workerIndex);
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

/** What the channels of a worker are made of. */
export interface WorkerChannelOptions {
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly rings: readonly RingAssignment[];
  readonly wakeUps: readonly SharedArrayBuffer[];
}

/** The channels that end in one worker, made on first use. */
export class WorkerChannels implements ChannelFactory {
  readonly #options: WorkerChannelOptions;
  readonly #local = new Map<string, LocalChannel>();
  readonly #memory: Map<string, SharedArrayBuffer>;
  readonly #wakeUps: WakeUp[];

  constructor(options: WorkerChannelOptions) {
    this.#options = options;
    this.#memory = new Map(
      options.rings.map((ring) => [channelKey(ring.edgeId, ring.fromSubtask, ring.toSubtask), ring.memory]),
    );
    this.#wakeUps = options.wakeUps.map((memory) => new WakeUp(memory));
  }

  output(edge: JobEdge, from: number, to: number): OutputChannel {
    const reader = this.#worker(to);
    if (reader === this.#options.workerIndex) return this.#localChannel(edge, from, to);
    return new RingOutputChannel(this.#ring(edge, from, to), recordTypeOf(edge), this.#wakeUpOf(reader));
  }

  input(edge: JobEdge, from: number, to: number): InputChannel {
    const writer = this.#worker(from);
    if (writer === this.#options.workerIndex) return this.#localChannel(edge, from, to);
    return new RingInputChannel(this.#ring(edge, from, to), recordTypeOf(edge), this.#wakeUpOf(writer));
  }

  #worker(subtask: number): number {
    return workerOf(subtask, this.#options.workerCount);
  }

  #localChannel(edge: JobEdge, from: number, to: number): LocalChannel {
    const key = channelKey(edge.id, from, to);
    let channel = this.#local.get(key);
    if (channel === undefined) {
      channel = new LocalChannel();
      this.#local.set(key, channel);
    }
    return channel;
  }

  #ring(edge: JobEdge, from: number, to: number): SharedArrayBuffer {
    const memory = this.#memory.get(channelKey(edge.id, from, to));
    if (memory !== undefined) return memory;
    throw new JobExecutionError('WORKER_NOT_READY', `no ring for edge ${edge.id} from subtask ${from} to ${to}`);
  }

  #wakeUpOf(worker: number): WakeUp {
    const wakeUp = this.#wakeUps[worker];
    if (wakeUp !== undefined) return wakeUp;
    throw new JobExecutionError('WORKER_NOT_READY', `no wake-up for worker ${worker}`);
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
