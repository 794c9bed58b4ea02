/** The options that all file connectors need, checked where the job is described: types are stripped, so nothing else did. */
import { inspect } from 'node:util';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { FileFormat } from './file-format.ts';

/** A path that was given. @throws IllegalArgumentException that names the connector and the option */
export function requiredPath(connector: string, path: unknown, what: string): string {
  if (typeof path === 'string' && path.length > 0) return path;
  throw new IllegalArgumentException(`${connector} needs the option path, ${what}; got ${shown(path)}.`);
}

/** One path or several. @throws IllegalArgumentException that names the connector and the option */
export function requiredPaths(connector: string, path: unknown, what: string): readonly string[] {
  if (!Array.isArray(path) || path.length === 0) return [requiredPath(connector, path, what)];
  return path.map((each: unknown) => requiredPath(connector, each, what));
}

/** A format that was given. @throws IllegalArgumentException that names the connector and the option */
export function requiredFormat<T>(connector: string, format: FileFormat<T> | undefined): FileFormat<T> {
  if (format instanceof FileFormat) return format;
  throw new IllegalArgumentException(
    `${connector} needs the option format, such as new NdjsonFormat(); got ${shown(format)}.`,
  );
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
}
