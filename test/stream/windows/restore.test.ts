import { expect, test } from 'vitest';
import { EventTimeSessionWindows, ProcessingTimeSessionWindows } from '../../../src/stream/windows/session-windows.ts';
import { SlidingEventTimeWindows } from '../../../src/stream/windows/sliding-windows.ts';
import { CountTrigger, PurgingTrigger } from '../../../src/stream/windows/triggers.ts';
import { TumblingEventTimeWindows } from '../../../src/stream/windows/tumbling-windows.ts';
import { ParallelHarness, type SubtaskCapture } from '../../builders/operator-harness.ts';
import {
  averaging,
  aWindowOperator,
  byFirst,
  keeping,
  ListWindow,
  type Pair,
  shown,
  type WindowSettings,
} from './builders.ts';

const CASES: Record<string, WindowSettings> = {
  'tumbling windows with a reduce': { assigner: TumblingEventTimeWindows.of(20) },
  'sliding windows': { assigner: SlidingEventTimeWindows.of(30, 7), contents: averaging },
  'sessions that keep all records': {
    assigner: EventTimeSessionWindows.withGap(6),
    contents: keeping,
    windowFunction: new ListWindow(),
  },
  'a trigger with state': {
    assigner: TumblingEventTimeWindows.of(50),
    contents: keeping,
    windowFunction: new ListWindow(),
    trigger: PurgingTrigger.of(CountTrigger.of(3)),
  },
};

const MAX_PARALLELISM = 16;

/** Records of 40 keys, out of order within 15 ms, and a watermark every 50 records. */
function* stream(): Generator<{ value: Pair; ts: number } | { watermark: number }> {
  let random = 1234;
  for (let index = 0; index < 600; index++) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    yield { value: [`key-${(random >>> 8) % 40}`, index], ts: Math.floor(index / 5) + (random % 15) };
    if (index % 50 === 49) yield { watermark: Math.floor(index / 5) - 5 };
  }
  yield { watermark: 1_000_000 };
}

async function run(settings: WindowSettings, parallelisms: readonly number[]): Promise<string[]> {
  const open = (parallelism: number, restore?: readonly SubtaskCapture[]): Promise<ParallelHarness<Pair, string>> =>
    ParallelHarness.open<Pair, string>(() => aWindowOperator(settings), byFirst as never, {
      parallelism,
      maxParallelism: MAX_PARALLELISM,
      ...(restore === undefined ? {} : { restore }),
    });
  const emitted: string[] = [];
  let harness = await open(parallelisms[0]!);
  const events = [...stream()];
  for (const [index, event] of events.entries()) {
    const stage = Math.floor((index * parallelisms.length) / events.length);
    const previous = Math.floor(((index - 1) * parallelisms.length) / events.length);
    if (index > 0 && stage !== previous) {
      emitted.push(...harness.take().map(line));
      const captured = await harness.capture();
      // What happens after the capture is lost with the process.
      harness.watermark(500_000);
      await harness.close();
      harness = await open(parallelisms[stage]!, captured);
      // The watermark is not state: sources send it again.
    }
    if ('watermark' in event) harness.watermark(event.watermark);
    else harness.process(event.value, event.ts);
  }
  emitted.push(...harness.take().map(line));
  await harness.close();
  return emitted.sort();
}

function line(element: { value: unknown; timestamp: number | undefined }): string {
  return typeof element.value === 'number'
    ? `${element.value.toFixed(6)}@${element.timestamp}`
    : (shown([element])[0] as string);
}

for (const [name, settings] of Object.entries(CASES)) {
  test(`${name} give the same results when restored in the middle at other parallelisms`, async () => {
    const undisturbed = await run(settings, [1]);
    expect(undisturbed.length).toBeGreaterThan(50);
    expect(await run(settings, [1, 1])).toEqual(undisturbed);
    expect(await run(settings, [2, 5, 3])).toEqual(undisturbed);
    expect(await run(settings, [4, 1, 16, 2])).toEqual(undisturbed);
  });
}

test('a processing-time session that ended while nothing ran fires when the operator is back', async () => {
  const settings: WindowSettings = { assigner: ProcessingTimeSessionWindows.withGap(10) };
  const options = { parallelism: 2, maxParallelism: MAX_PARALLELISM };
  const before = await ParallelHarness.open<Pair, string>(() => aWindowOperator(settings), byFirst as never, options);
  before.process(['a', 1]);
  before.process(['b', 2]);
  const restore = await before.capture();
  const after = await ParallelHarness.open<Pair, string>(() => aWindowOperator(settings), byFirst as never, {
    parallelism: 3,
    maxParallelism: MAX_PARALLELISM,
    now: 5_000,
    restore,
  });
  expect(after.take()).toEqual([]);
  after.moveProcessingTimeTo(5_000);
  expect(shown(after.take()).sort()).toEqual(['a:1@9', 'b:2@9']);
});
