/** Files as they are named in HA data, found where they can be reached from this machine. */
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pathOfFlinkUri } from '../../flink/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { openStorage, type Storage, StorageError, storageErrorFrom } from '../../storage/index.ts';
import { StorageMappingError } from './errors.ts';

/** A storage that is reached under another name from here. */
export interface StorageMapping {
  readonly from: string;
  readonly to: string;
}

/** A file, or why it cannot be looked at. */
export type FileStatus =
  | { readonly is: 'there'; readonly sizeBytes: number; readonly modifiedAt: number }
  | { readonly is: 'missing' }
  | { readonly is: 'unchecked'; readonly reason: string };

/** The bytes of a file, or why they cannot be had. */
export type FileBytes =
  | { readonly is: 'read'; readonly bytes: Uint8Array }
  | { readonly is: 'missing' }
  | { readonly is: 'unchecked'; readonly reason: string };

/** A file of a storage; of this machine, with its folder and what has to be mounted for it. */
interface Place {
  readonly storage: Storage;
  readonly name: string;
  readonly folder?: string;
  readonly root?: string;
}

/** Larger files are not read. */
const MOST_BYTES = 256 * 1024 * 1024;

/** `FROM=TO`. @throws StorageMappingError */
export function storageMapping(text: string): StorageMapping {
  const [, from, to] = /^([a-z][a-z0-9+.-]*:\S*?)=([a-z][a-z0-9+.-]*:\S*)$/i.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new StorageMappingError(text);
  return { from: comparable(from), to: to.replace(/\/+$/, '') };
}

/** Reads files by URI. Storages are opened once; what they cannot do is an answer, not an exception. */
export class StoredFiles {
  readonly #mappings: readonly StorageMapping[];
  readonly #storages = new Map<string, Storage>();
  readonly #mounted = new Map<string, boolean>();

  constructor(mappings: readonly StorageMapping[]) {
    this.#mappings = mappings;
  }

  /** One name for a file that has several. */
  canonical(uri: string): string {
    return comparable(this.#reachedAs(uri));
  }

  async status(uri: string): Promise<FileStatus> {
    return this.#asking(uri, async ({ storage, name }) => {
      const found = await storage.stat(name);
      return found === undefined ? { is: 'missing' } : { is: 'there', ...found };
    });
  }

  async bytes(uri: string): Promise<FileBytes> {
    return this.#asking(uri, async ({ storage, name }) => {
      // Pipes and devices are no files: opening one can wait for ever.
      const found = await storage.stat(name);
      if (found === undefined) return { is: 'missing' };
      const { sizeBytes } = found;
      if (sizeBytes > MOST_BYTES) return { is: 'unchecked', reason: `its ${sizeBytes} bytes are too many to be read` };
      const bytes = await storage.read(name);
      return bytes === undefined ? { is: 'missing' } : { is: 'read', bytes };
    });
  }

  /** URIs of the files in the directory of this one, itself among them; none where it cannot be listed. */
  async beside(uri: string): Promise<string[]> {
    const found = await this.#asking(uri, async (place) => ({ is: 'listed' as const, names: await namesIn(place) }));
    return 'names' in found ? found.names.map((name) => `${directoryOf(uri)}/${encodeURIComponent(name)}`) : [];
  }

  async #asking<R>(
    uri: string,
    ask: (place: Place) => Promise<R>,
  ): Promise<R | { readonly is: 'unchecked'; readonly reason: string }> {
    try {
      const place = this.#placeOf(uri);
      const answer = await ask(place);
      const isMissing = (answer as { is?: unknown }).is === 'missing';
      return isMissing && !(await this.#isMounted(place)) ? { is: 'unchecked', reason: notMounted(place) } : answer;
    } catch (error) {
      if (error instanceof StorageError) return { is: 'unchecked', reason: reasonOf(error, uri) };
      throw error;
    }
  }

  /** Where nothing is mounted, nothing can be said to be missing. */
  async #isMounted({ root }: Place): Promise<boolean> {
    if (root === undefined) return true;
    const known = this.#mounted.get(root);
    const isMounted = known ?? (await readdir(root).catch(() => [])).length > 0;
    this.#mounted.set(root, isMounted);
    return isMounted;
  }

  #placeOf(uri: string): Place {
    const reached = this.#reachedAs(uri);
    if (!/^(?:file:|\/)/i.test(reached)) {
      return { storage: this.#opened(directoryOf(reached)), name: reached.slice(reached.lastIndexOf('/') + 1) };
    }
    const path = pathOfFlinkUri(reached);
    const folder = dirname(path);
    const target = this.#mappingOf(uri)?.to;
    const root = target === undefined ? folder.split('/', 2).join('/') : pathOfFlinkUri(target);
    return { storage: this.#opened(pathToFileURL(folder).href), name: basename(path), folder, root: root || '/' };
  }

  #opened(uri: string): Storage {
    const storage = this.#storages.get(uri) ?? openStorage(uri);
    this.#storages.set(uri, storage);
    return storage;
  }

  #reachedAs(uri: string): string {
    const mapping = this.#mappingOf(uri);
    return mapping === undefined ? uri : mapping.to + comparable(uri).slice(mapping.from.length);
  }

  #mappingOf(uri: string): StorageMapping | undefined {
    const text = comparable(uri);
    return this.#mappings.find(({ from }) => text === from || text.startsWith(`${from}/`));
  }
}

/** Not what lies below: a directory named in somebody's data may be the root of this machine. */
async function namesIn({ storage, folder }: Place): Promise<string[]> {
  if (folder === undefined) return (await storage.list('')).filter((name) => !name.includes('/'));
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw storageErrorFrom('list', folder, error);
  });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function directoryOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/'));
}

/** Flink writes `file:/x`, people write `file:///x`. */
function comparable(uri: string): string {
  return uri.replace(/^file:\/\/\//i, 'file:/').replace(/\/+$/, '');
}

function notMounted({ root }: Place): string {
  return `${root} is empty or not there on this machine; where the files are mounted elsewhere, say so: --storage file:/…=file:///…`;
}

function reasonOf(error: StorageError, uri: string): string {
  if (error.code !== 'STORAGE_URI_UNSUPPORTED' && error.code !== 'STORAGE_URI_INVALID') return messageOf(error);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1] ?? 'it';
  return `there is no driver for ${scheme}; where the files can be reached otherwise, say so: --storage ${scheme}://…=file:///…`;
}
