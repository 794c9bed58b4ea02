/**
 * The record of a test server, from now on. Read on from where it was read last: the record of a whole run has a hundred
 * megabytes, and whoever waits for a line of it asks a hundred times a second.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const LINE_END = 0x0a;
const CHUNK_BYTES = 1 << 20;

export class AuditLog<Event> {
  readonly #path: string;
  readonly #events: Event[] = [];
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #offset: number;
  /** The beginning of a line whose end is not written yet. */
  #begun = Buffer.alloc(0);

  /** @param path of the file; it may not be there yet */
  constructor(path: string) {
    this.#path = path;
    this.#offset = lastLineEnd(path, this.#chunk);
  }

  /** All that was recorded since this was made, in its order. */
  events(): readonly Event[] {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return this.#events;
    const file = openSync(this.#path, 'r');
    try {
      const size = fstatSync(file).size;
      while (this.#offset < size) {
        const length = readSync(file, this.#chunk, 0, Math.min(CHUNK_BYTES, size - this.#offset), this.#offset);
        if (length === 0) break;
        this.#offset += length;
        this.#take(this.#chunk.subarray(0, length));
      }
    } finally {
      closeSync(file);
    }
    return this.#events;
  }

  #take(bytes: Buffer): void {
    const end = bytes.lastIndexOf(LINE_END);
    const all = Buffer.concat([this.#begun, bytes]);
    if (end < 0) {
      this.#begun = all;
      return;
    }
    const complete = all.length - (bytes.length - end - 1);
    this.#begun = Buffer.from(all.subarray(complete));
    for (const line of all.toString('utf8', 0, complete).split('\n')) {
      // A server that is killed leaves a line without an end, and the next one goes on behind it.
      if (line.endsWith('}')) this.#events.push(JSON.parse(line) as Event);
    }
  }
}

/** Behind the last line that is whole. A line is shorter than the buffer. */
function lastLineEnd(path: string, buffer: Buffer): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return 0;
  const file = openSync(path, 'r');
  try {
    const from = Math.max(0, size - buffer.length);
    const length = readSync(file, buffer, 0, size - from, from);
    return from + buffer.lastIndexOf(LINE_END, length - 1) + 1;
  } finally {
    closeSync(file);
  }
}
