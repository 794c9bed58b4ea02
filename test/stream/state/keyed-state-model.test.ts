/**
 * Keyed state against a model of plain maps: random writes of all kinds, captures that stay in flight while writes go on,
 * restores at another parallelism. What a capture holds is compared with the model as it was when the capture began.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyGroupOf, operatorIndexForKeyGroup } from '../../../src/stream/key-groups.ts';
import type { KeyedStateBackend, RestoredKeyedState } from '../../../src/stream/state/backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { type TypeInformation, Types } from '../../../src/stream/types/index.ts';
import { backendFor, CaptureInFlight, ManualClock, restoredFor } from './keyed-backends.ts';

const BOX = Types.OBJECT({ n: Types.INT });
type Box = { n: number };

const FLAT = new ValueStateDescriptor('flat', Types.DOUBLE);
const INTS = new ValueStateDescriptor('ints', Types.INT);
const BOXES = new ValueStateDescriptor('boxes', BOX);
const LIST = new ListStateDescriptor('list', BOX);
const MAP = new MapStateDescriptor('map', Types.STRING, BOX);
const SUM = new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.DOUBLE);
const BAG = new AggregatingStateDescriptor(
  'bag',
  {
    createAccumulator: () => [] as number[],
    add: (value: number, bag: number[]) => {
      bag.push(value);
      return bag;
    },
    getResult: (bag: number[]) => [...bag],
    merge: (left: number[], right: number[]) => [...left, ...right],
  },
  Types.LIST(Types.INT),
);
const WINDOW_SUM = new ReducingStateDescriptor('windowSum', (left: number, right: number) => left + right, Types.INT);
const WINDOW_LIST = new ListStateDescriptor('windowList', Types.INT);
const WINDOW_COUNT = new ValueStateDescriptor('windowCount', Types.INT);
const NAMES = ['flat', 'ints', 'boxes', 'list', 'map', 'sum', 'bag'] as const;

/** What all subtasks hold: `name/key` or `name/key/window` to a plain value. */
type Model = Map<string, unknown>;

/** A job's keyed operator at some parallelism. */
class Subtasks {
  readonly type: TypeInformation<unknown>;
  readonly maxParallelism: number;
  readonly backends: readonly KeyedStateBackend<unknown>[];

  constructor(
    type: TypeInformation<unknown>,
    maxParallelism: number,
    parallelism: number,
    handles: readonly RestoredKeyedState[],
  ) {
    this.type = type;
    this.maxParallelism = maxParallelism;
    this.backends = Array.from({ length: parallelism }, (_, subtask) => {
      const clock = Object.assign(new ManualClock(), { tick: 0.4 });
      const placement = { maxParallelism, parallelism, subtask, clock };
      return handles.length === 0 ? backendFor(type, placement) : restoredFor(type, handles, placement);
    });
  }

  of(key: unknown): KeyedStateBackend<unknown> {
    const group = keyGroupOf(this.type.hash!(key), this.maxParallelism);
    const backend = this.backends[operatorIndexForKeyGroup(group, this.backends.length, this.maxParallelism)]!;
    backend.setCurrentKey(key);
    return backend;
  }
}

type Write = (backend: KeyedStateBackend<unknown>, model: Model, key: string, n: number) => void;

const change = <T>(model: Model, place: string, empty: T, next: (value: T) => T | undefined): void => {
  const value = next(structuredClone((model.get(place) as T | undefined) ?? empty));
  if (value === undefined) model.delete(place);
  else model.set(place, value);
};

