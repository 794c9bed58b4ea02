/** What must hold of the object and the storage of a job at any instant, whatever was killed. */
import {
  type CompletedCheckpoint,
  decodeHandle,
  embeddedBackend,
  type HaSnapshot,
  stateStorage,
} from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStorage } from '../../src/storage/index.ts';
import { readManifest } from '../../src/stream/checkpoint/manifest-codec.ts';

/** Where a job keeps what it must not lose. */
export interface JobPlace {
  readonly jobId: string;
  readonly haDirectory: string;
  readonly storageUri: string;
}

/** The object of a job, or undefined when there is none. */
export function jobObject({ haDirectory, jobId }: JobPlace): Promise<HaSnapshot | undefined> {
  return embeddedBackend({ directory: haDirectory, jobId, clock: systemClock, newId: () => 'reader' }).handles.read();
}

/** The checkpoints that the object of a job points to: none after a good end. */
export async function pointersLeft(place: JobPlace): Promise<string[]> {
  return [...((await jobObject(place))?.entries.keys() ?? [])].filter((key) => key.startsWith('checkpointID-'));
}

/** Checkpoint directories in the storage of a job, whole or not. */
export async function checkpointDirectories({ storageUri, jobId }: JobPlace): Promise<string[]> {
  const files = await openStorage(storageUri).list(jobId);
  return [...new Set(files.flatMap((file) => /^.*\/chk-[^/]+/.exec(file)?.[0] ?? []))];
}

/** Pointers that lead nowhere, records that cannot be read, files of checkpoints that are missing or damaged. */
export async function danglingPointers(place: JobPlace): Promise<string[]> {
  const problems: string[] = [];
  const storage = openStorage(place.storageUri);
  const records = stateStorage<CompletedCheckpoint>({
    storage,
    directory: '',
    kind: 'read',
    epoch: () => 0,
    newId: () => '',
  });
  const snapshot = await jobObject(place);
  for (const [key, text] of snapshot?.entries ?? []) {
    if (!key.startsWith('checkpointID-')) continue;
    const stored = decodeHandle(text);
    // One that is being removed may point to what is gone already.
    if (stored.kind === 'marked') continue;
    if (stored.kind !== 'live') {
      problems.push(`${key} is ${stored.kind}`);
      continue;
    }
    try {
      const { location, epoch, checkpointId } = await records.open(stored.pointer).retrieveState();
      const manifest = await readManifest(storage, location);
      if (manifest.epoch !== epoch || manifest.checkpointId !== checkpointId) problems.push(`${key}: another manifest`);
      for (const file of manifest.files) {
        const status = await storage.stat(`${location}/${file.path}`);
        if (status?.sizeBytes !== file.sizeBytes) problems.push(`${key}: ${location}/${file.path} is not whole`);
      }
    } catch (error) {
      problems.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
