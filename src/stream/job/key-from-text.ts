/**
 * Keys and windows as people and URLs write them. The state's declared key type decides how a text is read, as it decides
 * how keys hash: `1` is a text, an integer or a double.
 *
 *     string, char      the text itself            float32, float64   1.5  -2e9  NaN  Infinity
 *     int8 … int64      -12                        bigDecimal         12.50 (the scale counts)
 *     boolean           true                       tuple              ["JFK", 7, null], as JSON
 *     uuid              in either case             (64-bit integers may be numbers or strings in it)
 */
import { messageOf } from '../../lib/errors.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import type { TimeWindowLike } from '../state/backend.ts';
import { parseBigDecimal } from '../types/key-hash.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';

/** A text that was understood, or why not, in words for whoever wrote it. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** Reads a key of a type. The result is one that the type accepts: its hash has been tried. */
export function keyFromText(type: TypeInformation<unknown>, text: string): Parsed<unknown> {
  try {
    const value = type.schema.kind === 'tuple' ? tupleFromText(type.schema, text) : scalar(type.schema, text);
    type.hash?.(value);
    return { value };
  } catch (error) {
    if (!(error instanceof IllegalArgumentException)) throw error;
    return { problem: error.message };
  }
}

/** Reads `START,END`, in milliseconds, END exclusive. */
export function windowFromText(text: string): Parsed<TimeWindowLike> {
  const [, start, end] = /^(-?\d{1,16}),(-?\d{1,16})$/.exec(text) ?? [];
  if (start !== undefined && end !== undefined && Number(start) < Number(end)) {
    return { value: { start: Number(start), end: Number(end) } };
  }
  return { problem: `"${shortened(text)}" is no window; write START,END in milliseconds, END exclusive.` };
}

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function scalar({ kind }: TypeSchema, text: string): unknown {
  switch (kind) {
    case 'string':
    case 'char':
      return text;
    case 'uuid':
      return text.toLowerCase();
    case 'boolean':
      return booleanOf(text);
    case 'int8':
    case 'int16':
    case 'int32':
    case 'safeInt64':
      return safeIntegerOf(integerOf(text, kind), kind);
    case 'int64':
    case 'bigInteger':
      return integerOf(text, kind);
    case 'float32':
    case 'float64':
      return numberOf(text, kind);
    case 'bigDecimal':
      return parseBigDecimal(text);
    default:
      throw new IllegalArgumentException(`keys of kind ${kind} cannot be written as text.`);
  }
}

function booleanOf(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw unreadable(text, 'boolean', 'write true or false');
}

function integerOf(text: string, kind: string): bigint {
  if (INTEGER.test(text)) return BigInt(text.replace(/^\+/, ''));
  throw unreadable(text, kind, 'write a whole number, such as -12');
}

function safeIntegerOf(value: bigint, kind: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw unreadable(String(value), kind, 'it is beyond 2^53');
}

const NAMED_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

function numberOf(text: string, kind: string): number {
  const named = NAMED_NUMBERS.get(text);
  if (named !== undefined) return named;
  if (!DECIMAL.test(text)) throw unreadable(text, kind, 'write a number, such as 1.5, NaN or -Infinity');
  const number = kind === 'float32' ? Math.fround(Number(text)) : Number(text);
  // Too large is not the same key as Infinity.
  if (Number.isFinite(number)) return number;
  throw unreadable(text, kind, 'it is too large');
}

/** A number of a JSON text in its own digits: as a double it could be another one. */
class NumberText {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

function tupleFromText(schema: TypeSchema, text: string): unknown[] {
  let json: unknown;
  try {
    json = JSON.parse(text, ((_name: string, value: unknown, context: { readonly source?: string }) =>
      typeof value === 'number' ? new NumberText(context.source ?? String(value)) : value) as Parameters<
      typeof JSON.parse
    >[1]);
  } catch (cause) {
    throw new IllegalArgumentException(
      `"${shortened(text)}" is not JSON (${messageOf(cause)}). The key is a tuple; write its places as a JSON array.`,
    );
  }
  return tupleOf(schema, json);
}

function tupleOf({ fields = [] }: TypeSchema, json: unknown): unknown[] {
  if (!Array.isArray(json) || json.length !== fields.length) {
    throw new IllegalArgumentException(
      `the key is a tuple (${fields.map(({ type }) => type.kind).join(', ')}); write a JSON array of ${fields.length}.`,
    );
  }
  return fields.map(({ type }, index) => placeOf(type, json[index], index));
}

function placeOf(type: TypeSchema, json: unknown, index: number): unknown {
  if (json === null) return null;
  if (type.kind === 'tuple') return tupleOf(type, json);
  const isText = type.kind === 'string' || type.kind === 'char' || type.kind === 'uuid';
  if (typeof json === 'string') return scalar(type, json);
  if (json instanceof NumberText && !isText) return scalar(type, json.digits);
  if (typeof json === 'boolean' && type.kind === 'boolean') return json;
  throw new IllegalArgumentException(`place ${index} of the key is of kind ${type.kind}; ${describe(json)} is not.`);
}

function describe(json: unknown): string {
  return json instanceof NumberText ? json.digits : Array.isArray(json) ? 'an array' : `a JSON ${typeof json}`;
}

function unreadable(text: string, kind: string, remedy: string): IllegalArgumentException {
  return new IllegalArgumentException(`"${shortened(text)}" is no key of kind ${kind}: ${remedy}.`);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
