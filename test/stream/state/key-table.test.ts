import { expect, test } from 'vitest';
import { murmurHash32 } from '../../../src/stream/key-groups.ts';
import { ABSENT, type EntryColumn, type KeyTable, keyTableFor } from '../../../src/stream/state/key-table.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';

/** Keeps entries in use, and says what room it has. */
class Marks implements EntryColumn {
  isSole = false;
  capacity = 0;
  readonly used = new Set<number>();
  has(entry: number): boolean {
    return this.used.has(entry);
  }
  resize(capacity: number): void {
    this.capacity = capacity;
  }
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

const types = [
  [Types.INT, (index: number) => index * 128],
  [Types.STRING, (index: number) => `${index % 7}${'Aa'.repeat(index % 3)}${'BB'.repeat(index % 2)}${index}`],
  [Types.DOUBLE, (index: number) => index / 8],
  [Types.TUPLE(Types.INT, Types.INT), (index: number) => [index % 10, index]],
] as unknown as [TypeInformation<unknown>, (index: number) => unknown][];

test.each(
  types.flatMap(([type, keyOf]) => [false, true].map((windowed) => [type.schema.kind, windowed, type, keyOf] as const)),
)(
  'entries under %s keys (windows: %s) are found until they are freed, whatever grows and goes',
  (_, windowed, type, keyOf) => {
    const random = seeded(7);
    const table: KeyTable = keyTableFor(type, windowed);
    const marks = new Marks();
    table.addColumn(marks);
    const model = new Map<number, number>();
    let most = 0;
    const place = (index: number): [unknown, number, number, number] => {
      const key = keyOf(windowed ? index >> 2 : index);
      const start = windowed ? (index % 4) * 60_000 : 0;
      return [key, murmurHash32(type.hash!(key)), start, windowed ? start + 60_000 : 0];
    };
    for (let step = 0; step < 20_000; step++) {
      // Grows to 1,500 entries, falls to none, and again.
      const growing = Math.floor(step / 5_000) % 2 === 0;
      const index = random(1_500);
      const known = model.get(index);
      expect(table.find(...place(index))).toBe(known ?? ABSENT);
      if (known === undefined && (growing || random(10) === 0)) {
        const entry = table.insert(...place(index));
        expect(marks.used.has(entry)).toBe(false);
        expect(entry).toBeLessThan(marks.capacity);
        marks.used.add(entry);
        model.set(index, entry);
      } else if (known !== undefined && (!growing || random(10) === 0)) {
        expect(table.freeIfEmpty(known)).toBe(false);
        marks.used.delete(known);
        expect(table.freeIfEmpty(known)).toBe(true);
        model.delete(index);
      }
      most = Math.max(most, model.size);
      expect(table.live).toBe(model.size);
      // Freed numbers are used again.
      expect(table.size).toBeLessThanOrEqual(most);
    }
    for (let index = 0; index < 1_500; index++) expect(table.find(...place(index))).toBe(model.get(index) ?? ABSENT);
    for (const [index, entry] of model) {
      expect([table.keyAt(entry), table.startAt(entry), table.endAt(entry)]).toEqual([
        place(index)[0],
        place(index)[2],
        place(index)[3],
      ]);
    }
    for (const entry of model.values()) {
      marks.used.delete(entry);
      table.freeIfEmpty(entry);
    }
    expect([table.size, table.live]).toEqual([0, 0]);
  },
);

test('room that is reserved at once is room for all', () => {
  const table = keyTableFor(Types.INT as TypeInformation<unknown>, false);
  const marks = new Marks();
  table.addColumn(marks);
  table.reserve(1_000);
  expect(marks.capacity).toBe(1024);
  for (let key = 0; key < 1_000; key++) table.insert(key, murmurHash32(key), 0, 0);
  expect(marks.capacity).toBe(1024);
  expect(table.find(999, murmurHash32(999), 0, 0)).toBe(999);
});

test('a column alone in its table is told so until another comes', () => {
  const table = keyTableFor(Types.INT as TypeInformation<unknown>, false);
  const [first, second] = [new Marks(), new Marks()];
  table.addColumn(first);
  expect(first.isSole).toBe(true);
  table.addColumn(second);
  expect([first.isSole, second.isSole]).toEqual([false, false]);
});

test.each(types.map(([type, keyOf]) => [type.schema.kind, type, keyOf] as const))(
  'windows of one %s key that share their start, or their end, are told apart where they lie side by side',
  (_, type, keyOf) => {
    const table = keyTableFor(type, true);
    const key = keyOf(1);
    const mixed = murmurHash32(type.hash!(key));
    const windows = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? [0, 1 + index] : [-index, 0])) as [
      number,
      number,
    ][];
    const entries = windows.map(([start, end]) => {
      expect(table.find(key, mixed, start, end)).toBe(ABSENT);
      return table.insert(key, mixed, start, end);
    });
    expect(windows.map(([start, end]) => table.find(key, mixed, start, end))).toEqual(entries);
    expect(new Set(entries).size).toBe(60);
  },
);
