import type { ChannelHandler, CheckpointBarrier, OutputChannel } from '../../../src/stream/exchange/index.ts';
import { NO_TIMESTAMP } from '../../../src/stream/exchange/index.ts';

/** An event of a channel as data: what was written, and what arrived. */
export type Event =
  | { readonly record: unknown; readonly timestamp: number }
  | { readonly watermark: number }
  | { readonly idle: boolean }
  | { readonly barrier: CheckpointBarrier }
  | { readonly cancel: number }
  | { readonly end: true };

/** Keeps what a channel hands over. */
export class Recorder implements ChannelHandler {
  readonly events: Event[] = [];
  onRecord(record: unknown, timestamp: number): void {
    this.events.push({ record, timestamp });
  }
  onWatermark(watermark: number): void {
    this.events.push({ watermark });
  }
  onIdle(idle: boolean): void {
    this.events.push({ idle });
  }
  onBarrier(barrier: CheckpointBarrier): void {
    this.events.push({ barrier });
  }
  onCancelBarrier(cancel: number): void {
    this.events.push({ cancel });
  }
  onEnd(): void {
    this.events.push({ end: true });
  }
}

export function writeEvent(channel: OutputChannel, event: Event): void {
  if ('record' in event) channel.write(event.record, event.timestamp);
  else if ('watermark' in event) channel.writeWatermark(event.watermark);
  else if ('idle' in event) channel.writeIdle(event.idle);
  else if ('barrier' in event) channel.writeBarrier(event.barrier);
  else if ('cancel' in event) channel.writeCancelBarrier(event.cancel);
  else channel.writeEnd();
}

export function aRecord(record: unknown, timestamp = NO_TIMESTAMP): Event {
  return { record, timestamp };
}

export function aBarrier(id: number): CheckpointBarrier {
  return { id, timestamp: 1000 + id, kind: 'checkpoint' };
}
