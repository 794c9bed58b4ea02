/** Finds and opens the files that sources read. A file whose size is not the expected one is refused, never misread. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { FileChangedError, FileUnreadableError, reasonOf, systemCodeOf } from './errors.ts';
import type { InputFile } from './file-format.ts';

/** Names that are being written, or belong to somebody else's bookkeeping, are left alone. */
export function isVisible(name: string): boolean {
  return !name.startsWith('.') && !name.endsWith('.tmp');
}

/**
 * The files behind paths: a file is itself, a directory is its visible files in order of their names (by code unit, the
 * same on every machine), without those of directories in it.
 * @throws FileUnreadableError for a path that does not exist or cannot be read
 */
export async function listInputFiles(paths: readonly string[], workingDirectory: string): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const path of paths) {
    const entry = await fileOrDirectory(path, workingDirectory);
    if (entry !== 'directory') files.push(entry);
    else {
      const names = await namesIn(path, workingDirectory);
      for (const name of names) {
        const inside = await fileOrDirectory(join(path, name), workingDirectory);
        if (inside !== 'directory') files.push(inside);
      }
    }
  }
  return files;
}

/** The visible names of a directory, sorted by code unit. */
export async function namesIn(path: string, workingDirectory: string): Promise<string[]> {
  try {
    return (await readdir(resolve(workingDirectory, path))).filter(isVisible).sort();
  } catch (cause) {
    throw new FileUnreadableError(path, reasonOf(cause), { cause });
  }
}

/** The file behind a path as it is now, or undefined where there is none or none any more. */
export async function inputFileIfPresent(path: string, workingDirectory: string): Promise<InputFile | undefined> {
  try {
    const found = await fileOrDirectory(path, workingDirectory);
    return found === 'directory' ? undefined : found;
  } catch (error) {
    if (systemCodeOf((error as Error).cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file as state remembers it. */
export function rememberedFile(path: string, sizeBytes: number, workingDirectory: string): InputFile {
  return { path, sizeBytes, location: isAbsolute(path) ? path : resolve(workingDirectory, path) };
}

/** Opens a file for reading. @throws FileUnreadableError, FileChangedError when it has another size than `file` says */
export async function openInputFile(file: InputFile): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(file.location, 'r');
  } catch (cause) {
    throw new FileUnreadableError(file.path, reasonOf(cause), { cause });
  }
  try {
    await refuseChanged(file, handle);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @throws FileChangedError when the open file has another size than `file` says */
export async function refuseChanged(file: InputFile, handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  if (size !== file.sizeBytes) throw new FileChangedError(file.path, file.sizeBytes, size);
}

async function fileOrDirectory(path: string, workingDirectory: string): Promise<InputFile | 'directory'> {
  const location = resolve(workingDirectory, path);
  try {
    const facts = await stat(location);
    return facts.isDirectory() ? 'directory' : { path, location, sizeBytes: facts.size };
  } catch (cause) {
    throw new FileUnreadableError(path, reasonOf(cause), { cause });
  }
}
