/**
 * The checkpoints and savepoints of a local job, from its stores and its storage alone. Checkpoints are those that the
 * job's object points to; savepoints belong to nobody's list, so the storage is searched for them.
 */
import {
  BrokenStateException,
  type CompletedCheckpoint,
  checkpointIdOf,
  checkpointKey,
  decodeHandle,
  embeddedBackend,
  type HandleBackend,
  type HaSnapshot,
  isCheckpointKey,
  stateStorage,
} from '../../ha/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { openStorage, type Storage } from '../../storage/index.ts';
import {
  type CheckpointManifest,
  damagedFiles,
  MANIFEST_NAME,
  parseSavepointDirectory,
  readManifest,
  type VerifyDepth,
} from '../../stream/index.ts';
import type { LocalJobRecord } from './local-job.ts';

/** One checkpoint or savepoint. */
export interface StoredCheckpoint {
  /** -1 for a savepoint whose manifest cannot be read. */
  readonly id: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Whether the job would start from it, or from a newer one: the job's object points to it. */
  readonly retained: boolean;
  /** When it was triggered; undefined when that cannot be read. */
  readonly time: number | undefined;
  /** Of its state files and its manifest. */
  readonly bytes: number | undefined;
  /** URI of its directory. */
  readonly location: string;
  /** Its directory within the storage. */
  readonly directory: string;
  /** What is wrong with it, one line each. */
  readonly problems: readonly string[];
}

/**
 * All of them, newest first. With a depth, each is also read and its files are looked at.
 * @throws StorageError when the storage cannot answer
 */
export async function storedCheckpoints(record: LocalJobRecord, depth?: VerifyDepth): Promise<StoredCheckpoint[]> {
  const storage = openStorage(record.storageUri);
  const pointed = await pointedCheckpoints(record, storage);
  const known = new Set(pointed.map(({ directory }) => directory));
  const savepoints = (await savepointDirectories(record, storage)).filter((directory) => !known.has(directory));
  const found = [...pointed, ...(await readSavepoints(record, storage, savepoints))];
  const checked = depth === undefined ? found : await withAllProblems(record, found, storage, depth);
  return checked.sort((a, b) => b.id - a.id || (b.time ?? 0) - (a.time ?? 0));
}

/** The newest checkpoint the job would start from, damaged records left out; undefined when there is none. */
export async function newestRetained(record: LocalJobRecord): Promise<StoredCheckpoint | undefined> {
  const pointed = await pointedCheckpoints(record, openStorage(record.storageUri));
  return pointed.filter(({ problems }) => problems.length === 0).sort((a, b) => b.id - a.id)[0];
}

/** A job that takes checkpoints often removes old ones while they are looked at: then all are looked at again. */
async function pointedCheckpoints(record: LocalJobRecord, storage: Storage): Promise<StoredCheckpoint[]> {
  for (let looks = 1; ; looks++) {
    const snapshot = await objectOf(record).read();
    const keys = [...(snapshot?.entries.keys() ?? [])].filter(isCheckpointKey);
    const found = await Promise.all(keys.map((key) => pointedCheckpoint(record, storage, key, snapshot)));
    if (looks === MOST_LOOKS || !found.includes('gone')) return found.filter((each) => each !== 'gone');
  }
}

const MOST_LOOKS = 10;

function objectOf({ home: { haDirectory: directory, jobId } }: LocalJobRecord): HandleBackend {
  return embeddedBackend({ directory, jobId, clock: systemClock, newId: () => '' }).handles;
}

async function pointedCheckpoint(
  record: LocalJobRecord,
  storage: Storage,
  key: string,
  snapshot: HaSnapshot | undefined,
): Promise<StoredCheckpoint | 'gone'> {
  const stored = decodeHandle(snapshot?.entries.get(key));
  // Marked: being removed.
  if (stored.kind === 'absent' || stored.kind === 'marked') return 'gone';
  const broken = (problem: string, location: string): StoredCheckpoint => ({
    id: checkpointIdOf(key),
    kind: 'checkpoint',
    retained: true,
    time: undefined,
    bytes: undefined,
    location,
    directory: '',
    problems: [problem],
  });
  if (stored.kind === 'corrupt') return broken(`the pointer ${key} is damaged`, '-');
  const states = stateStorage<CompletedCheckpoint>({
    storage,
    directory: '',
    kind: 'completedCheckpoint',
    epoch: () => undefined,
    newId: () => '',
  });
  try {
    return fromRecord(await states.open(stored.pointer).retrieveState(), record.storageUri);
  } catch (error) {
    if (!(error instanceof BrokenStateException)) throw error;
    // One that was removed while we looked is not damaged.
    return (await isStillPointed(record, key)) ? broken(messageOf(error), uriOf(record, stored.pointer.path)) : 'gone';
  }
}

