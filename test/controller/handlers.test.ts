import { expect, test } from 'vitest';
import { type Handler, Handlers } from '../../src/controller/handlers.ts';
import type { ConfigMap } from '../../src/kube/index.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { aMap } from './builders.ts';

function setUp() {
  const clock = new TestClock();
  const troubles: string[] = [];
  const handlers = new Handlers<ConfigMap>(clock, ({ message }) => troubles.push(message));
  return { clock, troubles, handlers };
}

/** Keeps what it is told, and fails on names in `hates`. */
class Diary implements Handler<ConfigMap> {
  readonly lines: string[] = [];
  readonly hates = new Set<string>();

  onAdd(object: ConfigMap, isInitial: boolean): void {
    this.write(`${isInitial ? 'initial ' : ''}add`, object);
  }

  onUpdate(old: ConfigMap, object: ConfigMap): void {
    this.write(`update ${old.data?.v} to`, object);
  }

  onDelete(last: ConfigMap, finalStateUnknown: boolean): void {
    this.write(finalStateUnknown ? 'lost' : 'delete', last);
  }

  private write(what: string, { metadata, data }: ConfigMap): void {
    if (this.hates.has(metadata?.name ?? '')) throw new Error(`hates ${metadata?.name}`);
    this.lines.push(`${what} ${metadata?.name}=${data?.v}`);
  }
}

const added = (name: string, v: string, isInitial = false) => ({
  key: `flights/${name}`,
  change: { type: 'added', object: aMap(name, 1, { v }) } as const,
  isInitial,
});
const updated = (name: string, from: string, to: string) => ({
  key: `flights/${name}`,
  change: { type: 'updated', old: aMap(name, 1, { v: from }), object: aMap(name, 2, { v: to }) } as const,
  isInitial: false,
});

test('every handler is told of every change', () => {
  const { handlers } = setUp();
  const diaries = [new Diary(), new Diary()];
  for (const diary of diaries) handlers.add(diary);
  handlers.tellAll(added('a', '1', true));
  handlers.tellAll(updated('a', '1', '2'));
  const last = aMap('a', 3, { v: '2' });
  handlers.tellAll({
    key: 'flights/a',
    change: { type: 'deleted', object: last, finalStateUnknown: false },
    isInitial: false,
  });
  for (const { lines } of diaries) expect(lines).toEqual(['initial add a=1', 'update 1 to a=2', 'delete a=2']);
});

test('one that throws is told again of that key, later and later, and nobody else notices', () => {
  const { handlers, clock, troubles } = setUp();
  const [sick, well] = [new Diary(), new Diary()];
  sick.hates.add('a');
  handlers.add(sick);
  handlers.add(well);
  handlers.tellAll(added('a', '1'));
  handlers.tellAll(added('b', '1'));
  expect(sick.lines).toEqual(['add b=1']);
  clock.advanceBy(999);
  expect(troubles).toHaveLength(1);
  clock.advanceBy(1);
  expect(troubles).toHaveLength(2);
  sick.hates.clear();
  clock.advanceBy(1_999);
  expect(sick.lines).toEqual(['add b=1']);
  clock.advanceBy(1);
  expect(sick.lines).toEqual(['add b=1', 'add a=1']);
  clock.advanceBy(600_000);
  expect(sick.lines).toHaveLength(2);
  // Well again: its next failure is a first one.
  sick.hates.add('a');
  handlers.tell(sick, added('a', '2'));
  expect(clock.nextTimerAt - clock.now()).toBe(1_000);
  expect(well.lines).toEqual(['add a=1', 'add b=1']);
});

test('something newer of the key takes the place of what was to be told again', () => {
  const { handlers, clock } = setUp();
  const diary = new Diary();
  diary.hates.add('a');
  handlers.add(diary);
  handlers.tellAll(added('a', '1'));
  diary.hates.clear();
  handlers.tellAll(updated('a', '1', '2'));
  clock.advanceBy(600_000);
  expect(diary.lines).toEqual(['update 1 to a=2']);
});

test('a handler that was removed hears nothing more, not even what it failed at', () => {
  const { handlers, clock, troubles } = setUp();
  const diary = new Diary();
  diary.hates.add('a');
  const remove = handlers.add(diary);
  handlers.tellAll(added('a', '1'));
  remove();
  handlers.tellAll(added('b', '1'));
  clock.advanceBy(600_000);
  expect(diary.lines).toEqual([]);
  expect(troubles).toHaveLength(1);
});

test('after closing nothing is tried again', () => {
  const { handlers, clock, troubles } = setUp();
  const diary = new Diary();
  diary.hates.add('a');
  handlers.add(diary);
  handlers.tellAll(added('a', '1'));
  handlers.close();
  clock.advanceBy(600_000);
  expect(troubles).toHaveLength(1);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});
