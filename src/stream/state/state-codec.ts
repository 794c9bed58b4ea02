/**
 * How the value of one entry lies in a block, per kind of state. A block holds all entries of one state in one key group:
 *
 *     count, then per entry: key, [window start, window end], value, [time of the last write]
 *
 *     value, reducing, aggregating   the value
 *     list                           count, elements
 *     map                            count, (key, 0 or 1 and the value)
 *
 * With a time-to-live the time of the last write follows the value, or each element, or each entry of the map.
 */
import { IOException } from '../../lib/java-errors.ts';
import type { DataInput } from '../types/data-input.ts';
import type { DataOutput } from '../types/data-output.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { type Comparable, MapCell, type MapCells } from './map-cells.ts';
import type { Ttl } from './ttl.ts';
import type { StampedElement } from './ttl-list-state.ts';

type Read = (input: DataInput) => unknown;

/** Writes and copies what a column holds for one entry. */
export interface StateCodec {
  write(out: DataOutput, stored: unknown): void;
  /** A copy for the outside, in plain JavaScript values. */
  toPlain(stored: unknown): unknown;
  /** What has not expired of a list or map; undefined when nothing is left. Values that expire as a whole give themselves. */
  live(stored: unknown, ttl: Ttl, now: number): unknown;
}

export function valueCodec(type: TypeInformation<unknown>): StateCodec {
  return {
    write: (out, stored) => type.write(out, stored),
    toPlain: (stored) => type.copy(stored),
    live: (stored) => stored,
  };
}

export function listCodec(type: TypeInformation<unknown>, stamped: boolean): StateCodec {
  return {
    write(out, stored) {
      const elements = stored as unknown[];
      out.writeVarint(elements.length);
      for (const element of elements) {
        if (!stamped) type.write(out, element);
        else {
          const { value, stamp } = element as StampedElement;
          type.write(out, value);
          out.writeFloat64(stamp);
        }
      }
    },
    toPlain: (stored) =>
      (stored as unknown[]).map((element) => type.copy(stamped ? (element as StampedElement).value : element)),
    live(stored, ttl, now) {
      const live = (stored as StampedElement[]).filter(({ stamp }) => !ttl.isExpired(stamp, now));
      return live.length === 0 ? undefined : live;
    },
  };
}

export function mapCodec(
  keyType: TypeInformation<unknown>,
  valueType: TypeInformation<unknown>,
  stamped: boolean,
): StateCodec {
  return {
    write(out, stored) {
      const cells = stored as MapCells;
      out.writeVarint(cells.size);
      for (const cell of cells.values()) {
        keyType.write(out, cell.key);
        if (cell.value === null || cell.value === undefined) out.writeByte(0);
        else {
          out.writeByte(1);
          valueType.write(out, cell.value);
        }
        if (stamped) out.writeFloat64(cell.stamp);
      }
    },
    toPlain(stored) {
      const plain = new Map<unknown, unknown>();
      for (const { key, value } of (stored as MapCells).values()) {
        plain.set(keyType.copy(key), value === null || value === undefined ? null : valueType.copy(value));
      }
      return plain;
    },
    live(stored, ttl, now) {
      const live: MapCells = new Map();
      for (const [comparable, cell] of stored as MapCells) {
        if (!ttl.isExpired(cell.stamp, now)) live.set(comparable, cell);
      }
      return live.size === 0 ? undefined : live;
    },
  };
}

/** Reads the elements of a list. */
export function listReader(read: Read, stamped: boolean): Read {
  return (input) => {
    const elements: unknown[] = [];
    // No size from the data is trusted: the array grows as elements are found.
    for (let left = input.readCount(0); left > 0; left--) {
      const value = read(input);
      elements.push(stamped ? { value, stamp: input.readFloat64() } : value);
    }
    return elements;
  };
}

/** Reads the entries of a map. */
export function mapReader(readKey: Read, readValue: Read, comparable: Comparable, stamped: boolean): Read {
  return (input) => {
    const cells: MapCells = new Map();
    for (let left = input.readCount(); left > 0; left--) {
      const key = readKey(input);
      const present = input.readByte();
      if (present > 1) throw new IOException(`a map entry is marked ${present}: the data is damaged`);
      const value = present === 1 ? readValue(input) : null;
      cells.set(comparable(key), new MapCell(key, value, stamped ? input.readFloat64() : 0, 0));
    }
    return cells;
  };
}