async function isStillPointed(record: LocalJobRecord, key: string): Promise<boolean> {
  return decodeHandle((await objectOf(record).read())?.entries.get(key)).kind === 'live';
}

function fromRecord(completed: CompletedCheckpoint, storageUri: string): StoredCheckpoint {
  const { checkpointId, isSavepoint, timestamp, bytes, location } = completed;
  return {
    id: checkpointId,
    kind: isSavepoint ? 'savepoint' : 'checkpoint',
    retained: true,
    time: timestamp,
    bytes,
    location: `${storageUri.replace(/\/+$/, '')}/${location}`,
    directory: location,
    problems: [],
  };
}

/** Directories of savepoints that carry the first digits of the job's id, at any depth. */
async function savepointDirectories({ home }: LocalJobRecord, storage: Storage): Promise<string[]> {
  const suffix = `/${MANIFEST_NAME}`;
  return (await storage.list(''))
    .filter((path) => path.endsWith(suffix))
    .map((path) => path.slice(0, -suffix.length))
    .filter((directory) => {
      const location = parseSavepointDirectory(directory.slice(directory.lastIndexOf('/') + 1));
      return location !== undefined && home.jobId.startsWith(location.jobIdPrefix);
    });
}

async function readSavepoints(
  record: LocalJobRecord,
  storage: Storage,
  directories: readonly string[],
): Promise<StoredCheckpoint[]> {
  const found: StoredCheckpoint[] = [];
  for (const directory of directories) {
    const savepoint = { kind: 'savepoint', retained: false, location: uriOf(record, directory), directory } as const;
    const manifest = await readManifest(storage, directory).catch(problemOf);
    if ('problem' in manifest) {
      found.push({ ...savepoint, id: -1, time: undefined, bytes: undefined, problems: [manifest.problem] });
    } else if (manifest.jobId === record.home.jobId) {
      const { checkpointId: id, timestamp: time } = manifest;
      found.push({ ...savepoint, id, time, bytes: await bytesOf(storage, directory, manifest), problems: [] });
    }
  }
  return found;
}

async function withAllProblems(
  record: LocalJobRecord,
  found: readonly StoredCheckpoint[],
  storage: Storage,
  depth: VerifyDepth,
): Promise<StoredCheckpoint[]> {
  const checked: StoredCheckpoint[] = [];
  for (const each of found) {
    const one = await withProblems(each, storage, depth);
    const isGone = one.retained && one.problems.length > 0 && !(await isStillPointed(record, checkpointKey(one.id)));
    if (!isGone) checked.push(one);
  }
  return checked;
}

async function withProblems(one: StoredCheckpoint, storage: Storage, depth: VerifyDepth): Promise<StoredCheckpoint> {
  if (one.problems.length > 0) return one;
  const manifest = await readManifest(storage, one.directory).catch(problemOf);
  if ('problem' in manifest) return { ...one, problems: [manifest.problem] };
  const damaged = await damagedFiles(storage, one.directory, manifest, depth);
  return { ...one, problems: damaged.map(({ path, problem }) => `${path}: ${problem}`) };
}

/** Damage is shown, not thrown; a storage that cannot answer is another matter. */
function problemOf(error: unknown): { readonly problem: string } {
  if ((error as { code?: unknown }).code === 'CHECKPOINT_CORRUPT') return { problem: messageOf(error) };
  if ((error as { code?: unknown }).code === 'CHECKPOINT_FORMAT_UNSUPPORTED') return { problem: messageOf(error) };
  throw error;
}

/** As a job's own list counts: the manifest is a part of it. */
async function bytesOf(storage: Storage, directory: string, { files }: CheckpointManifest): Promise<number> {
  const manifest = await storage.stat(`${directory}/${MANIFEST_NAME}`);
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest?.sizeBytes ?? 0);
}

function uriOf({ storageUri }: LocalJobRecord, path: string): string {
  return `${storageUri.replace(/\/+$/, '')}/${path}`;
}
