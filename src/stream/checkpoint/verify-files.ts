/**
 * Whether the files a manifest names are there and whole, without restoring anything. Comparing sizes costs next to
 * nothing; comparing hashes reads every byte.
 */
import { hash } from 'node:crypto';
import type { Storage } from '../../storage/index.ts';
import { filePath } from './locations.ts';
import type { CheckpointManifest, StateFile } from './manifest.ts';

/** A file that is not what the manifest promises. */
export interface DamagedFile {
  readonly path: string;
  /** In words: what was expected, what was found. */
  readonly problem: string;
}

/** How closely files are looked at. */
export type VerifyDepth = 'size' | 'sha256';

/**
 * The damaged files of a checkpoint or savepoint; none when it is whole.
 * @throws StorageError when the storage cannot answer, which is not damage
 */
export async function damagedFiles(
  storage: Pick<Storage, 'read' | 'stat'>,
  directory: string,
  manifest: Pick<CheckpointManifest, 'files'>,
  depth: VerifyDepth,
): Promise<DamagedFile[]> {
  const damaged: DamagedFile[] = [];
  for (const file of manifest.files) {
    const problem =
      (await sizeProblem(storage, directory, file)) ??
      (depth === 'sha256' ? await hashProblem(storage, directory, file) : undefined);
    if (problem !== undefined) damaged.push({ path: file.path, problem });
  }
  return damaged;
}

async function sizeProblem(
  storage: Pick<Storage, 'stat'>,
  directory: string,
  { path, sizeBytes }: StateFile,
): Promise<string | undefined> {
  const status = await storage.stat(filePath(directory, path));
  if (status === undefined) return `expected ${sizeBytes} bytes, found no such file`;
  return status.sizeBytes === sizeBytes ? undefined : `expected ${sizeBytes} bytes, found ${status.sizeBytes}`;
}

async function hashProblem(
  storage: Pick<Storage, 'read'>,
  directory: string,
  { path, sha256 }: StateFile,
): Promise<string | undefined> {
  const bytes = await storage.read(filePath(directory, path));
  if (bytes === undefined) return 'the file vanished while it was read';
  const found = hash('sha256', bytes, 'hex');
  return found === sha256 ? undefined : `expected sha256 ${sha256}, found ${found}`;
}
