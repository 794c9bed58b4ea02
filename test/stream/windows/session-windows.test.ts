import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_WATERMARK } from '../../../src/stream/exchange/channel.ts';
import type { Collector } from '../../../src/stream/functions/functions.ts';
import { OutputTag } from '../../../src/stream/functions/output-tag.ts';
import { ValueStateDescriptor } from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { EventTimeSessionWindows, ProcessingTimeSessionWindows } from '../../../src/stream/windows/session-windows.ts';
import { CountTrigger, PurgingTrigger } from '../../../src/stream/windows/triggers.ts';
import { type ProcessWindowContext, ProcessWindowFunction } from '../../../src/stream/windows/window-functions.ts';
import { averaging, keeping, ListWindow, openWindows, type Pair, shown, timersOf } from './builders.ts';

const sessions = { assigner: EventTimeSessionWindows.withGap(10), contents: keeping, windowFunction: new ListWindow() };

test('records within the gap of each other are one session, which ends a gap after the last', async () => {
  const harness = await openWindows(sessions);
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 8);
  harness.process(['b', 9], 5);
  harness.process(['a', 3], 30);
  harness.watermark(17);
  expect(shown(harness.take()).sort()).toEqual(['a:0:18:1:2@17', 'b:5:15:9@14']);
  harness.watermark(100);
  expect(shown(harness.take())).toEqual(['a:30:40:3@39']);
});

test('a record exactly a gap after the last one still belongs to the session', async () => {
  const harness = await openWindows(sessions);
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 10);
  harness.process(['a', 3], 21);
  harness.watermark(100);
  expect(shown(harness.take())).toEqual(['a:0:20:1:2@19', 'a:21:31:3@30']);
});

