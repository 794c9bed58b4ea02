/** Makes what a descriptor asks for: the column, the codec, and the object that the function works with. */

import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import type { DataInput } from '../types/data-input.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { KeyedStateMeta } from './backend.ts';
import type { CaptureVersions } from './capture-versions.ts';
import { type Column, columnFor, MutableColumn } from './columns.ts';
import type {
  AggregatingStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  ValueStateDescriptor,
} from './descriptors.ts';
import type { EntryCursors } from './entry-cursor.ts';
import { KeyedListState } from './list-state.ts';
import { comparableFor } from './map-cells.ts';
import { KeyedMapState } from './map-state.ts';
import type { State } from './state.ts';
import { listCodec, listReader, mapCodec, mapReader, type StateCodec, valueCodec } from './state-codec.ts';
import { typesOf } from './state-registration.ts';
import { enabledTtl, Ttl } from './ttl.ts';
import { type StampedElement, TtlListState } from './ttl-list-state.ts';
import { TtlMapState } from './ttl-map-state.ts';
import { TtlValueCell } from './ttl-value-cell.ts';
import { type StatePlace, ValueCell } from './value-cell.ts';
import { KeyedAggregatingState, KeyedReducingState, KeyedValueState, TtlValueState } from './value-states.ts';

type Read = (input: DataInput) => unknown;

/** A state that was asked for. */
export interface RegisteredState {
  readonly descriptor: StateDescriptor;
  readonly meta: KeyedStateMeta;
  readonly cursors: EntryCursors;
  readonly column: Column;
  readonly codec: StateCodec;
  readonly ttl: Ttl | undefined;
  readonly state: State;
}

/** What all states of a backend share. */
export interface StateSurroundings {
  readonly versions: CaptureVersions;
  readonly clock: Clock;
}

export function makeState(
  descriptor: StateDescriptor,
  meta: KeyedStateMeta,
  cursors: EntryCursors,
  { versions, clock }: StateSurroundings,
): RegisteredState {
  const config = enabledTtl(descriptor.ttl);
  const ttl = config === undefined ? undefined : new Ttl(config, clock);
  const column = makeColumn(descriptor, ttl !== undefined, versions);
  cursors.table.addColumn(column);
  const place: StatePlace = { cursor: cursors.cursorForState(), cursors, column };
  const state = makeFacade(descriptor, place, ttl, versions);
  return { descriptor, meta, cursors, column, codec: makeCodec(descriptor, ttl !== undefined), ttl, state };
}

/** Reads what a column holds for one entry, given how to read a value and, for maps, a user key. */
export function storedReader(descriptor: StateDescriptor, stamped: boolean, readValue: Read, readMapKey: Read): Read {
  switch (descriptor.kind) {
    case 'list':
      return listReader(readValue, stamped);
    case 'map': {
      const { keyType } = descriptor as MapStateDescriptor<unknown, unknown>;
      return mapReader(readMapKey, readValue, comparableFor(descriptor.name, keyType), stamped);
    }
    case 'value':
    case 'reducing':
    case 'aggregating':
      return readValue;
    default:
      return assertNever(descriptor.kind);
  }
}

function makeColumn(descriptor: StateDescriptor, stamped: boolean, versions: CaptureVersions): Column {
  const { value } = typesOf(descriptor);
  switch (descriptor.kind) {
    case 'list':
      return new MutableColumn(false, versions, listCopier(value, stamped));
    case 'map':
      return new MutableColumn(false, versions, (cells) => new Map(cells as Map<unknown, unknown>));
    case 'value':
    case 'reducing':
    case 'aggregating':
      return columnFor(value, stamped, versions);
    default:
      return assertNever(descriptor.kind);
  }
}

function listCopier(type: TypeInformation<unknown>, stamped: boolean): (elements: unknown) => unknown {
  if (type.immutable) return (elements) => (elements as unknown[]).slice();
  if (!stamped) return (elements) => (elements as unknown[]).map((element) => type.copy(element));
  return (elements) => (elements as StampedElement[]).map(({ value, stamp }) => ({ value: type.copy(value), stamp }));
}

function makeCodec(descriptor: StateDescriptor, stamped: boolean): StateCodec {
  const { value, mapKey } = typesOf(descriptor);
  if (mapKey !== undefined) return mapCodec(mapKey, value, stamped);
  return descriptor.kind === 'list' ? listCodec(value, stamped) : valueCodec(value);
}

function makeFacade(
  descriptor: StateDescriptor,
  place: StatePlace,
  ttl: Ttl | undefined,
  versions: CaptureVersions,
): State {
  switch (descriptor.kind) {
    case 'list':
      if (ttl !== undefined) return new TtlListState(place, ttl);
      return new KeyedListState(place, !typesOf(descriptor).value.immutable);
    case 'map': {
      const map = descriptor as MapStateDescriptor<unknown, unknown>;
      return ttl === undefined ? new KeyedMapState(map, place, versions) : new TtlMapState(map, place, versions, ttl);
    }
    case 'value': {
      const value = descriptor as ValueStateDescriptor<unknown>;
      return ttl === undefined
        ? new KeyedValueState(value, place)
        : new TtlValueState(value, new TtlValueCell(place, ttl));
    }
    case 'reducing':
      return new KeyedReducingState(descriptor as ReducingStateDescriptor<unknown>, cellOf(place, ttl));
    case 'aggregating': {
      const aggregating = descriptor as AggregatingStateDescriptor<unknown, unknown, unknown>;
      return new KeyedAggregatingState(aggregating, cellOf(place, ttl));
    }
    default:
      return assertNever(descriptor.kind);
  }
}

function cellOf(place: StatePlace, ttl: Ttl | undefined): ValueCell {
  return ttl === undefined ? new ValueCell(place) : new TtlValueCell(place, ttl);
}
