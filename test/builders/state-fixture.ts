/**
 * The job whose savepoint lies in test/fixtures/state-v1: every kind of state, every type, every kind of key. The script
 * that writes the fixture and the test that reads it share what is declared here; what the states held is in
 * expected.json beside the savepoint, so that a mistake here cannot hide a mistake there.
 */
import type { Clock } from '../../src/lib/clock.ts';
import type { JobShape, VertexShape } from '../../src/stream/checkpoint/job-shape.ts';
import { assignToKeyGroup, keyGroupRange, operatorIndexForKeyGroup } from '../../src/stream/key-groups.ts';
import { operatorIdOf } from '../../src/stream/operator-id.ts';
import type { OperatorRestore, OperatorSnapshot, ProcessingTimeService } from '../../src/stream/operators/operator.ts';
import type { KeyedStateBackend } from '../../src/stream/state/backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../src/stream/state/descriptors.ts';
import { createKeyedStateBackend } from '../../src/stream/state/keyed-state-backend.ts';
import { OperatorStateBackend } from '../../src/stream/state/operator-state-backend.ts';
import { createTimerService } from '../../src/stream/timers/internal-timer-service.ts';
import type { InternalTimerService } from '../../src/stream/timers/timer-service.ts';
import { type TypeInformation, Types } from '../../src/stream/types/index.ts';

export const MAX_PARALLELISM = 8;
/** When the fixture was taken, and when it is read: states that expire are alive. */
const NOW = 1_700_000_000_000;
const CLOCK: Clock = { now: () => NOW, monotonic: () => NOW, setTimer: () => () => {} };
const CENTURY_MS = 100 * 365 * 24 * 3_600_000;

const STRUCTURE = Types.OBJECT({
  name: Types.STRING,
  count: Types.LONG,
  ratio: Types.DOUBLE,
  tags: Types.LIST(Types.STRING),
  flags: Types.SET(Types.BYTE),
  byDay: Types.MAP(Types.INT, Types.FLOAT),
  at: Types.DATE,
  raw: Types.BYTES,
  note: Types.OPTIONAL(Types.STRING),
  pair: Types.TUPLE(Types.SHORT, Types.BOOLEAN),
});

const structureOf = (index: number) => ({
  name: `näme ${index} 😀`,
  count: 9_007_199_254_740_993n * BigInt(index),
  ratio: index / 3,
  tags: Array.from({ length: index % 4 }, (_, tag) => `tag ${tag}`),
  flags: new Set([index % 128, -1]),
  byDay: new Map([[index, 0.5 * index]]),
  at: new Date(NOW + index),
  raw: Uint8Array.of(index, 255, 0),
  note: index % 2 === 0 ? `note ${index}` : null,
  pair: [index, index % 2 === 0] as [number, boolean],
});

/** Three keys of every kind, each with how a function would declare it. */
const KEY_KINDS: readonly {
  readonly uid: string;
  readonly type: TypeInformation<unknown>;
  readonly keys: readonly unknown[];
}[] = [
  kind('string', Types.STRING, ['', 'SFO', 'Ünï😀']),
  kind('byte', Types.BYTE, [-128, 0, 127]),
  kind('short', Types.SHORT, [-32_768, 1, 32_767]),
  kind('int', Types.INT, [-2_147_483_648, 1, 2_147_483_647]),
  kind('char', Types.CHAR, ['a', 'ß', '\u{ffff}']),
  kind('long', Types.LONG, [-(2n ** 63n), 1n, 2n ** 63n - 1n]),
  kind('safe-long', Types.SAFE_LONG, [Number.MIN_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER]),
  kind('float', Types.FLOAT, [-0.5, 0, 1.5]),
  kind('double', Types.DOUBLE, [-0.1, 0, Number.MAX_VALUE]),
  kind('boolean', Types.BOOLEAN, [true, false]),
  kind('uuid', Types.UUID, ['00000000-0000-0000-0000-000000000000', '123e4567-e89b-12d3-a456-426614174000']),
  kind('big-int', Types.BIG_INT, [-(10n ** 30n), 0n, 10n ** 30n]),
  kind('big-dec', Types.BIG_DEC, [
    { unscaled: 10n, scale: 1 },
    { unscaled: 100n, scale: 2 },
  ]),
  kind<readonly unknown[]>(
    'tuple',
    Types.TUPLE(Types.STRING, Types.INT) as unknown as TypeInformation<readonly unknown[]>,
    [
      ['a', 1],
      ['b', -1],
    ],
  ),
];

