/** The cell of a value, reducing or aggregating state that expires. Follows Flink's TtlValueState and its relatives. */
import type { TimeWindowLike } from './backend.ts';
import type { Ttl } from './ttl.ts';
import { TtlCleanup } from './ttl-cleanup.ts';
import { type Combine, type StatePlace, sourceEntries, ValueCell } from './value-cell.ts';

export class TtlValueCell extends ValueCell {
  readonly #ttl: Ttl;
  readonly #cleanup: TtlCleanup;
  readonly #expire = (entry: number, now: number): void => {
    if (this.#isExpired(entry, now)) this.dropAt(entry);
  };

  constructor(place: StatePlace, ttl: Ttl) {
    super(place);
    this.#ttl = ttl;
    this.#cleanup = new TtlCleanup(place.cursor.table, place.column, ttl.cleanupSize);
  }

  override read(): unknown {
    const now = this.#ttl.now();
    const entry = this.#access(now);
    const value = entry < 0 ? undefined : this.column.get(entry);
    if (value === undefined) return undefined;
    if (this.#isExpired(entry, now)) {
      this.dropAt(entry);
      return this.#ttl.returnExpired ? value : undefined;
    }
    if (this.#ttl.refreshOnRead) this.#stamp(entry, now);
    return value;
  }

  override current(): unknown {
    // A write follows and is the access that cleans up.
    const entry = this.cursor.find();
    return entry < 0 || this.#isExpired(entry, this.#ttl.now()) ? undefined : this.column.get(entry);
  }

  override write(value: unknown): void {
    this.column.check(value);
    const now = this.#ttl.now();
    this.#access(now);
    const entry = this.cursor.make();
    this.column.set(entry, value);
    this.#stamp(entry, now);
  }

  override clear(): void {
    this.#access(this.#ttl.now());
    super.clear();
  }

  /** Expired values take no part. Values that were combined count as written now, one that only moves keeps its time. */
  override merge(target: TimeWindowLike, sources: readonly TimeWindowLike[], combine: Combine): void {
    const now = this.#ttl.now();
    let merged: unknown;
    let stamp = 0;
    const take = (entry: number): void => {
      const value = this.#isExpired(entry, now) ? undefined : this.column.get(entry);
      const written = this.#stampOf(entry);
      this.dropAt(entry);
      if (value === undefined) return;
      stamp = merged === undefined ? written : now;
      merged = merged === undefined ? value : combine(merged, value);
    };
    const present = this.cursor.findIn(target.start, target.end);
    if (present >= 0) take(present);
    for (const entry of sourceEntries(this.cursor, target, sources)) take(entry);
    if (merged === undefined) return;
    const entry = this.cursor.makeIn(target.start, target.end);
    this.column.set(entry, merged);
    this.#stamp(entry, stamp);
  }

  #access(now: number): number {
    const entry = this.cursor.find();
    this.#cleanup.step(entry, now, this.#expire);
    // The walk may have freed other entries; the accessed one stays where it is.
    return entry;
  }

  #isExpired(entry: number, now: number): boolean {
    return this.#ttl.isExpired(this.#stampOf(entry), now);
  }

  #stampOf(entry: number): number {
    return this.column.stamps?.[entry] ?? 0;
  }

  #stamp(entry: number, now: number): void {
    if (this.column.stamps !== undefined) this.column.stamps[entry] = now;
  }
}
