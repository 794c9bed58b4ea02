/** What a run of a job has committed with its file sinks, and what must hold of it at any time. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A committed file. The name says which subtask wrote it, in which epoch, for which checkpoint. */
export interface CommittedFile {
  readonly sink: string;
  readonly name: string;
  readonly subtask: number;
  readonly epoch: number;
  readonly checkpoint: number;
  readonly part: number;
  readonly lines: readonly string[];
}

/** The committed files of all sinks; every directory below `results` belongs to one sink. */
export function committedFiles(results: string): CommittedFile[] {
  return sinksIn(results).flatMap((sink) =>
    readdirSync(join(results, sink))
      .filter((name) => !name.startsWith('.'))
      .map((name) => committedFile(results, sink, name)),
  );
}

/** Records of all sinks as `sink line`, sorted: the same for every run of a job that was exactly once. */
export function committedRecords(results: string): string[] {
  return committedFiles(results)
    .flatMap(({ sink, lines }) => lines.map((line) => `${sink} ${line}`))
    .sort();
}

/** Files that were written and not committed. */
export function pendingFiles(results: string): string[] {
  return sinksIn(results).flatMap((sink) =>
    readdirSync(join(results, sink))
      .filter((name) => name.startsWith('.'))
      .map((name) => `${sink}/${name}`),
  );
}

/** The records that one run has and the other has not, as `- line` and `+ line`; empty when they are equal. */
export function differenceOf(expected: readonly string[], actual: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of expected) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of actual) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].flatMap(([line, count]) =>
    Array.from({ length: Math.abs(count) }, () => `${count > 0 ? '-' : '+'} ${line}`),
  );
}

/** Where the `seq` of a key does not rise within a file of a sink that keeps the order; empty when all is well. */
export function disorderIn(files: readonly CommittedFile[], isOrdered: (sink: string) => boolean): string[] {
  return files
    .filter(({ sink }) => isOrdered(sink))
    .flatMap(({ sink, name, lines }) => {
      const last = new Map<string, number>();
      return lines.flatMap((line) => {
        const { key, seq } = JSON.parse(line) as { key: string; seq: number };
        const before = last.get(key);
        last.set(key, seq);
        return before === undefined || seq > before ? [] : [`${sink}/${name}: ${key} has ${seq} after ${before}`];
      });
    });
}

/** Two transactions of one (sink, subtask, epoch, checkpoint): further parts of one are counted from 0 without a gap. */
export function doubledTransactions(files: readonly CommittedFile[]): string[] {
  const parts = Map.groupBy(
    files,
    ({ sink, subtask, epoch, checkpoint }) => `${sink} ${subtask}-${epoch}-${checkpoint}`,
  );
  return [...parts].flatMap(([transaction, found]) => {
    const numbers = found.map(({ part }) => part).sort((left, right) => left - right);
    return numbers.every((number, index) => number === index) ? [] : [`${transaction}: parts ${numbers.join(', ')}`];
  });
}

/** Holds that a committed file stays as it is: call it again and again. */
export class CommittedFilesWatch {
  readonly #results: string;
  readonly #seen = new Map<string, string>();

  constructor(results: string) {
    this.#results = results;
  }

  /** What has gone or changed since the last look. */
  look(): string[] {
    const now = new Map<string, string>();
    for (const sink of sinksIn(this.#results)) {
      for (const name of readdirSync(join(this.#results, sink))) {
        if (name.startsWith('.')) continue;
        const { size, ino, mtimeMs } = statSync(join(this.#results, sink, name));
        now.set(`${sink}/${name}`, `${size} bytes, inode ${ino}, written ${mtimeMs}`);
      }
    }
    const changed = [...this.#seen]
      .filter(([path, facts]) => now.get(path) !== facts)
      .map(([path, facts]) => `${path} was ${facts} and is ${now.get(path) ?? 'gone'}`);
    for (const [path, facts] of now) this.#seen.set(path, facts);
    return changed;
  }
}

function committedFile(results: string, sink: string, name: string): CommittedFile {
  const numbers = /-(\d+)-(\d+)-(\d+)(?:\.p(\d+))?\.ndjson$/.exec(name);
  if (numbers === null) throw new Error(`${sink}/${name} is no name of a committed file`);
  const [, subtask = 0, epoch = 0, checkpoint = 0, part = 0] = numbers.map((number) => Number(number ?? 0));
  const lines = readFileSync(join(results, sink, name), 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error(`${sink}/${name} ends within a line`);
  return { sink, name, subtask, epoch, checkpoint, part, lines };
}

function sinksIn(results: string): string[] {
  try {
    return readdirSync(results).sort();
  } catch {
    return [];
  }
}
