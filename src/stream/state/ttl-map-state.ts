/** A map per key whose entries expire one by one. Follows Flink's TtlMapState: `isEmpty` counts expired entries too. */
import type { CaptureVersions } from './capture-versions.ts';
import type { MapStateDescriptor } from './descriptors.ts';
import { type Comparable, comparableFor, MapCell, type MapCells } from './map-cells.ts';
import { KeyedMapState } from './map-state.ts';
import type { Ttl } from './ttl.ts';
import { TtlCleanup } from './ttl-cleanup.ts';
import type { StatePlace } from './value-cell.ts';

export class TtlMapState<UK, UV> extends KeyedMapState<UK, UV> {
  readonly #ttl: Ttl;
  readonly #comparable: Comparable;
  readonly #versions: CaptureVersions;
  readonly #cleanup: TtlCleanup;
  #now = 0;
  readonly #expire = (entry: number, now: number): void => {
    for (const [comparable, cell] of this.column.peek(entry) as MapCells) {
      if (this.#ttl.isExpired(cell.stamp, now)) this.removeCell(entry, comparable);
    }
  };

  constructor(descriptor: MapStateDescriptor<UK, UV>, place: StatePlace, versions: CaptureVersions, ttl: Ttl) {
    super(descriptor, place, versions);
    this.#ttl = ttl;
    this.#comparable = comparableFor(
      descriptor.name,
      descriptor.keyType as MapStateDescriptor<unknown, unknown>['keyType'],
    );
    this.#versions = versions;
    this.#cleanup = new TtlCleanup(place.cursor.table, place.column, ttl.cleanupSize);
  }

  override get(key: UK): UV | null {
    return (this.#read(key)?.value as UV | null | undefined) ?? null;
  }

  override contains(key: UK): boolean {
    return this.#read(key) !== undefined;
  }

  /** Null is ignored, as upstream does with a time-to-live. */
  override putAll(entries: Iterable<readonly [UK, UV]>): void {
    if (entries !== null && entries !== undefined) super.putAll(entries);
  }

  protected override access(): number {
    this.#now = this.#ttl.now();
    const entry = this.cursor.find();
    this.#cleanup.step(entry, this.#now, this.#expire);
    return entry;
  }

  protected override stamp(): number {
    return this.#now;
  }

  protected override each<R>(project: (cell: MapCell) => R): Iterable<R> {
    const entry = this.access();
    const cells = this.cellsToRead(entry);
    if (cells === undefined) return [];
    const visible: R[] = [];
    for (const [comparable, cell] of Array.from(cells)) {
      const read = this.#readCell(entry, comparable, cell);
      if (read !== undefined) visible.push(project(read));
    }
    return visible;
  }

  #read(key: UK): MapCell | undefined {
    const comparable = this.#comparable(key);
    const entry = this.access();
    const cell = this.cellsToRead(entry)?.get(comparable);
    return cell === undefined ? undefined : this.#readCell(entry, comparable, cell);
  }

  /** The cell as the user sees it now: removed when expired, refreshed where reading counts as writing. */
  #readCell(entry: number, comparable: unknown, cell: MapCell): MapCell | undefined {
    const own = this.handOut(comparable, cell);
    if (this.#ttl.isExpired(cell.stamp, this.#now)) {
      this.removeCell(entry, comparable);
      return this.#ttl.returnExpired ? own : undefined;
    }
    if (!this.#ttl.refreshOnRead) return own;
    if (own.mark >= this.#versions.required) {
      own.stamp = this.#now;
      return own;
    }
    const fresh = new MapCell(own.key, own.value, this.#now, this.#versions.current);
    this.cellsToWrite().set(comparable, fresh);
    return fresh;
  }
}
