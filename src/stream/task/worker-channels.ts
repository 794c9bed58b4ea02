/**
 * The channels that end in one worker, made on first use: references where both subtasks are hosted here, frames through
 * shared memory where one is not.
 */
import type { InputChannel, OutputChannel } from '../exchange/channel.ts';
import type { FrameReader, FrameWriter } from '../exchange/frame.ts';
import { FrameInputChannel, FrameOutputChannel } from '../exchange/frame-channel.ts';
import { LaneReader, LaneWriter } from '../exchange/lane.ts';
import { LocalChannel } from '../exchange/local-channel.ts';
import { RingReader, RingWriter } from '../exchange/ring.ts';
import { WakeUp } from '../exchange/wake-up.ts';
import type { JobEdge } from '../graph/job-graph.ts';
import { JobExecutionError } from '../job/errors.ts';
import { LaneNumbers, workerOf } from '../job/placement.ts';
import { type ChannelFactory, channelKey, recordTypeOf } from './connect-subtasks.ts';
import type { ChannelMemory } from './worker-protocol.ts';

/** What the channels of a worker are made of. */
export interface WorkerChannelOptions {
  readonly workerIndex: number;
  readonly workerCount: number;
  /** Of the graph, in its order. */
  readonly edges: readonly JobEdge[];
  readonly memory: ChannelMemory;
  /** One per worker. */
  readonly wakeUps: readonly SharedArrayBuffer[];
}

export class WorkerChannels implements ChannelFactory {
  readonly #options: WorkerChannelOptions;
  /** Channels of which one end has been asked for. */
  readonly #local = new Map<string, LocalChannel>();
  readonly #rings: Map<string, SharedArrayBuffer>;
  readonly #wakeUps: WakeUp[];
  readonly #numbers: LaneNumbers;
  /** By the worker at the other end. */
  readonly #writers = new Map<number, LaneWriter>();
  readonly #readers = new Map<number, LaneReader>();
  readonly #incoming: readonly LaneReader[];

  constructor(options: WorkerChannelOptions) {
    const { workerIndex, workerCount, edges, memory, wakeUps } = options;
    this.#options = options;
    this.#numbers = new LaneNumbers(edges, workerCount);
    this.#rings = new Map(
      memory.rings.map((ring) => [channelKey(ring.edgeId, ring.fromSubtask, ring.toSubtask), ring.memory]),
    );
    this.#wakeUps = wakeUps.map((each) => new WakeUp(each));
    for (const lane of memory.lanes) {
      if (lane.fromWorker === workerIndex) this.#writers.set(lane.toWorker, new LaneWriter(lane.memory));
      else this.#readers.set(lane.fromWorker, new LaneReader(lane.memory, this.#wakeUpOf(lane.fromWorker)));
    }
    this.#incoming = [...this.#readers.values()];
  }

  /** Hands what came through lanes to its channels; says whether anything came. Call it before each round of steps. */
  receive(): boolean {
    let received = false;
    for (const lane of this.#incoming) if (lane.receive()) received = true;
    return received;
  }

  output(edge: JobEdge, from: number, to: number): OutputChannel {
    const reader = this.#worker(to);
    if (reader === this.#options.workerIndex) return this.#localChannel(edge, from, to);
    return new FrameOutputChannel(this.#writerTo(reader, edge, from, to), recordTypeOf(edge), this.#wakeUpOf(reader));
  }

  input(edge: JobEdge, from: number, to: number): InputChannel {
    const writer = this.#worker(from);
    if (writer === this.#options.workerIndex) return this.#localChannel(edge, from, to);
    return new FrameInputChannel(this.#readerFrom(writer, edge, from, to), recordTypeOf(edge), this.#wakeUpOf(writer));
  }

  #worker(subtask: number): number {
    return workerOf(subtask, this.#options.workerCount);
  }

  /** Kept only until the other end has asked for it too. */
  #localChannel(edge: JobEdge, from: number, to: number): LocalChannel {
    const key = channelKey(edge.id, from, to);
    const known = this.#local.get(key);
    if (known !== undefined) {
      this.#local.delete(key);
      return known;
    }
    const made = new LocalChannel(this.#options.memory.localCapacity);
    this.#local.set(key, made);
    return made;
  }

  #writerTo(worker: number, edge: JobEdge, from: number, to: number): FrameWriter {
    const lane = this.#writers.get(worker);
    if (lane !== undefined) return lane.outlet(this.#numbers.numberOf(edge.id, from, to));
    return new RingWriter(this.#ring(edge, from, to));
  }

  #readerFrom(worker: number, edge: JobEdge, from: number, to: number): FrameReader {
    const lane = this.#readers.get(worker);
    if (lane !== undefined) return lane.inlet(this.#numbers.numberOf(edge.id, from, to));
    return new RingReader(this.#ring(edge, from, to));
  }

  #ring(edge: JobEdge, from: number, to: number): SharedArrayBuffer {
    const memory = this.#rings.get(channelKey(edge.id, from, to));
    if (memory !== undefined) return memory;
    throw new JobExecutionError('WORKER_NOT_READY', `no channel for edge ${edge.id} from subtask ${from} to ${to}`);
  }

  #wakeUpOf(worker: number): WakeUp {
    const wakeUp = this.#wakeUps[worker];
    if (wakeUp !== undefined) return wakeUp;
    throw new JobExecutionError('WORKER_NOT_READY', `no wake-up for worker ${worker}`);
  }
}
