/** What a channel carries beside records, as values: how they are kept in a queue and handed to a handler. */
import { assertNever } from '../../lib/assert-never.ts';
import type { ChannelHandler, CheckpointBarrier } from './channel.ts';

/** An event between records. */
export type ControlEvent =
  | { readonly type: 'watermark'; readonly timestamp: number }
  | { readonly type: 'idle'; readonly idle: boolean }
  | { readonly type: 'barrier'; readonly barrier: CheckpointBarrier }
  | { readonly type: 'cancelBarrier'; readonly id: number }
  | { readonly type: 'end' };

/** Whether a reader returns after this event, so that its task can block the channel. */
export function stopsReading(event: ControlEvent): boolean {
  return event.type !== 'watermark' && event.type !== 'idle';
}

/** Calls the method of the handler that the event is for. */
export function handOver(event: ControlEvent, handler: ChannelHandler): void {
  switch (event.type) {
    case 'watermark':
      handler.onWatermark(event.timestamp);
      break;
    case 'idle':
      handler.onIdle(event.idle);
      break;
    case 'barrier':
      handler.onBarrier(event.barrier);
      break;
    case 'cancelBarrier':
      handler.onCancelBarrier(event.id);
      break;
    case 'end':
      handler.onEnd();
      break;
    default:
      assertNever(event);
  }
}