/** One operator of the fixture in one subtask. */
export interface FixtureOperator {
  readonly uid: string;
  /** Puts in what belongs to this subtask. */
  fill(): void;
  snapshot(): OperatorSnapshot;
  /** Everything it holds, as plain JSON in an order that does not depend on the parallelism. */
  dump(): unknown[];
}

/** What an operator is made for. */
export interface FixtureSubtask {
  readonly subtask: number;
  readonly parallelism: number;
  readonly restored?: OperatorRestore | undefined;
}

const OPERATORS: readonly { readonly uid: string; readonly open: (subtask: FixtureSubtask) => FixtureOperator }[] = [
  { uid: 'everything', open: openEverything },
  { uid: 'windows', open: openWindows },
  { uid: 'lists', open: openLists },
  { uid: 'raw', open: openRaw },
  ...KEY_KINDS.map(({ uid, type, keys }) => ({
    uid,
    open: (subtask: FixtureSubtask) => openKeyKind(uid, type, keys, subtask),
  })),
];

export function fixtureJob(parallelism: number): JobShape {
  const vertices = OPERATORS.map(
    ({ uid }): VertexShape => ({
      vertexId: operatorIdOf(uid),
      name: uid,
      parallelism,
      maxParallelism: MAX_PARALLELISM,
      maxParallelismConfigured: true,
      inputs: [],
      operators: [{ uid, operatorId: operatorIdOf(uid), name: `operator ${uid}` }],
    }),
  );
  return { jobId: '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a', jobName: 'every kind of state', vertices };
}

/** The operator of a vertex of the fixture's job. */
export function openFixtureOperator(uid: string, subtask: FixtureSubtask): FixtureOperator {
  const found = OPERATORS.find((each) => each.uid === uid);
  if (found === undefined) throw new Error(`the fixture has no operator ${uid}`);
  return found.open(subtask);
}

/** Keyed state in the void namespace, of all kinds, with timers and time-to-live. */
function openEverything(subtask: FixtureSubtask): FixtureOperator {
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  const backend = keyedBackend(Types.STRING, subtask);
  const timers = new FixtureTimers(backend, 'timers', 'void');
  backend.restore(subtask.restored?.keyed ?? []);
  const value = backend.getState(new ValueStateDescriptor('value', STRUCTURE));
  const list = backend.getListState(new ListStateDescriptor('list', Types.STRING));
  const map = backend.getMapState(new MapStateDescriptor('map', Types.STRING, Types.LONG));
  const sum = backend.getReducingState(new ReducingStateDescriptor<number>('sum', (a, b) => a + b, Types.DOUBLE));
  const mean = backend.getAggregatingState(meanDescriptor('mean'));
  const any = backend.getState(new ValueStateDescriptor('any', Types.ANY));
  const count = backend.getState(new ValueStateDescriptor('count', Types.INT));
  const expiring = backend.getState(
    new ValueStateDescriptor('expiring', Types.STRING).enableTimeToLive({ ttlMs: CENTURY_MS }),
  );
  const own = keys.filter((key) => isOwn(Types.STRING, key, subtask));
  return keyedOperator('everything', backend, {
    fill() {
      for (const key of own) {
        const index = keys.indexOf(key);
        backend.setCurrentKey(key);
        value.update(structureOf(index));
        list.addAll([`${key} a`, `${key} b`]);
        map.putAll([
          ['one', BigInt(index)],
          ['two', -(2n ** 62n)],
        ]);
        for (const part of [index, 0.25]) sum.add(part);
        for (const part of [index, index + 1]) mean.add(part);
        any.update({ text: key, nested: [null, true, 1.5, { deep: [index] }] });
        count.update(index * 1_000_000);
        expiring.update(`expires ${index}`);
        timers.service.registerEventTimeTimer(null, 1_000 + index);
        timers.service.registerProcessingTimeTimer(null, NOW + 5_000 + index);
      }
    },
    dump() {
      const held = own.map((key) => {
        backend.setCurrentKey(key);
        const states = [value, any, count, expiring].map((state) => state.value());
        return [key, ...states, [...list.get()], [...map.entries()].sort(), sum.get(), mean.get()];
      });
      return [...held, ...timers.fireAll()];
    },
  });
}

