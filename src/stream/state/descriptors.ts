/**
 * What a function asks a state by: name, types, user function, time-to-live. Two descriptors of one name in one operator
 * must agree in kind, types and TTL; a clash is refused when it is asked for.
 */
import {
  IllegalArgumentException,
  IllegalStateException,
  UnsupportedOperationException,
} from '../../lib/java-errors.ts';
import type { TypeInformation } from '../types/type-information.ts';

export type StateKind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';

/** Flink's ordinals of state kinds, as stored; FOLDING (4) stays reserved. */
export const STATE_KIND_ORDINAL: Readonly<Record<StateKind, number>> = {
  value: 1,
  list: 2,
  reducing: 3,
  aggregating: 5,
  map: 6,
};

/** Combines two values of one type into one. */
export type ReduceFn<T> = (left: T, right: T) => T;

/** Follows Flink's AggregateFunction. `merge` is called only where windows merge. */
export interface AggregateFn<IN, ACC, OUT> {
  createAccumulator(): ACC;
  add(value: IN, accumulator: ACC): ACC;
  getResult(accumulator: ACC): OUT;
  merge(left: ACC, right: ACC): ACC;
}

/** Time-to-live of a state, in processing time. Follows Flink's StateTtlConfig. */
export interface StateTtlConfig {
  readonly ttlMs: number;
  /** @default 'OnCreateAndWrite' */
  readonly updateType?: 'Disabled' | 'OnCreateAndWrite' | 'OnReadAndWrite';
  /** @default 'NeverReturnExpired' */
  readonly visibility?: 'NeverReturnExpired' | 'ReturnExpiredIfNotCleanedUp';
  /** Leaves expired entries out of captures. @default false */
  readonly cleanupInFullSnapshot?: boolean;
  /** Entries looked at per access; 0 switches the incremental clean-up off. @default 5 */
  readonly incrementalCleanupSize?: number;
}

/** The shared part of all descriptors. Not made directly. */
export abstract class StateDescriptor {
  abstract readonly kind: StateKind;
  readonly name: string;
  #ttl: StateTtlConfig | undefined;
  #queryableName: string | undefined;

  constructor(name: string) {
    if (typeof name !== 'string' || name.length === 0)
      throw new IllegalArgumentException('A state needs a name that is not empty.');
    this.name = name;
  }

  get ttl(): StateTtlConfig | undefined {
    return this.#ttl;
  }

  get queryableName(): string | undefined {
    return this.#queryableName;
  }

  /** Lets entries expire. @throws IllegalArgumentException for a queryable state or a TTL that is not above 0 */
  enableTimeToLive(ttl: StateTtlConfig): this {
    if (this.#queryableName !== undefined)
      throw new IllegalArgumentException('Queryable state is currently not supported with TTL');
    if (ttl.updateType !== 'Disabled' && !(ttl.ttlMs > 0))
      throw new IllegalArgumentException('TTL is expected to be positive.');
    this.#ttl = ttl;
    return this;
  }

  /** Makes the state readable from outside under `queryableName`. */
  setQueryable(queryableName: string): this {
    if (this.#ttl !== undefined)
      throw new IllegalArgumentException('Queryable state is currently not supported with TTL');
    if (this.#queryableName !== undefined) throw new IllegalStateException('Queryable state name already set');
    this.#queryableName = queryableName;
    return this;
  }
}

export class ValueStateDescriptor<T> extends StateDescriptor {
  readonly kind = 'value';
  readonly type: TypeInformation<T>;
  /** Given (as a copy) by `value()` while there is no entry. */
  readonly defaultValue: T | undefined;
  constructor(name: string, type: TypeInformation<T>, defaultValue?: T) {
    super(name);
    this.type = type;
    this.defaultValue = defaultValue;
  }
}

export class ListStateDescriptor<T> extends StateDescriptor {
  readonly kind = 'list';
  readonly elementType: TypeInformation<T>;
  constructor(name: string, elementType: TypeInformation<T>) {
    super(name);
    this.elementType = elementType;
  }
}

export class MapStateDescriptor<UK, UV> extends StateDescriptor {
  readonly kind = 'map';
  readonly keyType: TypeInformation<UK>;
  readonly valueType: TypeInformation<UV>;
  constructor(name: string, keyType: TypeInformation<UK>, valueType: TypeInformation<UV>) {
    super(name);
    this.keyType = keyType;
    this.valueType = valueType;
  }
}

export class ReducingStateDescriptor<T> extends StateDescriptor {
  readonly kind = 'reducing';
  readonly type: TypeInformation<T>;
  readonly reduce: ReduceFn<T>;
  constructor(name: string, reduce: ReduceFn<T>, type: TypeInformation<T>) {
    super(name);
    if (typeof reduce !== 'function') {
      throw new UnsupportedOperationException('ReduceFunction of ReducingState can not be a RichFunction.');
    }
    this.reduce = reduce;
    this.type = type;
  }
}

export class AggregatingStateDescriptor<IN, ACC, OUT> extends StateDescriptor {
  readonly kind = 'aggregating';
  readonly aggregate: AggregateFn<IN, ACC, OUT>;
  readonly accumulatorType: TypeInformation<ACC>;
  constructor(name: string, aggregate: AggregateFn<IN, ACC, OUT>, accumulatorType: TypeInformation<ACC>) {
    super(name);
    this.aggregate = aggregate;
    this.accumulatorType = accumulatorType;
  }
}
