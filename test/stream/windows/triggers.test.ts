import { expect, test } from 'vitest';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { EventTimeSessionWindows } from '../../../src/stream/windows/session-windows.ts';
import { TimeWindow } from '../../../src/stream/windows/time-window.ts';
import {
  type OnMergeContext,
  Trigger,
  type TriggerContext,
  TriggerResult,
} from '../../../src/stream/windows/trigger.ts';
import {
  CountTrigger,
  EventTimeTrigger,
  NeverTrigger,
  ProcessingTimeTrigger,
  PurgingTrigger,
} from '../../../src/stream/windows/triggers.ts';
import {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../../src/stream/windows/tumbling-windows.ts';
import { keeping, ListWindow, openWindows, type Pair, shown } from './builders.ts';

/** Answers every record with the result that its amount stands for. */
class Obedient extends Trigger<Pair> {
  onElement([, amount]: Pair): TriggerResult {
    return [TriggerResult.CONTINUE, TriggerResult.FIRE, TriggerResult.PURGE, TriggerResult.FIRE_AND_PURGE][amount]!;
  }
  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  clear(): void {}
}

const listed = { assigner: TumblingEventTimeWindows.of(10), contents: keeping, windowFunction: new ListWindow() };

test('CONTINUE does nothing, FIRE emits, PURGE drops the contents, FIRE_AND_PURGE does both', async () => {
  const harness = await openWindows({ ...listed, trigger: new Obedient() });
  const after = (amount: number): string[] => {
    harness.process(['a', amount], 1);
    return shown(harness.take());
  };
  expect(after(0)).toEqual([]);
  expect(after(1)).toEqual(['a:0:10:0:1@9']);
  expect(after(2)).toEqual([]);
  expect(after(1)).toEqual(['a:0:10:1@9']);
  expect(after(3)).toEqual(['a:0:10:1:3@9']);
  expect(after(1)).toEqual(['a:0:10:1@9']);
});

test('a window without a timer of its trigger is cleaned up all the same', async () => {
  const harness = await openWindows({ ...listed, trigger: new NeverTrigger() });
  harness.process(['a', 0], 1);
  harness.watermark(9);
  expect(harness.backend?.numStateEntries()).toBe(0);
  expect(harness.take()).toEqual([]);
});

test('a purged window still lives: its trigger state stays until the cleanup', async () => {
  const harness = await openWindows({ ...listed, trigger: PurgingTrigger.of(CountTrigger.of(2)) });
  for (const amount of [1, 2, 3]) harness.process(['a', amount], 1);
  expect(shown(harness.take())).toEqual(['a:0:10:1:2@9']);
  expect(harness.backend?.numStateEntries('count-trigger')).toBe(1);
  harness.watermark(9);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

/** Fires at the end of the window and every 3 ms of event time before. */
class Early extends Trigger<unknown> {
  onElement(_value: unknown, timestamp: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    context.registerEventTimeTimer(window.maxTimestamp());
    context.registerEventTimeTimer(timestamp + 3);
    return TriggerResult.CONTINUE;
  }
  onEventTime(): TriggerResult {
    return TriggerResult.FIRE;
  }
  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.maxTimestamp());
  }
}

test('a trigger can fire early; a timer that it leaves behind fires nothing after the cleanup', async () => {
  const harness = await openWindows({ ...listed, trigger: new Early() });
  harness.process(['a', 1], 1);
  harness.process(['a', 2], 8);
  harness.watermark(4);
  expect(shown(harness.take())).toEqual(['a:0:10:1:2@9']);
  harness.watermark(9);
  expect(shown(harness.take())).toEqual(['a:0:10:1:2@9']);
  harness.watermark(50);
  expect(harness.take()).toEqual([]);
});

test('a timer left behind by a session that was merged away is ignored', async () => {
  class Leaves extends Early {
    override canMerge(): boolean {
      return true;
    }
    override onMerge(window: TimeWindow, context: OnMergeContext): void {
      context.registerEventTimeTimer(window.maxTimestamp());
    }
  }
  const harness = await openWindows({
    ...listed,
    assigner: EventTimeSessionWindows.withGap(10),
    trigger: new Leaves(),
  });
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 5);
  harness.watermark(3);
  expect(harness.take()).toEqual([]);
  harness.watermark(8);
  expect(shown(harness.take())).toEqual(['a:0:15:1:2@14']);
});

const sum = (left: number, right: number): number => left + right;
const total = { createAccumulator: () => 0, add: sum, merge: sum, getResult: (accumulator: number) => accumulator };
const states = {
  value: new ValueStateDescriptor('t-value', Types.INT),
  list: new ListStateDescriptor('t-list', Types.INT),
  reducing: new ReducingStateDescriptor('t-reducing', sum, Types.INT),
  aggregating: new AggregatingStateDescriptor('t-aggregating', total, Types.INT),
  map: new MapStateDescriptor('t-map', Types.STRING, Types.INT),
};

