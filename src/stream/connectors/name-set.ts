/**
 * A set of names that is stored often and grows slowly: the files that were read. Names are stored in blocks of sorted
 * names, each as the number of characters it shares with the one before and the rest, so names with numbers in them take
 * a few bytes each. A full block is encoded once and never again.
 */
import { DataInput, DataOutput } from '../types/index.ts';

const NAMES_PER_BLOCK = 1024;

export class NameSet {
  readonly #names = new Set<string>();
  #sealed: Uint8Array[] = [];
  #open: string[] = [];

  get size(): number {
    return this.#names.size;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#open.push(name);
    if (this.#open.length < NAMES_PER_BLOCK) return;
    this.#sealed.push(encodeNames(this.#open));
    this.#open = [];
  }

  /** Forgets all names but these. */
  retain(keep: (name: string) => boolean): void {
    const kept = [...this.#names].filter(keep);
    if (kept.length === this.#names.size) return;
    this.#names.clear();
    this.#sealed = [];
    this.#open = [];
    for (const name of kept) this.add(name);
  }

  /** The blocks to store. */
  encode(): Uint8Array[] {
    return this.#open.length === 0 ? this.#sealed : [...this.#sealed, encodeNames(this.#open)];
  }
}

/** The names of a block. @throws IOException for bytes that are no block */
export function decodeNames(block: Uint8Array): string[] {
  const input = new DataInput(block);
  const names: string[] = [];
  let before = '';
  for (let left = input.readCount(2); left > 0; left--) {
    before = before.slice(0, input.readVarint()) + input.readString();
    names.push(before);
  }
  return names;
}

function encodeNames(names: readonly string[]): Uint8Array {
  const out = new DataOutput(256);
  out.writeVarint(names.length);
  let before = '';
  for (const name of [...names].sort()) {
    const shared = sharedLength(before, name);
    out.writeVarint(shared);
    out.writeString(name.slice(shared));
    before = name;
  }
  return out.toBytes();
}

function sharedLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left.charCodeAt(length) === right.charCodeAt(length)) length++;
  return length;
}
