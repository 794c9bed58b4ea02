/**
 * How records move between subtasks. Each edge of the graph is a set of channels, one per pair of subtasks: a local
 * channel where both run on one thread; where they do not, a ring in shared memory, or a share of a lane, the one ring
 * between two threads that many subtasks need. Partitioners choose among the channels
 * of an edge; the input gate reads all channels of a task, aligns barriers and combines watermarks.
 *
 *     task ── partitioner ──> channel ──> input gate ── task
 *
 * Order within a channel is kept over records, watermarks, barriers and the end. Nobody blocks: a full channel takes the
 * overflow and says so, and the task stops reading its own input until the channel is available again. Nothing here
 * outlives the process: after a crash the records in channels are read again from the sources.
 */
export { type AlignmentAbortReason, type AlignmentMode, BarrierAligner } from './barrier-aligner.ts';
export {
  type ChannelHandler,
  type CheckpointBarrier,
  type CheckpointKind,
  type InputChannel,
  MAX_WATERMARK,
  MIN_WATERMARK,
  NO_TIMESTAMP,
  type OutputChannel,
} from './channel.ts';
export { FrameInputChannel, FrameOutputChannel } from './frame-channel.ts';
export { type GateListener, type GateOptions, InputGate } from './input-gate.ts';
export { createLane, type LaneMemory, LaneReader, LaneWriter } from './lane.ts';
export { LocalChannel } from './local-channel.ts';
export {
  BroadcastPartitioner,
  createPartitioner,
  ForwardPartitioner,
  HashPartitioner,
  Partitioner,
  RebalancePartitioner,
} from './partitioner.ts';
export { createRing, RING_HEADER_BYTES, RingReader, RingWriter } from './ring.ts';
export { WAKE_UP_BYTES, WakeUp } from './wake-up.ts';
export { WatermarkValve } from './watermark-valve.ts';
