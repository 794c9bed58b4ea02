/** The table that is printed: each figure beside what it is meant to be, what the peer needs, and the load of the machine. */
import { loadavg } from 'node:os';

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly ours: number;
  readonly unit: string;
  /** What it is meant to be at most. */
  readonly atMost?: number;
  /** What the Apache Flink Kubernetes Operator needs for it, as it was measured before. */
  readonly peer?: string;
  /** Behind it: how many it is of, what it depends on. */
  readonly note?: string;
}

const COLUMNS = [58, 13, 10, 30, 12] as const;

/** Prints figures as they come. */
export class FigureTable {
  readonly #missed: string[] = [];

  begin(): void {
    line(['measure', 'ours', 'at most', 'Apache operator', 'load']);
  }

  /** Takes a measurement and prints what came of it; the load is that before and after it. */
  async take(measure: () => Promise<readonly Figure[]>): Promise<void> {
    const before = load();
    const figures = await measure();
    for (const figure of figures) this.#print(figure, `${before}–${load()}`);
  }

  /** What is beyond what it is meant to be. */
  get missed(): readonly string[] {
    return this.#missed;
  }

  #print({ name, ours, unit, atMost, peer = '', note }: Figure, load: string): void {
    const isMissed = atMost !== undefined && !(ours <= atMost);
    if (isMissed) this.#missed.push(name);
    const meant = atMost === undefined ? '' : `${number(atMost)}${isMissed ? ' ✗' : '  '}`;
    line([name, `${number(ours)} ${unit}`, meant, peer, load]);
    if (note !== undefined && note !== '') console.log(`    ${note}`);
  }
}

function line([name = '', ...cells]: readonly string[]): void {
  console.log(`${name.padEnd(COLUMNS[0])}${cells.map((cell, at) => cell.padStart(COLUMNS[at + 1] ?? 0)).join('')}`);
}

function number(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value < 10 ? 2 : 1);
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}
