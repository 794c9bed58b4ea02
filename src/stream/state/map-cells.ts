/**
 * How a map state lies in its column: a JavaScript Map from a user key, made comparable, to a cell with key and value. A
 * capture shares the Map and its cells; a cell that it needs is replaced, not changed.
 */
import { NullPointerException } from '../../lib/java-errors.ts';
import { DataOutput } from '../types/data-output.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** One entry of a map. */
export class MapCell {
  readonly key: unknown;
  value: unknown;
  /** Time of the last write; 0 where the state does not expire. */
  stamp: number;
  /** Version of the last write; see CaptureVersions. */
  mark: number;

  constructor(key: unknown, value: unknown, stamp: number, mark: number) {
    this.key = key;
    this.value = value;
    this.stamp = stamp;
    this.mark = mark;
  }
}

export type MapCells = Map<unknown, MapCell>;

/** Turns a user key into what a Map tells apart as Java's equals does. */
export type Comparable = (key: unknown) => unknown;

/** How user keys of a type are compared. */
export function comparableFor(name: string, type: TypeInformation<unknown>): Comparable {
  if (PRIMITIVE_KINDS.has(type.schema.kind)) return (key) => key ?? refuseNull(name);
  if (FLOAT_KINDS.has(type.schema.kind)) {
    // A Map finds NaN, but takes −0 for 0.
    return (key) => (Object.is(key, -0) ? NEGATIVE_ZERO : (key ?? refuseNull(name)));
  }
  const nullable = NULLABLE_KINDS.has(type.schema.kind);
  const out = new DataOutput(64);
  return (key) => {
    if (!nullable && (key === null || key === undefined)) refuseNull(name);
    out.reset();
    type.write(out, key);
    return out.buffer.toString('latin1', 0, out.position);
  };
}

const NEGATIVE_ZERO = Symbol('-0');
const FLOAT_KINDS: ReadonlySet<string> = new Set(['float32', 'float64']);
const NULLABLE_KINDS: ReadonlySet<string> = new Set(['optional', 'any', 'null']);
const PRIMITIVE_KINDS: ReadonlySet<string> = new Set([
  'string',
  'char',
  'uuid',
  'boolean',
  'int8',
  'int16',
  'int32',
  'safeInt64',
  'int64',
  'bigInteger',
]);

function refuseNull(name: string): never {
  throw new NullPointerException(
    `A key of map state "${name}" is null, which its declared type does not hold. Declare Types.OPTIONAL, or leave such keys out.`,
  );
}
