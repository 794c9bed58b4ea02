/**
 * From where a job starts: the newest completed checkpoint of its store; where that is damaged an older retained one, and
 * it says so; without any, the savepoint it was pointed at; else empty. Never from less than what it was told to restore.
 */
import { pathToFileURL } from 'node:url';
import type { CompletedCheckpoint, CompletedCheckpointStore } from '../../ha/index.ts';
import { type FlinkJobError, messageOf } from '../../lib/errors.ts';
import { SuppressRestartsException } from '../../lib/java-errors.ts';
import { openStorage, type Storage } from '../../storage/index.ts';
import { jobShapeOf } from '../checkpoint/job-shape.ts';
import {
  checkpointPrefix,
  directoryOfPointer,
  MANIFEST_NAME,
  parseCheckpointDirectory,
  savepointPrefix,
} from '../checkpoint/locations.ts';
import type { CheckpointManifest } from '../checkpoint/manifest.ts';
import { readManifest } from '../checkpoint/manifest-codec.ts';
import { assignState, type RestoreAssignment } from '../checkpoint/restore-assignment.ts';
import type { AttemptOrigin, RestorablePoint } from '../functions/attempt-origin.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { RestoreError } from './errors.ts';
import { notedSavepoints } from './noted-savepoints.ts';

/** A place to restore from. */
export interface RestoreCandidate {
  readonly origin: 'latestCheckpoint' | 'startPoint';
  readonly storageUri: string;
  /** Within the storage. */
  readonly directory: string;
  /** Hash of the manifest, as the handle has it; a pointer typed by a person has none. */
  readonly metadataSha256: string | undefined;
}

/** A candidate whose manifest has been read and checked. */
export interface ReadRestorePoint {
  readonly candidate: RestoreCandidate;
  readonly manifest: CheckpointManifest;
}

/** In the order in which they are tried. A start point counts only while the job has no checkpoint of its own. */
export function restoreCandidates(
  completed: readonly CompletedCheckpoint[],
  storageUri: string,
  restoreFrom: string | undefined,
): RestoreCandidate[] {
  if (completed.length > 0) {
    return [...completed].reverse().map(({ location, metadataSha256 }) => ({
      origin: 'latestCheckpoint',
      storageUri,
      directory: location,
      metadataSha256,
    }));
  }
  if (restoreFrom === undefined) return [];
  return [{ origin: 'startPoint', storageUri: directoryUri(restoreFrom), directory: '', metadataSha256: undefined }];
}

/**
 * Whole checkpoints and savepoints of the job that no handle points to, newest first by (epoch, id). They count when the
 * job's object was removed while its storage stayed: the job does not start empty over existing state.
 */
export async function unpublishedCandidates(storage: Storage, jobId: string): Promise<RestoreCandidate[]> {
  const found = await storedCheckpoints(storage, jobId);
  for (const { directory, manifest } of await savepointsOf(storage, jobId)) {
    if (!('unreadable' in manifest)) found.push({ ...manifest, directory });
    else if (!isDamaged(manifest.unreadable)) throw manifest.unreadable;
  }
  found.sort((a, b) => b.epoch - a.epoch || b.checkpointId - a.checkpointId);
  return found.map(({ directory }) => ({
    origin: 'latestCheckpoint',
    storageUri: storage.uri,
    directory,
    metadataSha256: undefined,
  }));
}

/**
 * The highest epoch that a savepoint of the job was taken in; 0 when there is none that can be read. For where nothing else
 * of the job is left: below its own directory each leader leaves its epoch in a name.
 */
export async function highestSavepointEpoch(storage: Storage, jobId: string): Promise<number> {
  const found = await savepointsOf(storage, jobId);
  return Math.max(0, ...found.map(({ manifest }) => ('unreadable' in manifest ? 0 : manifest.epoch)));
}

interface Unpublished {
  readonly epoch: number;
  readonly checkpointId: number;
  readonly directory: string;
}

async function storedCheckpoints(storage: Storage, jobId: string): Promise<Unpublished[]> {
  return manifestsAmong(await storage.listBeginning(checkpointPrefix(jobId))).flatMap((path) => {
    const location = parseCheckpointDirectory(path);
    return location === undefined ? [] : { ...location, directory: directoryOfPointer(path) };
  });
}

function manifestsAmong(paths: readonly string[]): string[] {
  return paths.filter((path) => path.endsWith(`/${MANIFEST_NAME}`));
}

interface FoundSavepoint {
  /** Within the storage. */
  readonly directory: string;
  readonly manifest: CheckpointManifest | { readonly unreadable: unknown };
}

/**
 * Savepoints that lie where the job has put them, whoever asked for them. A name has only the beginning of the job's id,
 * the manifest all of it; one whose manifest cannot be read may be of another job.
 */
