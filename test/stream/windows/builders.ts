import type { OutputTag } from '../../../src/stream/functions/output-tag.ts';
import type { OneInputOperator } from '../../../src/stream/operators/operator.ts';
import { type WindowContentsDescriptor, WindowOperator } from '../../../src/stream/operators/window-operator.ts';
import {
  type AggregateFn,
  AggregatingStateDescriptor,
  ListStateDescriptor,
  ReducingStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { DataInput, Types } from '../../../src/stream/types/index.ts';
import type { Trigger } from '../../../src/stream/windows/trigger.ts';
import type { WindowAssigner } from '../../../src/stream/windows/window-assigner.ts';
import { ProcessWindowFunction } from '../../../src/stream/windows/window-functions.ts';
import {
  type HarnessOptions,
  type OperatorHarness,
  openHarness,
  type RecordedElement,
} from '../../builders/operator-harness.ts';

/** A key and a number to be added up. */
export type Pair = readonly [key: string, amount: number];

export const byFirst = { select: ([key]: Pair) => key, type: Types.STRING };

export interface WindowSettings {
  readonly assigner: WindowAssigner<Pair>;
  readonly trigger?: Trigger<Pair>;
  readonly allowedLatenessMs?: number;
  readonly lateTag?: OutputTag<Pair>;
  readonly windowFunction?: ProcessWindowFunction<never, unknown, string>;
  readonly contents?: unknown;
}

const PAIR = Types.TUPLE(Types.STRING, Types.SAFE_LONG);

/** Adds up the amounts of a key per window. */
export const summing = new ReducingStateDescriptor<Pair>(
  'window-contents',
  (left, right) => [left[0], left[1] + right[1]],
  PAIR as never,
);
/** Keeps all pairs. */
export const keeping = new ListStateDescriptor<Pair>('window-contents', PAIR as never);

const averages: AggregateFn<Pair, [number, number], number> = {
  createAccumulator: () => [0, 0],
  add: ([, amount], [sum, count]) => [sum + amount, count + 1],
  getResult: ([sum, count]) => sum / count,
  merge: ([leftSum, leftCount], [rightSum, rightCount]) => [leftSum + rightSum, leftCount + rightCount],
};
export const averaging = new AggregatingStateDescriptor(
  'window-contents',
  averages,
  Types.TUPLE(Types.DOUBLE, Types.INT) as never,
);

export function aWindowOperator(settings: WindowSettings): OneInputOperator {
  return new WindowOperator<Pair, string>({
    key: byFirst,
    assigner: settings.assigner,
    trigger: settings.trigger ?? settings.assigner.getDefaultTrigger(),
    contents: (settings.contents ?? summing) as WindowContentsDescriptor,
    windowFunction: settings.windowFunction,
    allowedLatenessMs: settings.allowedLatenessMs ?? 0,
    lateTag: settings.lateTag,
  });
}

export function openWindows(settings: WindowSettings, options: HarnessOptions = {}): Promise<OperatorHarness> {
  return openHarness(() => aWindowOperator(settings), { keyType: Types.STRING, ...options });
}

/** A plain-object picture of what was emitted. */
export function shown(elements: readonly RecordedElement[]): string[] {
  return elements.map(({ value, timestamp }) => `${(value as readonly unknown[]).join(':')}@${timestamp}`);
}

/** Emits [key, start, end, amounts…] of the window, amounts sorted. */
export class ListWindow extends ProcessWindowFunction<Pair, unknown, string> {
  process(
    key: string,
    context: Parameters<ProcessWindowFunction<Pair, unknown, string>['process']>[1],
    elements: Iterable<Pair>,
    out: { collect(value: unknown): void },
  ): void {
    const { start, end } = context.window();
    out.collect([key, start, end, ...[...elements].map(([, amount]) => amount).sort((left, right) => left - right)]);
  }
}

/** Timestamps of the timers that an operator has, event time first. */
export async function timersOf(harness: OperatorHarness): Promise<{ event: number[]; processing: number[] }> {
  const { keyed } = await harness.capture();
  const index = keyed?.states.findIndex(({ name }) => name === 'window-timers');
  const timers = { event: [] as number[], processing: [] as number[] };
  for (const { stateIndex, bytes } of keyed?.blocks ?? []) {
    if (stateIndex !== index) continue;
    const input = new DataInput(bytes);
    input.readByte();
    for (const time of ['event', 'processing'] as const) {
      for (let left = input.readVarint(); left > 0; left--) {
        input.readString();
        timers[time].push(input.readFloat64());
        input.readFloat64();
        input.readFloat64();
      }
    }
  }
  return timers;
}
