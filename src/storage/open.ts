import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { FaultPoint } from '../lib/fault-point.ts';
import { StorageError } from './errors.ts';
import { filesystemStorage } from './filesystem/filesystem-storage.ts';
import { memoryStorage } from './memory/memory-storage.ts';
import type { Storage } from './storage.ts';

/**
 * The storage a URI names: `file:///…` a directory of this machine, `memory://` one that ends with the process. Opening
 * touches nothing; the directory is made by the first write. Any other URI is a `StorageError`. `faults` is called
 * between the steps of a write, where the driver has such steps.
 */
export function openStorage(
  uri: string,
  options: { readonly clock?: Clock; readonly faults?: FaultPoint } = {},
): Storage {
  const clock = options.clock ?? systemClock;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'file':
      return filesystemStorage({
        directory: directoryOf(uri),
        clock,
        ...(options.faults === undefined ? {} : { faults: options.faults }),
      });
    case 'memory':
      return memoryStorage({ clock });
    case 's3':
      throw new StorageError(
        'STORAGE_URI_UNSUPPORTED',
        uri,
        `storage ${uri} is not in this version: s3:// has no driver yet; use file:///path`,
      );
    default:
      throw new StorageError(
        'STORAGE_URI_INVALID',
        uri,
        `storage "${uri}" is not understood: write file:///path (a directory) or memory://`,
      );
  }
}

function directoryOf(uri: string): string {
  try {
    const directory = fileURLToPath(uri);
    if (isAbsolute(directory) && !/^file:\/\/[^/]/i.test(uri)) return directory;
  } catch {
    // Refused below, with what to write instead.
  }
  throw new StorageError(
    'STORAGE_URI_INVALID',
    uri,
    `storage "${uri}" names no directory of this machine: write file:// and an absolute path, such as file:///var/jobs`,
  );
}
