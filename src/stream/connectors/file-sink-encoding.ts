/**
 * How the file sink makes bytes of a record: by one line of JSON, or by the encode function of the job. What such a
 * function may return is checked for every record: written as it is, anything else would be lost, cut, or shown as
 * "[object Promise]".
 */
import { messageOf } from '../../lib/errors.ts';
import { SuppressRestartsException } from '../../lib/java-errors.ts';
import { UnwritableRecordError } from './errors.ts';

/** A record as a line of JSON. @throws UnwritableRecordError when it has no form in JSON */
export function jsonLine(value: unknown): string {
  let line: string | undefined;
  try {
    line = JSON.stringify(value);
  } catch (cause) {
    throw new UnwritableRecordError(`${messageOf(cause)}. Give the file sink an encode function.`, { cause });
  }
  if (line === undefined)
    throw new UnwritableRecordError(`${typeof value} has no form in JSON. Give the file sink an encode function.`);
  return line;
}

/**
 * The error for an encode function that returned neither text nor bytes. The job is not restarted: the same record would
 * come again, and the same function with it.
 */
export function unusableEncoding(returned: unknown): SuppressRestartsException {
  const { what, remedy } = describe(returned);
  return new SuppressRestartsException(
    new UnwritableRecordError(
      `the encode function of the file sink returned ${what} instead of a string or a Uint8Array. ${remedy}.`,
    ),
  );
}

function describe(returned: unknown): { readonly what: string; readonly remedy: string } {
  if (returned === undefined || returned === null)
    return { what: String(returned), remedy: 'Return a string on every path through it' };
  if (typeof returned !== 'object') {
    const what = typeof returned === 'number' ? `the number ${returned}` : `a ${typeof returned}`;
    return { what, remedy: 'Return a string: String(value), say' };
  }
  if (typeof (returned as { then?: unknown }).then === 'function') {
    return { what: 'a Promise', remedy: 'Nobody waits for it: leave out async, and fetch what it needs in the source' };
  }
  return { what: `an object of class ${className(returned)}`, remedy: remedyFor(returned) };
}

function remedyFor(returned: object): string {
  if (ArrayBuffer.isView(returned))
    return 'Return its bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength)';
  if (returned instanceof ArrayBuffer || returned instanceof SharedArrayBuffer)
    return 'Return a view of it: new Uint8Array(buffer)';
  return 'Return a string: JSON.stringify(value), say';
}

function className(value: object): string {
  return (value.constructor as { name?: string } | undefined)?.name || 'Object';
}