/** Keyed state in windows, and their timers. */
function openWindows(subtask: FixtureSubtask): FixtureOperator {
  const keys = Array.from({ length: 10 }, (_, index) => index * 7);
  const backend = keyedBackend(Types.INT, subtask);
  const timers = new FixtureTimers(backend, 'window-timers', 'window');
  backend.restore(subtask.restored?.keyed ?? []);
  const value = backend.getWindowState(new ValueStateDescriptor('value', Types.STRING));
  const list = backend.getWindowListState(new ListStateDescriptor('list', Types.INT));
  const map = backend.getWindowMapState(new MapStateDescriptor('map', Types.INT, Types.STRING));
  const sum = backend.getWindowReducingState(new ReducingStateDescriptor<number>('sum', (a, b) => a + b, Types.INT));
  const mean = backend.getWindowAggregatingState(meanDescriptor('mean'));
  const windows = [
    { start: 0, end: 60_000 },
    { start: -3_600_000, end: 0 },
  ];
  const own = keys.filter((key) => isOwn(Types.INT, key, subtask));
  const enter = (key: number, { start, end }: { start: number; end: number }) => {
    backend.setCurrentKey(key);
    for (const state of [value, list, map, sum, mean]) state.setWindow(start, end);
  };
  const all = own.flatMap((key) => windows.map((window) => ({ key, window })));
  return keyedOperator('windows', backend, {
    fill() {
      for (const { key, window } of all) {
        enter(key, window);
        value.update(`${key} in ${window.start}`);
        list.addAll([key, window.start]);
        map.put(key, 'mapped');
        sum.add(key);
        mean.add(key);
        timers.service.registerEventTimeTimer(window, window.end - 1);
      }
    },
    dump() {
      const held = all.map(({ key, window }) => {
        enter(key, window);
        return [key, window.start, value.value(), [...list.get()], [...map.entries()], sum.get(), mean.get()];
      });
      return [...held, ...timers.fireAll()];
    },
  });
}

/** Operator state of the three modes. */
function openLists({ subtask, restored }: FixtureSubtask): FixtureOperator {
  const backend = new OperatorStateBackend('lists');
  backend.restore(restored?.operatorState ?? []);
  const split = backend.getListState(new ListStateDescriptor('split', Types.STRING));
  const union = backend.getUnionListState(new ListStateDescriptor('union', STRUCTURE));
  const broadcast = backend.getBroadcastState(new MapStateDescriptor('broadcast', Types.STRING, Types.INT));
  return {
    uid: 'lists',
    fill() {
      split.addAll(Array.from({ length: 5 }, (_, index) => `element ${subtask * 5 + index}`));
      union.add(structureOf(subtask));
      broadcast.putAll([
        ['a', 1],
        ['b', 2],
      ]);
    },
    snapshot: () => operatorSnapshot('lists', { operatorState: backend.snapshot() }),
    dump: () => [
      ...[...split.get()].map((element) => ['split', element]),
      // After a restore the same in every subtask: told once.
      ...(restored === undefined || subtask === 0 ? [...union.get()].map((element) => ['union', element]) : []),
      ...(subtask === 0 ? [['broadcast', [...broadcast.entries()].sort()]] : []),
    ],
  };
}

/** Raw streams. */
function openRaw({ subtask, parallelism, restored }: FixtureSubtask): FixtureOperator {
  const { start, end } = keyGroupRange(subtask, parallelism, MAX_PARALLELISM);
  const groups = new Map(restored?.rawKeyed ?? []);
  const partitions = [...(restored?.rawOperator ?? [])];
  return {
    uid: 'raw',
    fill() {
      for (let group = start; group <= end; group++) groups.set(group, Buffer.from(`raw key group ${group}`));
      partitions.push(Buffer.from(`raw partition ${subtask}`), Buffer.from(`second raw partition ${subtask}`));
    },
    snapshot: () => operatorSnapshot('raw', { rawKeyed: groups, rawOperator: partitions }),
    dump: () => [
      ...[...groups].map(([group, bytes]) => [group, Buffer.from(bytes).toString()]),
      ...partitions.map((bytes) => Buffer.from(bytes).toString()),
    ],
  };
}