async function savepointsOf(storage: Storage, jobId: string): Promise<FoundSavepoint[]> {
  const beside = manifestsAmong(await storage.listBeginning(savepointPrefix(jobId))).map(directoryOfPointer);
  // One that was to lie at the root all the same is in both.
  const directories = new Set([...beside, ...(await notedSavepoints(storage, jobId))]);
  const found = await Promise.all(
    [...directories].map(async (directory) => ({
      directory,
      manifest: await readManifest(storage, directory).catch((error: unknown) => ({ unreadable: error })),
    })),
  );
  return found.filter(({ manifest }) => 'unreadable' in manifest || manifest.jobId === jobId);
}

/**
 * What functions are told may be restored later: what lies in the storage, and what an entry of the job points to, be it
 * damaged now or the entry broken. What cannot be read keeps no job from starting.
 */
export async function restorablePoints(
  { storage, jobId }: { readonly storage: Storage; readonly jobId: string },
  completed?: Pick<CompletedCheckpointStore, 'getAllCheckpoints' | 'getBrokenCheckpoints'>,
): Promise<RestorablePoint[]> {
  const checkpoints = [...(await storedCheckpoints(storage, jobId)), ...(completed?.getAllCheckpoints() ?? [])];
  const savepoints = (await savepointsOf(storage, jobId)).map(({ manifest }) =>
    'unreadable' in manifest ? { checkpointId: Number.POSITIVE_INFINITY } : manifest,
  );
  const broken = completed?.getBrokenCheckpoints() ?? [];
  return [...checkpoints, ...savepoints, ...broken].map((point) =>
    'epoch' in point ? { checkpointId: point.checkpointId, epoch: point.epoch } : { checkpointId: point.checkpointId },
  );
}

/** @throws CheckpointError when it is damaged, StorageError when the storage cannot answer */
export async function readRestorePoint(candidate: RestoreCandidate): Promise<ReadRestorePoint> {
  const { storageUri, directory, metadataSha256: sha256 } = candidate;
  const manifest = await readManifest(
    openStorage(storageUri),
    directory,
    sha256 === undefined ? undefined : { sha256 },
  );
  return { candidate, manifest };
}

/** Assigns the state to the subtasks. A job that does not fit its state is not restarted: it would not fit again. */
export function assignRestorePoint(
  { candidate, manifest }: ReadRestorePoint,
  job: {
    readonly jobId: string;
    readonly jobName: string;
    readonly graph: JobGraph;
    readonly allowNonRestoredState: boolean;
  },
): RestoreAssignment {
  try {
    return assignState({
      manifest,
      job: jobShapeOf(job.jobId, job.jobName, job.graph),
      from: `${candidate.storageUri}/${candidate.directory}`.replace(/\/+$/, ''),
      origin: candidate.origin,
      allowNonRestoredState: job.allowNonRestoredState,
    });
  } catch (cause) {
    throw new SuppressRestartsException(new RestoreError('RESTORE_REFUSED', messageOf(cause), { cause }));
  }
}

/** What functions are told of where their attempt goes on. `hasBegun`: an earlier attempt had them all open. */
export function originOf(
  point: Pick<ReadRestorePoint, 'manifest'> | undefined,
  surroundings: { readonly hasBegun: boolean } & Pick<AttemptOrigin, 'restorable'>,
): AttemptOrigin {
  const { hasBegun, ...restorable } = surroundings;
  if (point === undefined) return { from: hasBegun ? 'nothingAgain' : 'nothing', ...restorable };
  const { jobId, checkpointId, epoch } = point.manifest;
  return { from: 'checkpoint', jobId, checkpointId, epoch, ...restorable };
}

/** Whether the bytes are damaged, as opposed to out of reach: then an older checkpoint may serve. */
export function isDamaged(error: unknown): boolean {
  return (error as Partial<FlinkJobError> | null)?.code === 'CHECKPOINT_CORRUPT';
}

/** What the job was told to start from is damaged, or not there. */
export function startPointUnreadable({ storageUri }: Pick<RestoreCandidate, 'storageUri'>, cause: unknown): Error {
  return new SuppressRestartsException(
    new RestoreError(
      'RESTORE_IMPOSSIBLE',
      `the job is to start from ${storageUri}, which cannot be read, and it does not start empty instead: ${messageOf(cause)} It is named by --restore-from or spec.restoreFrom: correct that, or leave it out.`,
      { cause },
    ),
  );
}

/** All candidates were damaged. */
export function nothingLeftToRestore(
  damaged: readonly { readonly directory: string; readonly problem: string }[],
): Error {
  const list = damaged.map(({ directory, problem }) => `${directory}: ${problem}`).join('; ');
  return new SuppressRestartsException(
    new RestoreError(
      'RESTORE_IMPOSSIBLE',
      `none of the job's checkpoints can be read, and it does not start empty over existing state. Put it back and run the job again, or begin anew from a savepoint: with flinkjob run --fresh --restore-from, in a cluster with spec.restoreFrom and a higher triggers.restore. A higher spec.checkpoints.retained leaves more to fall back on. Damaged: ${list}`,
    ),
  );
}

function directoryUri(pointer: string): string {
  const directory = directoryOfPointer(pointer);
  return directory.includes('://') ? directory : pathToFileURL(`/${directory}`).href;
}
