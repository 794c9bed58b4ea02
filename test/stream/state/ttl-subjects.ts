/** States with a time to live, all seen alike. */
import type { KeyedStateBackend } from '../../../src/stream/state/backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  type StateTtlConfig,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { Types } from '../../../src/stream/types/index.ts';
import { ManualClock, stringBackend } from './keyed-backends.ts';

/** One kind of state seen as one number that can be written and read. */
interface Subject {
  write(value: number): void;
  read(): number | null;
}

type Kind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';
export const KINDS: readonly Kind[] = ['value', 'list', 'map', 'reducing', 'aggregating'];

export function singleOf(ttl: StateTtlConfig, name = 'value'): ValueStateDescriptor<number> {
  return new ValueStateDescriptor(name, Types.INT).enableTimeToLive(ttl);
}
export function listOf(ttl: StateTtlConfig): ListStateDescriptor<number> {
  return new ListStateDescriptor('list', Types.INT).enableTimeToLive(ttl);
}
export function mapOf(ttl: StateTtlConfig): MapStateDescriptor<string, number> {
  return new MapStateDescriptor('map', Types.STRING, Types.INT).enableTimeToLive(ttl);
}
export function sumOf(ttl: StateTtlConfig): ReducingStateDescriptor<number> {
  return new ReducingStateDescriptor('sum', (left: number, right: number) => left + right, Types.INT).enableTimeToLive(
    ttl,
  );
}
export function totalOf(ttl: StateTtlConfig): AggregatingStateDescriptor<number, { sum: number }, number> {
  return new AggregatingStateDescriptor(
    'total',
    {
      createAccumulator: () => ({ sum: 0 }),
      add: (value: number, { sum }: { sum: number }) => ({ sum: sum + value }),
      getResult: ({ sum }: { sum: number }) => sum,
      merge: (left: { sum: number }, right: { sum: number }) => ({ sum: left.sum + right.sum }),
    },
    Types.OBJECT({ sum: Types.INT }),
  ).enableTimeToLive(ttl);
}

export const NAMES: Readonly<Record<Kind, string>> = {
  value: 'value',
  list: 'list',
  map: 'map',
  reducing: 'sum',
  aggregating: 'total',
};

export function subjectOf(kind: Kind, backend: KeyedStateBackend<string>, ttl: StateTtlConfig): Subject {
  switch (kind) {
    case 'value': {
      const state = backend.getState(singleOf(ttl));
      return { write: (value) => state.update(value), read: () => state.value() };
    }
    case 'list': {
      const state = backend.getListState(listOf(ttl));
      return { write: (value) => state.update([value]), read: () => [...state.get()][0] ?? null };
    }
    case 'map': {
      const state = backend.getMapState(mapOf(ttl));
      return { write: (value) => state.put('x', value), read: () => state.get('x') };
    }
    case 'reducing': {
      const state = backend.getReducingState(sumOf(ttl));
      return { write: (value) => state.add(value), read: () => state.get() };
    }
    case 'aggregating': {
      const state = backend.getAggregatingState(totalOf(ttl));
      return { write: (value) => state.add(value), read: () => state.get() };
    }
  }
}

export function setUp(
  kind: Kind,
  ttl: StateTtlConfig,
): { clock: ManualClock; backend: KeyedStateBackend<string>; subject: Subject } {
  const clock = new ManualClock();
  const backend = stringBackend({ clock });
  const subject = subjectOf(kind, backend, ttl);
  backend.setCurrentKey('a');
  return { clock, backend, subject };
}
