/**
 * Decides when a checkpoint has arrived on all channels of a task. Only numbers go in and decisions come out; the gate
 * reads the channels.
 *
 *     no alignment ── barrier n ──> aligning n ── barrier n on the last channel ──> complete n
 *                                      │ ├── barrier m > n ──> abort n (subsumed), aligning m
 *                                      │ └── cancel n ──> abort n (cancelled)
 *                                      └── barrier or cancel below n: ignored
 *
 * A channel that has ended counts as one that delivered the barrier. Exactly once: a channel that delivered is blocked
 * until all have. At least once: nothing is blocked. What was completed or aborted never starts again. Follows Flink's
 * SingleCheckpointBarrierHandler.
 */
import type { CheckpointBarrier } from './channel.ts';

/** Why a checkpoint ended before its barriers had arrived on all channels. Flink's CheckpointFailureReason. */
export type AlignmentAbortReason = 'CHECKPOINT_DECLINED_SUBSUMED' | 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER';

/** Whether records behind a barrier wait for the barriers of the other channels. */
export type AlignmentMode = 'exactly-once' | 'at-least-once';

/** Who is told. */
export interface AlignmentListener {
  onAllBarriers(barrier: CheckpointBarrier): void;
  onAlignmentAborted(id: number, reason: AlignmentAbortReason): void;
}

export class BarrierAligner {
  readonly #blocks: boolean;
  readonly #listener: AlignmentListener;
  readonly #delivered: Uint8Array;
  readonly #ended: Uint8Array;
  #aligning: CheckpointBarrier | undefined;
  #missing = 0;
  /** All checkpoints up to this one are completed, aborted or cancelled. */
  #settled = Number.NEGATIVE_INFINITY;

  constructor(channels: number, mode: AlignmentMode, listener: AlignmentListener) {
    this.#blocks = mode === 'exactly-once';
    this.#listener = listener;
    this.#delivered = new Uint8Array(channels);
    this.#ended = new Uint8Array(channels);
  }

  /** The checkpoint whose barriers are being waited for. */
  get aligning(): number | undefined {
    return this.#aligning?.id;
  }

  isBlocked(channel: number): boolean {
    return this.#blocks && this.#aligning !== undefined && this.#delivered[channel] !== 0;
  }

  onBarrier(channel: number, barrier: CheckpointBarrier): void {
    const current = this.#aligning?.id ?? this.#settled;
    if (barrier.id < current || barrier.id <= this.#settled) return;
    if (this.#aligning === undefined || barrier.id > current) this.#start(barrier);
    if (this.#delivered[channel] !== 0) return;
    this.#delivered[channel] = 1;
    if (this.#ended[channel] === 0) this.#missing--;
    this.#completeIfAll();
  }

  /** The upstream of some channel gave up checkpoint `id`; so must this task. */
  onCancel(id: number): void {
    const current = this.#aligning?.id ?? this.#settled;
    if (id < current || id <= this.#settled) return;
    if (id > current) this.#abort('CHECKPOINT_DECLINED_SUBSUMED');
    this.#aligning = undefined;
    this.#settled = id;
    this.#listener.onAlignmentAborted(id, 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER');
  }

  onEnd(channel: number): void {
    if (this.#ended[channel] !== 0) return;
    this.#ended[channel] = 1;
    if (this.#aligning === undefined || this.#delivered[channel] !== 0) return;
    this.#missing--;
    this.#completeIfAll();
  }

  #start(barrier: CheckpointBarrier): void {
    this.#abort('CHECKPOINT_DECLINED_SUBSUMED');
    this.#aligning = barrier;
    this.#delivered.fill(0);
    this.#missing = 0;
    for (const ended of this.#ended) if (ended === 0) this.#missing++;
  }

  #abort(reason: AlignmentAbortReason): void {
    const aborted = this.#aligning;
    if (aborted === undefined) return;
    this.#aligning = undefined;
    this.#settled = aborted.id;
    this.#listener.onAlignmentAborted(aborted.id, reason);
  }

  #completeIfAll(): void {
    const complete = this.#aligning;
    if (complete === undefined || this.#missing > 0) return;
    this.#aligning = undefined;
    this.#settled = complete.id;
    this.#listener.onAllBarriers(complete);
  }
}
