/**
 * How a type says no: one message that names the value, the type and the way out. Kept apart so that the hot paths hold
 * a comparison and a call, nothing more.
 */
import { IllegalArgumentException } from '../../lib/java-errors.ts';

const SHOWN_TEXT = 60;

/** Refuses a value that its declared type cannot hold. */
export function refuse(value: unknown, type: string, holds: string, remedy?: string): never {
  const end = remedy === undefined ? '' : ` ${remedy}`;
  throw new IllegalArgumentException(`${describe(value)} is not a value of Types.${type}, which holds ${holds}.${end}`);
}

/** Adds the field in which a value was refused to the message; errors of other kinds pass unchanged. */
export function inField(name: string | number, error: unknown): unknown {
  if (!(error instanceof IllegalArgumentException)) return error;
  return new IllegalArgumentException(`field ${name}: ${error.message}`, { cause: error.cause ?? error });
}

/** A value as shown in a message: short, with its kind where the text alone would mislead. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'string':
      return value.length > SHOWN_TEXT
        ? `the text ${JSON.stringify(value.slice(0, SHOWN_TEXT))}… of ${value.length} units`
        : `the text ${JSON.stringify(value)}`;
    case 'bigint':
      return `the bigint ${shorten(String(value))}n`;
    case 'number':
      return `the number ${Object.is(value, -0) ? '-0' : value}`;
    case 'boolean':
      return `the boolean ${value}`;
    case 'function':
      return `the function ${value.name || '(without a name)'}`;
    case 'symbol':
      return `the symbol ${shorten(String(value))}`;
    default:
      return Array.isArray(value) ? `an array of ${value.length}` : `an object of class ${classOf(value)}`;
  }
}

/** The class name of an object, without running anything of it beyond a lookup. */
export function classOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return 'null (no prototype)';
  const made: unknown = (prototype as { constructor?: unknown }).constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'without a name';
}

function shorten(text: string): string {
  return text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}…` : text;
}