const WRITES: Readonly<Record<string, Write>> = {
  flat(backend, model, key, n) {
    const state = backend.getState(FLAT);
    state.update((state.value() ?? 0) + n);
    change(model, `flat/${key}`, 0, (value) => value + n);
  },
  ints(backend, model, key, n) {
    backend.getState(INTS).update(n);
    model.set(`ints/${key}`, n);
  },
  replaceBox(backend, model, key, n) {
    backend.getState(BOXES).update({ n });
    model.set(`boxes/${key}`, { n });
  },
  mutateBox(backend, model, key, n) {
    const box = backend.getState(BOXES).value();
    if (box === null) return;
    box.n += n;
    change(model, `boxes/${key}`, { n: 0 }, (value) => ({ n: value.n + n }));
  },
  addToList(backend, model, key, n) {
    backend.getListState(LIST).add({ n });
    change<Box[]>(model, `list/${key}`, [], (list) => [...list, { n }]);
  },
  mutateList(backend, model, key, n) {
    for (const box of backend.getListState(LIST).get()) box.n += n;
    if (!model.has(`list/${key}`)) return;
    change<Box[]>(model, `list/${key}`, [], (list) => list.map((box) => ({ n: box.n + n })));
  },
  replaceList(backend, model, key, n) {
    const list = Array.from({ length: n % 3 }, (_, index) => ({ n: index }));
    backend.getListState(LIST).update(list);
    if (list.length === 0) model.delete(`list/${key}`);
    else model.set(`list/${key}`, structuredClone(list));
  },
  putInMap(backend, model, key, n) {
    backend.getMapState(MAP).put(`u${n % 4}`, { n });
    change<Map<string, Box>>(model, `map/${key}`, new Map(), (map) => map.set(`u${n % 4}`, { n }));
  },
  mutateMap(backend, model, key, n) {
    const box = backend.getMapState(MAP).get(`u${n % 4}`);
    if (box === null) return;
    box.n += n;
    change<Map<string, Box>>(model, `map/${key}`, new Map(), (map) =>
      map.set(`u${n % 4}`, { n: map.get(`u${n % 4}`)!.n + n }),
    );
  },
  mutateWholeMap(backend, model, key, n) {
    for (const [, box] of backend.getMapState(MAP).entries()) box.n += n;
    if (!model.has(`map/${key}`)) return;
    change<Map<string, Box>>(
      model,
      `map/${key}`,
      new Map(),
      (map) => new Map([...map].map(([u, box]) => [u, { n: box.n + n }])),
    );
  },
  removeFromMap(backend, model, key, n) {
    const state = backend.getMapState(MAP);
    for (const user of state.keys()) if (user === `u${n % 4}`) state.remove(user);
    change<Map<string, Box>>(model, `map/${key}`, new Map(), (map) => {
      map.delete(`u${n % 4}`);
      return map.size === 0 ? undefined : map;
    });
  },
  sum(backend, model, key, n) {
    backend.getReducingState(SUM).add(n);
    change(model, `sum/${key}`, 0, (value) => value + n);
  },
  bag(backend, model, key, n) {
    backend.getAggregatingState(BAG).add(n);
    change<number[]>(model, `bag/${key}`, [], (bag) => [...bag, n]);
  },
  clear(backend, model, key, n) {
    const states = [
      backend.getState(FLAT),
      backend.getState(INTS),
      backend.getState(BOXES),
      backend.getListState(LIST),
      backend.getMapState(MAP),
      backend.getReducingState(SUM),
      backend.getAggregatingState(BAG),
    ];
    states[n % states.length]!.clear();
    model.delete(`${NAMES[n % NAMES.length]}/${key}`);
  },
  clearAll(backend, model, key) {
    for (let n = 0; n < NAMES.length; n++) WRITES.clear!(backend, model, key, n);
  },
  window(backend, model, key, n) {
    const start = (n % 5) * 10;
    // Another window of the same start, and one of the same end, which must not get into the way.
    const count = backend.getWindowState(WINDOW_COUNT);
    for (const [from, to] of [
      [start, start + 20],
      [start - 10, start + 10],
    ] as const) {
      count.setWindow(from, to);
      count.update(n);
    }
    const sum = backend.getWindowReducingState(WINDOW_SUM);
    const list = backend.getWindowListState(WINDOW_LIST);
    sum.setWindow(start, start + 10);
    list.setWindow(start, start + 10);
    sum.add(n);
    list.add(n);
    change(model, `windowSum/${key}/${start}`, 0, (value) => value + n);
    change<number[]>(model, `windowList/${key}/${start}`, [], (value) => [...value, n]);
  },
  mergeWindows(backend, model, key, n) {
    const target = (n % 5) * 10;
    const sources = [0, 10, 20, 30, 40].filter((start) => start !== target && (n >> (start / 10)) % 2 === 1);
    const windows = sources.map((start) => ({ start, end: start + 10 }));
    backend.getWindowReducingState(WINDOW_SUM).mergeWindows({ start: target, end: target + 10 }, windows);
    backend.getWindowListState(WINDOW_LIST).mergeWindows({ start: target, end: target + 10 }, windows);
    for (const start of sources) {
      const place = `windowSum/${key}/${start}`;
      if (!model.has(place)) continue;
      change(model, `windowSum/${key}/${target}`, 0, (value) => value + (model.get(place) as number));
      change<number[]>(model, `windowList/${key}/${target}`, [], (value) => [
        ...value,
        ...(model.get(`windowList/${key}/${start}`) as number[]),
      ]);
      model.delete(place);
      model.delete(`windowList/${key}/${start}`);
    }
  },
};

/** All that subtasks hold, read through the API. */
function contents(subtasks: Subtasks, keys: readonly unknown[]): Model {
  const model: Model = new Map();
  keys.forEach((key, index) => {
    const backend = subtasks.of(key);
    registerAll(backend);
    for (const name of NAMES) {
      const value = backend.query(name, key);
      if (value !== undefined) model.set(`${name}/${index}`, value);
    }
    for (let start = 0; start < 50; start += 10) {
      const sum = backend.getWindowReducingState(WINDOW_SUM);
      sum.setWindow(start, start + 10);
      const total = sum.get();
      if (total === null) continue;
      const list = backend.getWindowListState(WINDOW_LIST);
      list.setWindow(start, start + 10);
      model.set(`windowSum/${index}/${start}`, total);
      model.set(`windowList/${index}/${start}`, [...list.get()]);
    }
  });
  return model;
}

