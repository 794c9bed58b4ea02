/**
 * Reads JSON that may be damaged or hostile: every value is taken out with the type and range it must have, and what
 * does not fit is named by its path (`operators[2].subtasks[0].file`). Nothing that was not asked for gets through.
 */

/** What does not fit, and where. The caller turns it into its own error. */
export class JsonMismatch extends Error {
  constructor(path: string, wanted: string, found: unknown) {
    super(`${path === '' ? 'it' : path} must be ${wanted}, not ${shown(found)}`);
  }
}

/** An object of a JSON document and the path that leads to it. */
export class JsonObject {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new JsonMismatch(path, 'an object', value);
    }
    this.path = path;
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  raw(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined;
  }

  object(name: string): JsonObject {
    return new JsonObject(this.raw(name), this.at(name));
  }

  /** @param longest in UTF-16 units */
  text(name: string, longest: number): string {
    const value = this.raw(name);
    if (typeof value === 'string' && value.length <= longest) return value;
    throw new JsonMismatch(this.at(name), `text of at most ${longest} characters`, value);
  }

  pattern(name: string, pattern: RegExp, wanted: string): string {
    const value = this.raw(name);
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new JsonMismatch(this.at(name), wanted, value);
  }

  integer(name: string, least: number, most: number): number {
    const value = this.raw(name);
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw new JsonMismatch(this.at(name), `a whole number from ${least} to ${most}`, value);
  }

  boolean(name: string): boolean {
    const value = this.raw(name);
    if (typeof value === 'boolean') return value;
    throw new JsonMismatch(this.at(name), 'true or false', value);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.raw(name);
    const found = allowed.find((each) => each === value);
    if (found !== undefined) return found;
    throw new JsonMismatch(this.at(name), `one of ${allowed.join(', ')}`, value);
  }

  list<T>(name: string, most: number, read: (item: JsonObject) => T): T[] {
    return this.#array(name, most).map((item, index) => read(new JsonObject(item, `${this.at(name)}[${index}]`)));
  }

  /** A flat list of whole numbers from 0 on, in groups of `group`. */
  counts(name: string, group: number): readonly number[] {
    const values = this.#array(name, Number.MAX_SAFE_INTEGER);
    const wrong = values.find((value) => !Number.isSafeInteger(value) || (value as number) < 0);
    if (wrong !== undefined) throw new JsonMismatch(this.at(name), 'whole numbers from 0 on', wrong);
    if (values.length % group !== 0) {
      throw new JsonMismatch(this.at(name), `numbers in groups of ${group}`, `${values.length} numbers`);
    }
    return values as readonly number[];
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  #array(name: string, most: number): readonly unknown[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) throw new JsonMismatch(this.at(name), 'a list', value);
    if (value.length > most) {
      throw new JsonMismatch(this.at(name), `a list of at most ${most}`, `${value.length} entries`);
    }
    return value;
  }
}

/** Never the whole of a nested value: it could be too deep to be written out. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