/** A count for three keys of one kind. */
function openKeyKind(
  uid: string,
  type: TypeInformation<unknown>,
  keys: readonly unknown[],
  subtask: FixtureSubtask,
): FixtureOperator {
  const backend = keyedBackend(type, subtask);
  backend.restore(subtask.restored?.keyed ?? []);
  const count = backend.getState(new ValueStateDescriptor('count', Types.INT));
  const own = keys.filter((key) => isOwn(type, key, subtask));
  return keyedOperator(uid, backend, {
    fill() {
      for (const key of own) {
        backend.setCurrentKey(key);
        count.update(keys.indexOf(key));
      }
    },
    dump: () =>
      own.map((key) => {
        backend.setCurrentKey(key);
        return [key, count.value()];
      }),
  });
}

/** A value as JSON can show it: bigints, maps, sets, bytes and dates told apart. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Date) return { date: value.toISOString() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (value instanceof Map) return { map: plain([...value]) };
  if (value instanceof Set) return { set: plain([...value]) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

/** A backend of whatever keys. */
type AnyBackend = Pick<KeyedStateBackend, 'getCurrentKey' | 'snapshot'>;

/** Timers whose firings are collected instead of run. */
class FixtureTimers {
  readonly service: InternalTimerService;
  readonly #fired: unknown[] = [];
  #now = NOW;
  #due: (() => void) | undefined;

  constructor(backend: AnyBackend, name: string, namespace: 'void' | 'window') {
    const fire = (how: string) => (timestamp: number, window: unknown) =>
      void this.#fired.push([how, backend.getCurrentKey(), timestamp, window]);
    const processingTime: ProcessingTimeService = {
      now: () => this.#now,
      registerTimer: (_, callback) => {
        this.#due = () => callback(this.#now);
        return () => {};
      },
    };
    const target = { onEventTime: fire('event'), onProcessingTime: fire('processing') };
    this.service = createTimerService({
      name,
      namespace,
      backend: backend as KeyedStateBackend,
      processingTime,
      target,
    });
  }

  fireAll(): unknown[] {
    this.service.advanceWatermark(Number.MAX_SAFE_INTEGER);
    this.#now = NOW + CENTURY_MS;
    this.service.start();
    this.#due?.();
    return this.#fired;
  }
}

function kind<T>(name: string, type: TypeInformation<T>, keys: readonly T[]) {
  return { uid: `key-${name}`, type: type as unknown as TypeInformation<unknown>, keys };
}

function meanDescriptor(name: string) {
  const accumulator = Types.TUPLE(Types.DOUBLE, Types.INT);
  return new AggregatingStateDescriptor<number, [number, number], number>(
    name,
    {
      createAccumulator: () => [0, 0],
      add: (value, [sum, count]) => [sum + value, count + 1],
      getResult: ([sum, count]) => sum / count,
      merge: ([a, b], [c, d]) => [a + c, b + d],
    },
    accumulator as unknown as TypeInformation<[number, number]>,
  );
}

function keyedBackend<K>(keyType: TypeInformation<K>, { subtask, parallelism }: FixtureSubtask): KeyedStateBackend<K> {
  const { start, end } = keyGroupRange(subtask, parallelism, MAX_PARALLELISM);
  return createKeyedStateBackend({
    keyType,
    maxParallelism: MAX_PARALLELISM,
    firstKeyGroup: start,
    lastKeyGroup: end,
    clock: CLOCK,
  });
}

function isOwn<K>(type: TypeInformation<K>, key: K, { subtask, parallelism }: FixtureSubtask): boolean {
  const keyGroup = assignToKeyGroup(key, (each) => type.hash?.(each) ?? 0, MAX_PARALLELISM);
  return operatorIndexForKeyGroup(keyGroup, parallelism, MAX_PARALLELISM) === subtask;
}

function keyedOperator(
  uid: string,
  backend: AnyBackend,
  { fill, dump }: Pick<FixtureOperator, 'fill' | 'dump'>,
): FixtureOperator {
  return {
    uid,
    fill,
    dump,
    snapshot() {
      const keyed = backend.snapshot(1);
      return operatorSnapshot(uid, keyed === undefined ? {} : { keyed });
    },
  };
}

function operatorSnapshot(uid: string, parts: Partial<OperatorSnapshot>): OperatorSnapshot {
  return { uid, operatorId: operatorIdOf(uid), name: `operator ${uid}`, operatorState: [], ...parts };
}
