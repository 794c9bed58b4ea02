/** Reads request bodies: size first, then JSON, then fields. Every mistake is named, all at once. */
import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../lib/errors.ts';
import { RestError } from './rest-error.ts';

/** The fields of a body. A body that is missing has none. */
export type Fields = ReadonlyMap<string, unknown>;

/** A field's type and whether it may be null. */
export type FieldRule = 'string' | 'boolean' | 'triggerId' | readonly string[];

/** @throws RestError 413 for more than `maxBytes`, 400 for anything but a JSON object */
export async function readFields(request: IncomingMessage, maxBytes: number): Promise<Fields> {
  const text = (await readBytes(request, maxBytes)).toString('utf8').trim();
  if (text === '') return new Map();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new RestError(400, `The request body is not JSON: ${messageOf(error)}.`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RestError(400, 'The request body must be a JSON object.');
  }
  return new Map(Object.entries(body));
}

/** @throws RestError 400 naming every field that is unknown or of the wrong kind */
export function checkFields(fields: Fields, rules: Readonly<Record<string, FieldRule>>): void {
  const wrong = [...fields].flatMap(([name, value]) => {
    if (!Object.hasOwn(rules, name)) return [`Unknown field "${name}"; known are ${Object.keys(rules).join(', ')}.`];
    const rule = rules[name] as FieldRule;
    return value === null || fits(value, rule) ? [] : [`Field "${name}" must be ${inWords(rule)}.`];
  });
  if (wrong.length > 0) throw new RestError(400, wrong);
}

function fits(value: unknown, rule: FieldRule): boolean {
  if (rule === 'boolean') return typeof value === 'boolean';
  if (typeof value !== 'string') return false;
  if (rule === 'string') return true;
  return rule === 'triggerId' ? /^[0-9a-f]{32}$/.test(value) : rule.includes(value);
}

function inWords(rule: FieldRule): string {
  if (rule === 'boolean') return 'true or false';
  if (rule === 'string') return 'a string';
  return rule === 'triggerId' ? '32 lower-case hexadecimal digits' : `one of ${rule.join(', ')}`;
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      // The rest is still taken in and dropped: cutting the connection could hide the answer from the caller. The
      // server's time limit for requests bounds it.
      if (size > maxBytes) {
        chunks.length = 0;
        reject(new RestError(413, `The request body is larger than ${maxBytes} bytes.`));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