function registerAll(backend: KeyedStateBackend<unknown>): void {
  for (const descriptor of [FLAT, INTS, BOXES] as ValueStateDescriptor<unknown>[]) backend.getState(descriptor);
  backend.getListState(LIST);
  backend.getMapState(MAP);
  backend.getReducingState(SUM);
  backend.getAggregatingState(BAG);
  backend.getWindowReducingState(WINDOW_SUM);
  backend.getWindowListState(WINDOW_LIST);
  backend.getWindowState(WINDOW_COUNT);
}

function sorted(model: Model): [string, unknown][] {
  return [...model].sort(([left], [right]) => (left < right ? -1 : 1));
}

type Step =
  | { readonly do: 'write'; readonly write: string; readonly key: number; readonly n: number }
  | { readonly do: 'capture' }
  | { readonly do: 'writeOn'; readonly slices: number }
  | { readonly do: 'finish'; readonly which: number }
  | { readonly do: 'restore'; readonly parallelism: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        write: fc.constantFrom(...Object.keys(WRITES)),
        key: fc.nat({ max: 7 }),
        n: fc.nat({ max: 31 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('capture' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('writeOn' as const), slices: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat({ max: 9 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('restore' as const), parallelism: fc.integer({ min: 1, max: 5 }) }),
    },
  ),
  { maxLength: 150, size: 'max' },
) as fc.Arbitrary<Step[]>;

interface Taken {
  readonly model: Model;
  readonly captures: readonly CaptureInFlight[];
}

const MODEL_KEYS: readonly [TypeInformation<unknown>, unknown[]][] = [
  [Types.INT, Array.from({ length: 8 }, (_, index) => (index - 4) * 7_919)],
  [Types.STRING, Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 'Aa' : 'BB').repeat(1 + (index >> 1)))],
  [Types.DOUBLE, Array.from({ length: 8 }, (_, index) => (index === 0 ? Number.NaN : (index - 4) / 3))],
  [Types.TUPLE(Types.STRING, Types.INT), Array.from({ length: 8 }, (_, index) => [`t${index % 4}`, index])],
] as unknown as [TypeInformation<unknown>, unknown[]][];

test.each(MODEL_KEYS.map(([type, keys]) => [type.schema.kind, type, keys] as const))(
  'state under %s keys is what a plain map would hold, and so is every capture of it',
  (_, type, keys) => {
    fc.assert(
      fc.property(
        steps,
        fc.constantFrom(1, 5, 16, 128, 1000),
        fc.integer({ min: 1, max: 5 }),
        (run, max, firstParallelism) => {
          const maxParallelism = Math.max(max, 5);
          let subtasks = new Subtasks(type, maxParallelism, firstParallelism, []);
          let model: Model = new Map();
          let taken: Taken[] = [];
          const start = (): Taken => {
            for (const backend of subtasks.backends) registerAll(backend);
            const captures = subtasks.backends.map((backend) => new CaptureInFlight(backend as never));
            return { model: structuredClone(model), captures };
          };
          const check = ({ model: then, captures }: Taken, parallelism: number): Subtasks => {
            const restored = new Subtasks(
              type,
              maxParallelism,
              parallelism,
              captures.map((capture) => capture.finish()),
            );
            expect(sorted(contents(restored, keys))).toEqual(sorted(then));
            return restored;
          };
          for (const step of run) {
            if (step.do === 'write') {
              WRITES[step.write]!(subtasks.of(keys[step.key]), model, String(step.key), step.n);
            } else if (step.do === 'capture') taken.push(start());
            else if (step.do === 'writeOn') {
              for (const { captures } of taken) {
                for (const capture of captures) for (let left = step.slices; left > 0 && !capture.step(); left--);
              }
            } else if (step.do === 'finish') {
              for (const one of taken.splice(step.which % Math.max(1, taken.length), 1)) check(one, 3);
            } else {
              const last = start();
              taken.reverse();
              for (const earlier of taken) check(earlier, step.parallelism);
              subtasks = check(last, step.parallelism);
              model = last.model;
              taken = [];
            }
          }
          expect(sorted(contents(subtasks, keys))).toEqual(sorted(model));
          const count = subtasks.backends.reduce(
            (sum, backend) => sum + backend.numStateEntries() - backend.numStateEntries('windowCount'),
            0,
          );
          expect(count).toBe(model.size);
          for (const earlier of taken) check(earlier, 2);
        },
      ),
      { numRuns: 40, seed: 20_240_607 },
    );
  },
  60_000,
);