/** Keeps a number in every kind of state and remembers what it read. */
class Stateful extends Trigger<Pair> {
  readonly read: unknown[] = [];
  onElement([, amount]: Pair, _timestamp: number, _window: TimeWindow, context: TriggerContext): TriggerResult {
    const value = context.getPartitionedState(states.value);
    value.update((value.value() ?? 0) + amount);
    context.getPartitionedState(states.list).add(amount);
    context.getPartitionedState(states.reducing).add(amount);
    context.getPartitionedState(states.aggregating).add(amount);
    context.getPartitionedState(states.map).put(`${amount}`, amount);
    this.read.push([
      value.value(),
      [...context.getPartitionedState(states.list).get()],
      context.getPartitionedState(states.reducing).get(),
      context.getPartitionedState(states.aggregating).get(),
      [...context.getPartitionedState(states.map).keys()],
    ]);
    return TriggerResult.CONTINUE;
  }
  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }
  clear(_window: TimeWindow, context: TriggerContext): void {
    context.getPartitionedState(states.value).clear();
    context.getPartitionedState(states.list).clear();
    context.getPartitionedState(states.reducing).clear();
    context.getPartitionedState(states.aggregating).clear();
    context.getPartitionedState(states.map).clear();
  }
}

test('partitioned state belongs to one key and one window and is dropped with the window', async () => {
  const trigger = new Stateful();
  const harness = await openWindows({ ...listed, trigger });
  harness.process(['a', 1], 1);
  harness.process(['a', 2], 2);
  harness.process(['a', 4], 11);
  harness.process(['b', 8], 1);
  expect(trigger.read).toEqual([
    [1, [1], 1, 1, ['1']],
    [3, [1, 2], 3, 3, ['1', '2']],
    [4, [4], 4, 4, ['4']],
    [8, [8], 8, 8, ['8']],
  ]);
  harness.watermark(100);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('list, reducing and aggregating states follow a merge; value state cannot', async () => {
  class Merges extends Stateful {
    merged: unknown[] = [];
    readonly withValue: boolean;
    constructor(withValue: boolean) {
      super();
      this.withValue = withValue;
    }
    override canMerge(): boolean {
      return true;
    }
    override onMerge(_window: TimeWindow, context: OnMergeContext): void {
      context.mergePartitionedState(states.list);
      context.mergePartitionedState(states.reducing);
      context.mergePartitionedState(states.aggregating);
      if (this.withValue) context.mergePartitionedState(states.value as never);
    }
  }
  const assigner = EventTimeSessionWindows.withGap(10);
  const trigger = new Merges(false);
  const harness = await openWindows({ ...listed, assigner, trigger });
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 20);
  harness.process(['a', 4], 10);
  expect(trigger.read.at(-1)).toEqual([4, [1, 2, 4], 7, 7, ['4']]);
  const wrong = await openWindows({ ...listed, assigner, trigger: new Merges(true) });
  wrong.process(['a', 1], 0);
  expect(() => wrong.process(['a', 2], 5)).toThrow('t-value');
});

test('a trigger that does not support merging says so', () => {
  expect(new Obedient().canMerge()).toBe(false);
  expect(() => new Obedient().onMerge(undefined as never, undefined as never)).toThrow('does not support merging');
  expect(PurgingTrigger.of(new Obedient()).canMerge()).toBe(false);
});

test('after a merge the time triggers wait for the end of the new window, unless it is past', () => {
  const registered: string[] = [];
  const context = {
    getCurrentWatermark: () => 20,
    getCurrentProcessingTime: () => 20,
    registerEventTimeTimer: (at: number) => registered.push(`event ${at}`),
    registerProcessingTimeTimer: (at: number) => registered.push(`processing ${at}`),
  } as unknown as OnMergeContext;
  for (const end of [21, 22]) {
    EventTimeTrigger.create().onMerge(new TimeWindow(0, end), context);
    ProcessingTimeTrigger.create().onMerge(new TimeWindow(0, end), context);
  }
  expect(registered).toEqual(['event 21', 'processing 21']);
});

test('a count trigger wants a whole number above 0', () => {
  expect(() => CountTrigger.of(0)).toThrow('CountTrigger needs a whole number of records above 0, not 0.');
});

test('a trigger made from another is asked about every record', async () => {
  class Eager extends EventTimeTrigger {
    override onElement(): TriggerResult {
      return TriggerResult.FIRE;
    }
  }
  const harness = await openWindows({ ...listed, trigger: new Eager() });
  harness.process(['a', 1], 1);
  harness.process(['a', 2], 2);
  expect(shown(harness.take())).toEqual(['a:0:10:1@9', 'a:0:10:1:2@9']);
  harness.watermark(9);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('an event-time trigger fires only at the end of its window, whoever set the timer', async () => {
  const harness = await openWindows({ ...listed, trigger: EventTimeTrigger.create(), allowedLatenessMs: 5 });
  harness.process(['a', 1], 1);
  harness.watermark(20);
  expect(shown(harness.take())).toEqual(['a:0:10:1@9']);
});

test('an event-time trigger over processing-time windows fires by watermark, and the clock cleans up', async () => {
  const harness = await openWindows({
    ...listed,
    assigner: TumblingProcessingTimeWindows.of(10),
    trigger: EventTimeTrigger.create(),
  });
  harness.process(['a', 1], 1);
  harness.watermark(9);
  expect(shown(harness.take())).toEqual(['a:0:10:1@9']);
  expect(harness.backend?.numStateEntries()).toBe(1);
  harness.moveProcessingTimeTo(9);
  expect(harness.backend?.numStateEntries()).toBe(0);
});
