/**
 * Where checkpoints lie; how savepoints are named is told in lib/savepoint-names.ts. Paths are relative to the storage:
 *
 *     <jobId>/chk-<N>-<epoch>-<random>/     a checkpoint: state files and, last, _metadata
 *     <jobId>/shared/                       files that more than one checkpoint may use
 *     savepoint-<first 6 of job id>-<random>/   a savepoint: whole in itself, may be moved
 *     savepoint-<first 6 of job id>-auto<job><epoch><random>/   one that the job took by itself, and removes when it is old
 *
 * No two attempts ever share a directory: the epoch tells leaders apart, the random part two tries of one leader. A
 * pointer names the directory or the `_metadata` in it.
 */
import { createHash } from 'node:crypto';
import * as names from '../../lib/savepoint-names.ts';
import { CheckpointError } from './errors.ts';

/** The manifest's file name, Flink's. */
export const MANIFEST_NAME = '_metadata';

/** What a checkpoint directory's name says. */
export interface CheckpointLocation {
  readonly jobId: string;
  readonly checkpointId: number;
  readonly epoch: number;
  /** 6 to 32 lowercase letters and digits that nobody can guess. */
  readonly random: string;
}

/** What a savepoint directory's name says. */
export interface SavepointLocation {
  /** The first six characters of the job's id. */
  readonly jobIdPrefix: string;
  readonly random: string;
}

/** What the name of an automatic savepoint says. */
export interface AutomaticSavepointLocation {
  readonly jobId: string;
  readonly epoch: number;
  readonly random: string;
}

/** `<jobId>/chk-<N>-<epoch>-<random>`. */
export function checkpointDirectory(location: CheckpointLocation): string {
  const { checkpointId, epoch } = location;
  if (!isCount(checkpointId) || !isCount(epoch)) {
    throw invalid(`chk-${checkpointId}-${epoch}`, 'checkpoint id and epoch are whole numbers from 0 on');
  }
  return `${checkedJobId(location.jobId)}/chk-${checkpointId}-${epoch}-${checkedRandom(location.random)}`;
}

/** How the directories of all checkpoints of a job begin. */
export function checkpointPrefix(jobId: string): string {
  return `${checkedJobId(jobId)}/chk-`;
}

/** `savepoint-<first 6 of job id>-<random>`. */
export function savepointDirectory({ jobId, random }: { readonly jobId: string; readonly random: string }): string {
  return `${savepointPrefix(jobId)}${checkedRandom(random)}`;
}

/** How all savepoints of a job begin, and perhaps some of another one: only the manifest has the whole id. */
export function savepointPrefix(jobId: string): string {
  return names.savepointPrefix(checkedJobId(jobId));
}

/** How the directories of the savepoints begin that the job takes by itself. */
export function automaticSavepointPrefix(jobId: string): string {
  return names.automaticSavepointPrefix(checkedJobId(jobId));
}

/**
 * `savepoint-<first 6 of job id>-auto<job><epoch><random>`: of which job and by which leader, even where a crash has left
 * no manifest to tell.
 */
export function automaticSavepointDirectory(location: AutomaticSavepointLocation): string {
  const { jobId, epoch, random } = location;
  if (!isCount(epoch) || epoch >= 36 ** EPOCH_DIGITS)
    throw invalid(`auto${epoch}`, 'an epoch has up to 6 digits of 36');
  const written = epoch.toString(36).padStart(EPOCH_DIGITS, '0');
  return `${automaticSavepointPrefix(jobId)}${tagOf(jobId)}${written}${checkedRandom(random).slice(0, 10)}`;
}

/** The epoch in the name of an automatic savepoint of this job; undefined for every other name. */
export function epochOfAutomaticSavepoint(directory: string, jobId: string): number | undefined {
  const prefix = automaticSavepointPrefix(jobId) + tagOf(jobId);
  const rest = directory.startsWith(prefix) ? directory.slice(prefix.length) : '';
  return /^[0-9a-z]{12,16}$/.test(rest) ? Number.parseInt(rest.slice(0, EPOCH_DIGITS), 36) : undefined;
}

const EPOCH_DIGITS = 6;