test('a record between two sessions makes them one', async () => {
  const harness = await openWindows(sessions);
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 20);
  harness.process(['a', 3], 10);
  harness.watermark(100);
  expect(shown(harness.take())).toEqual(['a:0:30:1:2:3@29']);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('a late record that meets a living session joins it; one that meets none is late', async () => {
  const late = new OutputTag<Pair>('late');
  const harness = await openWindows({ ...sessions, lateTag: late });
  harness.process(['a', 1], 20);
  harness.watermark(25);
  harness.process(['a', 2], 11);
  harness.process(['a', 3], 0);
  harness.watermark(100);
  expect(shown(harness.take())).toEqual(['a:11:30:1:2@29']);
  expect(harness.sideValues(late)).toEqual([['a', 3]]);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('a session that fired and is allowed late records fires again, larger', async () => {
  const harness = await openWindows({ ...sessions, allowedLatenessMs: 20 });
  harness.process(['a', 1], 0);
  harness.watermark(10);
  harness.process(['a', 2], 5);
  expect(shown(harness.take())).toEqual(['a:0:10:1@9']);
  harness.watermark(14);
  expect(shown(harness.take())).toEqual(['a:0:15:1:2@14']);
  harness.process(['a', 3], 4);
  expect(shown(harness.take())).toEqual(['a:0:15:1:2:3@14']);
  harness.watermark(33);
  expect(harness.backend?.numStateEntries('merging-window-set')).toBe(1);
  harness.watermark(34);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('accumulators of merged sessions are merged', async () => {
  const harness = await openWindows({ assigner: EventTimeSessionWindows.withGap(10), contents: averaging });
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 20);
  harness.process(['a', 9], 10);
  harness.watermark(100);
  expect(harness.values()).toEqual([4]);
});

test('each record may bring its own gap', async () => {
  const harness = await openWindows({
    ...sessions,
    assigner: EventTimeSessionWindows.withDynamicGap<Pair>(([, amount]) => amount),
  });
  harness.process(['a', 5], 0);
  harness.process(['a', 100], 4);
  harness.process(['a', 1], 50);
  harness.watermark(1_000);
  expect(shown(harness.take())).toEqual(['a:0:104:1:5:100@103']);
});

test('a record with a long gap makes any number of sessions one', async () => {
  const harness = await openWindows({
    ...sessions,
    assigner: EventTimeSessionWindows.withDynamicGap<Pair>(([, amount]) => (amount === 99 ? 65 : 5)),
  });
  const starts = [10, 20, 30, 40, 90, 100];
  starts.forEach((ts, index) => void harness.process(['a', index], ts));
  harness.process(['a', 99], 15);
  harness.watermark(1_000);
  expect(shown(harness.take())).toEqual(['a:10:80:0:1:2:3:99@79', 'a:90:95:4@94', 'a:100:105:5@104']);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('a session that grows leaves no timers of its earlier ends behind', async () => {
  const harness = await openWindows({ ...sessions, allowedLatenessMs: 100 });
  for (let ts = 0; ts < 50; ts += 5) harness.process(['a', 1], ts);
  expect(await timersOf(harness)).toEqual({ event: [54, 154], processing: [] });
  const clocked = await openWindows({ ...sessions, assigner: ProcessingTimeSessionWindows.withGap(10) });
  for (let now = 0; now < 50; now += 5) {
    clocked.clock.moveTo(now);
    clocked.process(['a', 1]);
  }
  expect(await timersOf(clocked)).toEqual({ event: [], processing: [54] });
});

test('processing-time sessions end a gap after the last record came', async () => {
  const harness = await openWindows({ ...sessions, assigner: ProcessingTimeSessionWindows.withGap(10) });
  harness.process(['a', 1]);
  harness.moveProcessingTimeTo(6);
  harness.process(['a', 2]);
  harness.moveProcessingTimeTo(14);
  expect(harness.take()).toEqual([]);
  harness.moveProcessingTimeTo(15);
  expect(shown(harness.take())).toEqual(['a:0:16:1:2@15']);
  expect(harness.backend?.numStateEntries()).toBe(0);
});

test('the counts of a trigger follow when sessions merge', async () => {
  const harness = await openWindows({ ...sessions, trigger: PurgingTrigger.of(CountTrigger.of(4)) });
  harness.process(['a', 1], 0);
  harness.process(['a', 2], 1);
  harness.process(['a', 3], 20);
  expect(harness.take()).toEqual([]);
  harness.process(['a', 4], 10);
  expect(shown(harness.take())).toEqual(['a:0:30:1:2:3:4@29']);
});

test('window state is refused where windows merge, global state is not', async () => {
  const total = new ValueStateDescriptor<number>('total', Types.INT, 0);
  class Ask extends ProcessWindowFunction<Pair, unknown, string> {
    process(_key: string, context: ProcessWindowContext, _elements: Iterable<Pair>, out: Collector<unknown>): void {
      out.collect(context.globalState().getState(total).value());
      context.windowState();
    }
  }
  const harness = await openWindows({ ...sessions, windowFunction: new Ask() });
  harness.process(['a', 1], 0);
  expect(() => harness.watermark(100)).toThrow('Per-window state is not allowed when using merging windows.');
  expect(harness.values()).toEqual([0]);
});

test('sessions are the same in every order of arrival', async () => {
  const gap = 10;
  const record = fc.record({
    key: fc.constantFrom('a', 'b'),
    ts: fc.nat(200),
    amount: fc.integer({ min: 1, max: 99 }),
  });
  const property = fc.asyncProperty(fc.array(record, { maxLength: 40 }), async (records) => {
    const harness = await openWindows(sessions);
    for (const { key, ts, amount } of records) harness.process([key, amount], ts);
    harness.watermark(MAX_WATERMARK);
    expect(shown(harness.take()).sort()).toEqual(naiveSessions(records, gap).sort());
    expect(harness.backend?.numStateEntries()).toBe(0);
    expect((await harness.capture()).keyed?.blocks).toEqual([]);
  });
  await fc.assert(property, { numRuns: 300, seed: 1234 });
});

test('all 720 orders of six records give the same sessions', async () => {
  const records = [0, 9, 18, 40, 30, 60].map((ts, index) => ({ key: 'a', ts, amount: index }));
  const expected = naiveSessions(records, 10).sort();
  expect(expected).toHaveLength(3);
  for (const order of permutations(records)) {
    const harness = await openWindows(sessions);
    for (const { key, ts, amount } of order) harness.process([key, amount], ts);
    harness.watermark(1_000);
    expect(shown(harness.take()).sort()).toEqual(expected);
  }
});

interface Arrival {
  readonly key: string;
  readonly ts: number;
  readonly amount: number;
}

/** Sorts by time and cuts where the gap is exceeded. */
function naiveSessions(records: readonly Arrival[], gap: number): string[] {
  const results: string[] = [];
  for (const key of new Set(records.map((record) => record.key))) {
    const own = records.filter((record) => record.key === key).sort((left, right) => left.ts - right.ts);
    let session: Arrival[] = [];
    const end = (): void => {
      if (session.length === 0) return;
      const until = session.at(-1)!.ts + gap;
      const amounts = session.map(({ amount }) => amount).sort((left, right) => left - right);
      results.push(`${[key, session[0]!.ts, until, ...amounts].join(':')}@${until - 1}`);
      session = [];
    };
    for (const record of own) {
      if (session.length > 0 && record.ts > session.at(-1)!.ts + gap) end();
      session.push(record);
    }
    end();
  }
  return results;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
