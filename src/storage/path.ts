import { StorageError } from './errors.ts';

/** Names of files that are still being written begin with this; no path may contain such a name. */
export const TEMPORARY_PREFIX = '.tmp-';

const LONGEST_NAME_BYTES = 255;
const LONGEST_PATH_BYTES = 1024;

/** The path, when it names something inside a storage; else STORAGE_PATH_INVALID. */
export function checkedPath(path: string): string {
  const problem = problemWith(path);
  if (problem !== undefined) {
    throw new StorageError(
      'STORAGE_PATH_INVALID',
      path,
      `"${path.replaceAll('\0', '\\0')}" is no path inside a storage: ${problem}; write names separated by "/"`,
    );
  }
  return path;
}

/** A directory to look below: empty for the root, else a checked path. One trailing slash is allowed. */
export function checkedPrefix(prefix: string): string {
  if (prefix === '') return '';
  return checkedPath(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** How paths begin, in two parts: a directory as of `checkedPrefix`, and the first characters of a name in it. */
export function checkedBeginning(beginning: string): { readonly directory: string; readonly name: string } {
  const slash = beginning.lastIndexOf('/');
  const name = beginning.slice(slash + 1);
  if (name !== '') checkedPath(beginning);
  return { directory: checkedPrefix(beginning.slice(0, slash + 1)), name };
}

/** A directory that may be removed with all it holds: anything but the root. */
export function checkedTree(prefix: string): string {
  const tree = checkedPrefix(prefix);
  if (tree !== '') return tree;
  throw new StorageError('STORAGE_PATH_INVALID', prefix, 'removing a whole storage is refused: name a directory in it');
}

function problemWith(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.startsWith('/')) return 'it begins with "/"';
  if (path.includes('\0')) return 'it contains a zero byte';
  if (path.includes('\\')) return 'it contains a backslash';
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) return `it is longer than ${LONGEST_PATH_BYTES} bytes`;
  for (const name of path.split('/')) {
    if (name === '') return 'it contains an empty name';
    if (name === '.' || name === '..') return `it contains "${name}"`;
    if (name.startsWith(TEMPORARY_PREFIX)) return `names beginning with "${TEMPORARY_PREFIX}" are reserved`;
    if (Buffer.byteLength(name) > LONGEST_NAME_BYTES) return `a name is longer than ${LONGEST_NAME_BYTES} bytes`;
  }
  return undefined;
}