/** Twelve hex digits that no two jobs share by chance. */
function tagOf(jobId: string): string {
  return createHash('sha256').update(jobId).digest('hex').slice(0, 12);
}

/** `<jobId>/shared`. */
export function sharedDirectory(jobId: string): string {
  return `${checkedJobId(jobId)}/shared`;
}

/** The directory below which all checkpoints of a job lie. */
export function jobDirectory(jobId: string): string {
  return checkedJobId(jobId);
}

/** The manifest of a checkpoint or savepoint. */
export function manifestPath(directory: string): string {
  return filePath(directory, MANIFEST_NAME);
}

/** A file that a manifest names, in the directory of that manifest. The empty directory is the storage's root. */
export function filePath(directory: string, relative: string): string {
  return directory === '' ? relative : `${directory}/${relative}`;
}

/** The full name of a path in a storage, for messages. */
export function fullName(storageUri: string, path: string): string {
  return storageUri.endsWith('/') ? `${storageUri}${path}` : `${storageUri}/${path}`;
}

/** `<vertex>-<subtask>.state`: one file per subtask, relative to the directory. */
export function stateFileName(vertexId: string, subtaskIndex: number): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(vertexId)) {
    throw invalid(vertexId, 'a vertex id has up to 128 letters, digits, dots, hyphens and underscores');
  }
  return `${vertexId}-${subtaskIndex}.state`;
}

/** Whether a manifest may name this file: names separated by "/", none of them leading out of the directory. */
export function isRelativeFile(path: string): boolean {
  if (path.length === 0 || path.length > 512 || /[\\\0]/.test(path)) return false;
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.startsWith('.tmp-'));
}

/** The parts of `<jobId>/chk-…`, or undefined when the path is not one. Deeper paths are read as their directory. */
export function parseCheckpointDirectory(path: string): CheckpointLocation | undefined {
  const match = /^([A-Za-z0-9_-]{1,64})\/chk-(\d{1,16})-(\d{1,16})-([0-9a-z]{6,32})(?:\/.*)?$/.exec(path);
  if (match === null) return undefined;
  const [, jobId = '', id = '', epoch = '', random = ''] = match;
  const location = { jobId, checkpointId: Number(id), epoch: Number(epoch), random };
  // "chk-007" is not a name that was ever written.
  return path.startsWith(`${jobId}/chk-${location.checkpointId}-${location.epoch}-`) ? location : undefined;
}

/** The parts of `savepoint-…`, or undefined when the path is not one. Deeper paths are read as their directory. */
export function parseSavepointDirectory(path: string): SavepointLocation | undefined {
  const match = /^savepoint-([A-Za-z0-9_-]{1,6})-([0-9a-z]{6,32})(?:\/.*)?$/.exec(path);
  return match === null ? undefined : { jobIdPrefix: match[1] ?? '', random: match[2] ?? '' };
}

/** The directory a pointer names: the pointer without trailing slashes and without `_metadata`. Works on URIs and paths. */
export function directoryOfPointer(pointer: string): string {
  const trimmed = pointer.trim().replace(/\/+$/, '');
  if (trimmed === MANIFEST_NAME) return '';
  const directory = trimmed.endsWith(`/${MANIFEST_NAME}`) ? trimmed.slice(0, -MANIFEST_NAME.length - 1) : trimmed;
  if (directory === '' || directory.endsWith(':')) {
    throw invalid(pointer, 'name the directory of a checkpoint or savepoint, or the _metadata in it');
  }
  return directory;
}

function checkedJobId(jobId: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(jobId)) return jobId;
  throw invalid(jobId, 'a job id has up to 64 letters, digits, hyphens and underscores');
}

function checkedRandom(random: string): string {
  if (/^[0-9a-z]{6,32}$/.test(random)) return random;
  throw invalid(random, 'the random part has 6 to 32 lowercase letters and digits');
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

function invalid(path: string, rule: string): CheckpointError {
  return new CheckpointError(
    'CHECKPOINT_LOCATION_INVALID',
    path,
    `"${path}" cannot be part of a checkpoint's location: ${rule}.`,
  );
}
