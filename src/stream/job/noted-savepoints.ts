/**
 * Savepoints that somebody wanted in a directory of its own choice within the storage. Others are found by how their
 * names begin, and nobody lists all that lies in a storage to find these; so each leaves a note below the directory of
 * its job, before it is begun: `<jobId>/savepoints/<its random part>`, with its directory as contents. Notes stay, and
 * those of savepoints that never came about, were moved or removed lead nowhere.
 */
import type { Storage } from '../../storage/index.ts';
import { filePath, MANIFEST_NAME } from '../checkpoint/locations.ts';

/** Notes where a savepoint of this job is going to lie, within the storage. */
export async function noteSavepoint(storage: Storage, jobId: string, directory: string): Promise<void> {
  // Where no savepoint can lie there is nothing to note: the storage says so when it is asked.
  await storage.exists(filePath(directory, MANIFEST_NAME));
  const random = directory.slice(directory.lastIndexOf('-') + 1);
  await storage.write(`${notesOf(jobId)}${random}`, new TextEncoder().encode(directory), { exclusive: true });
}

/** The directories of the noted savepoints that are there. */
export async function notedSavepoints(storage: Storage, jobId: string): Promise<string[]> {
  const notes = await storage.listBeginning(notesOf(jobId));
  const found = await Promise.all(
    notes.map(async (note) => {
      const directory = new TextDecoder().decode(await storage.read(note));
      return (await storage.exists(filePath(directory, MANIFEST_NAME))) ? directory : [];
    }),
  );
  return found.flat();
}

function notesOf(jobId: string): string {
  return `${jobId}/savepoints/`;
}
