/**
 * A map per key. Reads copy nothing but what a capture shares and the caller could change; see map-cells.ts. Removing the
 * last entry removes the map, putting an empty map makes an empty one, as in Flink's heap state.
 */
import { NullPointerException } from '../../lib/java-errors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { Merging } from './backend.ts';
import type { CaptureVersions } from './capture-versions.ts';
import type { Column } from './columns.ts';
import type { MapStateDescriptor } from './descriptors.ts';
import type { EntryCursor, EntryCursors } from './entry-cursor.ts';
import { type Comparable, comparableFor, MapCell, type MapCells } from './map-cells.ts';
import { MapState } from './state.ts';
import type { StatePlace } from './value-cell.ts';
import { cannotMerge } from './value-states.ts';

export class KeyedMapState<UK, UV> extends MapState<UK, UV> implements Merging {
  protected readonly cursor: EntryCursor;
  protected readonly column: Column;
  readonly #cursors: EntryCursors;
  readonly #name: string;
  readonly #keyType: TypeInformation<UK>;
  readonly #valueType: TypeInformation<UV>;
  readonly #comparable: Comparable;
  readonly #versions: CaptureVersions;

  constructor(descriptor: MapStateDescriptor<UK, UV>, place: StatePlace, versions: CaptureVersions) {
    super();
    this.cursor = place.cursor;
    this.column = place.column;
    this.#cursors = place.cursors;
    this.#name = descriptor.name;
    this.#keyType = descriptor.keyType;
    this.#valueType = descriptor.valueType;
    this.#comparable = comparableFor(descriptor.name, descriptor.keyType as TypeInformation<unknown>);
    this.#versions = versions;
  }

  get(key: UK): UV | null {
    const comparable = this.#comparable(key);
    const cell = this.cellsToRead(this.access())?.get(comparable);
    if (cell === undefined) return null;
    return (this.handOut(comparable, cell).value as UV | null | undefined) ?? null;
  }

  contains(key: UK): boolean {
    return this.cellsToRead(this.access())?.has(this.#comparable(key)) ?? false;
  }

  put(key: UK, value: UV): void {
    const comparable = this.#comparable(key);
    this.access();
    this.putCell(this.cellsToWrite(), comparable, key, value);
  }

  putAll(entries: Iterable<readonly [UK, UV]>): void {
    if (entries === null || entries === undefined) {
      throw new NullPointerException(`putAll of map state "${this.#name}" was given null instead of entries.`);
    }
    // All keys are looked at before the first entry is put.
    const checked = Array.from(entries, ([key, value]) => ({ comparable: this.#comparable(key), key, value }));
    this.access();
    const cells = this.cellsToWrite();
    for (const { comparable, key, value } of checked) this.putCell(cells, comparable, key, value);
  }

  remove(key: UK): void {
    const comparable = this.#comparable(key);
    const entry = this.access();
    if (this.cellsToRead(entry)?.has(comparable)) this.removeCell(entry, comparable);
  }

  entries(): Iterable<[UK, UV]> {
    return this.each((cell) => [cell.key as UK, (cell.value ?? null) as UV]);
  }

  keys(): Iterable<UK> {
    return this.each((cell) => cell.key as UK);
  }

  values(): Iterable<UV> {
    return this.each((cell) => (cell.value ?? null) as UV);
  }

  isEmpty(): boolean {
    return (this.cellsToRead(this.access())?.size ?? 0) === 0;
  }

  clear(): void {
    const entry = this.access();
    if (entry >= 0) this.drop(entry);
  }

  setWindow(startMs: number, endMs: number): void {
    this.cursor.setWindow(startMs, endMs);
  }

  mergeWindows(): never {
    throw cannotMerge(this.#name, 'map');
  }

  /** Called once by every access of the user. Returns the entry of the current key. */
  protected access(): number {
    return this.cursor.find();
  }

  /** Time of a write. */
  protected stamp(): number {
    return 0;
  }

  protected each<R>(project: (cell: MapCell) => R): Iterable<R> {
    const entry = this.access();
    // The state's own map, so that removing while iterating reaches the map that is iterated over.
    const cells = entry < 0 ? undefined : (this.column.get(entry) as MapCells | undefined);
    return cells === undefined ? [] : this.#iterate(cells, project);
  }

  *#iterate<R>(cells: MapCells, project: (cell: MapCell) => R): Generator<R, void, undefined> {
    for (const [comparable, cell] of cells) yield project(this.#handOutFrom(cells, comparable, cell));
  }

  /** Only to be looked at: a capture may share it. */
  protected cellsToRead(entry: number): MapCells | undefined {
    return entry < 0 ? undefined : (this.column.peek(entry) as MapCells | undefined);
  }

  protected cellsToWrite(): MapCells {
    const entry = this.cursor.make();
    const present = this.column.get(entry) as MapCells | undefined;
    if (present !== undefined) return present;
    const cells: MapCells = new Map();
    this.column.set(entry, cells);
    return cells;
  }

  protected putCell(cells: MapCells, comparable: unknown, key: UK, value: UV): void {
    const cell = cells.get(comparable);
    if (cell !== undefined && cell.mark >= this.#versions.required) {
      cell.value = value;
      cell.stamp = this.stamp();
      return;
    }
    const ownKey = cell?.key ?? (this.#keyType.immutable ? key : this.#keyType.copy(key));
    cells.set(comparable, new MapCell(ownKey, value, this.stamp(), this.#versions.current));
  }

  protected removeCell(entry: number, comparable: unknown): void {
    const cells = this.column.get(entry) as MapCells;
    cells.delete(comparable);
    if (cells.size === 0) this.drop(entry);
  }

  protected drop(entry: number): void {
    if (this.column.drop(entry)) this.#cursors.released(entry);
  }

  /** The cell as the caller may have it: with a value of its own if a capture shares the present one. */
  protected handOut(comparable: unknown, cell: MapCell): MapCell {
    if (this.#valueType.immutable || cell.mark >= this.#versions.required) return cell;
    return this.#handOutFrom(this.cellsToWrite(), comparable, cell);
  }

  #handOutFrom(cells: MapCells, comparable: unknown, cell: MapCell): MapCell {
    if (this.#valueType.immutable || cell.mark >= this.#versions.required) return cell;
    const { key, value, stamp } = cell;
    const isNull = value === null || value === undefined;
    const own = new MapCell(key, isNull ? value : this.#valueType.copy(value as UV), stamp, this.#versions.current);
    cells.set(comparable, own);
    return own;
  }
}
