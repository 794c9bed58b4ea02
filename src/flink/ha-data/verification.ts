/** What is wrong with the files that HA data leads to: facts about files in, findings out. */
import { assertNever } from '../../lib/assert-never.ts';
import type { HaFinding } from './findings.ts';
import type { HaPointer } from './pointers.ts';

/** What was found where a pointer leads. */
export type FileFacts =
  /** The pointer holds its bytes itself. */
  | { readonly file: 'inPointer' }
  /** It could not be found out. */
  | { readonly file: 'unchecked'; readonly reason: string }
  | { readonly file: 'missing' }
  | { readonly file: 'there'; readonly sizeBytes: number; readonly content: ContentFacts };

/** What is in the file. */
export type ContentFacts =
  /** Of an entry that is being deleted. */
  | { readonly content: 'unread' }
  /** Not what Flink writes. */
  | { readonly content: 'damaged'; readonly reason: string }
  | { readonly content: 'plan' }
  | { readonly content: 'checkpoint'; readonly metadata: MetadataFacts };

/** What is at the `_metadata` that a checkpoint names. */
export type MetadataFacts =
  /** The checkpoint names none: it was not written to files. */
  | { readonly metadata: 'unnamed' }
  | { readonly metadata: 'unchecked'; readonly uri: string; readonly reason: string }
  | { readonly metadata: 'missing'; readonly uri: string }
  | { readonly metadata: 'unreadable'; readonly uri: string; readonly reason: string }
  | {
      readonly metadata: 'read';
      readonly uri: string;
      readonly checkpointId: number;
      readonly stateFiles: number;
      readonly missing: readonly string[];
      /** With fewer bytes than were written. */
      readonly short: readonly string[];
      readonly unchecked: readonly { readonly uri: string; readonly reason: string }[];
    };

/** A pointer and what it leads to. */
export interface CheckedPointer {
  readonly pointer: HaPointer;
  readonly facts: FileFacts;
}

/** A file in a directory of the HA storage that no pointer leads to. */
export interface OrphanFile {
  readonly uri: string;
  readonly sizeBytes: number;
}

/** The result of a job, in Flink's JobResultStore: whoever finds it does not run the job. */
export interface EndedJob {
  readonly uri: string;
  readonly jobId: string;
  /** `SUCCEEDED`, `FAILED`, `CANCELED` or `UNKNOWN`. */
  readonly status: string;
  /** What the job had stored is still to be removed. */
  readonly dirty: boolean;
}

/** What is known of the files beside those that are pointed to. */
export interface OtherFiles {
  readonly orphans: readonly OrphanFile[];
  readonly ended: readonly EndedJob[];
}

/** Findings about all pointers in their order, then about other files. */
export function verificationFindings(
  checked: readonly CheckedPointer[],
  { orphans, ended }: OtherFiles,
): readonly HaFinding[] {
  return [...checked.flatMap(pointerFindings), ...orphans.map(orphanFinding), ...ended.map(endedFinding)];
}

/** What is wrong with one pointer; empty when a restart can use it, or does not look at it. */
export function pointerFindings({ pointer, facts }: CheckedPointer): HaFinding[] {
  const at = finder(pointer);
  switch (facts.file) {
    case 'inPointer':
      return [];
    case 'unchecked':
      return [at('warning', 'FileUnchecked', `${pointer.uri} cannot be checked: ${facts.reason}`)];
    case 'missing':
      return pointer.deleting
        ? [at('info', 'MarkedFileGone', `only the entry is left, ${pointer.uri} is gone; repair removes it`)]
        : [at('error', 'FileMissing', `${pointer.uri} does not exist: ${consequenceOf(pointer)}`)];
    case 'there':
      return [...sizeFindings(pointer, facts.sizeBytes), ...contentFindings(pointer, facts.content)];
    default:
      return assertNever(facts);
  }
}

/** The files whose names stores give, of all lines. */
export function isStoreFileName(name: string): boolean {
  return /^(?:completedCheckpoint|submittedJobGraph|submittedExecutionPlan)[0-9a-f]{12}$/.test(name);
}

/** The job and the state of a result, from the name of its file; undefined for other files. */
export function resultFileName(name: string): Pick<EndedJob, 'jobId' | 'dirty'> | undefined {
  const match = /^([0-9a-f]{32})(_DIRTY)?\.json$/.exec(name);
  return match === null ? undefined : { jobId: match[1] ?? '', dirty: match[2] !== undefined };
}

function sizeFindings(pointer: HaPointer, sizeBytes: number): HaFinding[] {
  if (sizeBytes === pointer.sizeBytes || pointer.deleting) return [];
  const message = `${pointer.uri} has ${sizeBytes} bytes, and ${pointer.sizeBytes} were written: ${consequenceOf(pointer)}`;
  return [finder(pointer)('error', 'FileSizeDiffers', message)];
}

function contentFindings(pointer: HaPointer, content: ContentFacts): HaFinding[] {
  switch (content.content) {
    case 'unread':
    case 'plan':
      return [];
    case 'damaged': {
      const message = `${pointer.uri} is not what Flink writes (${content.reason}): ${consequenceOf(pointer)}`;
      return [finder(pointer)('error', 'FileDamaged', message)];
    }
    case 'checkpoint':
      return metadataFindings(pointer, content.metadata);
    default:
      return assertNever(content);
  }
}

function metadataFindings(pointer: HaPointer, facts: MetadataFacts): HaFinding[] {
  const at = finder(pointer);
  switch (facts.metadata) {
    case 'unnamed':
      return [at('info', 'MetadataUnnamed', 'the checkpoint names no _metadata: its state was not looked at')];
    case 'unchecked':
      return [at('warning', 'FileUnchecked', `${facts.uri} cannot be checked: ${facts.reason}`)];
    case 'missing':
      return [at('error', 'MetadataMissing', `${facts.uri} does not exist: the state of this checkpoint is gone`)];
    case 'unreadable':
      return [at('error', 'MetadataUnreadable', `${facts.uri} is no _metadata: ${facts.reason}`)];
    case 'read':
      return stateFindings(pointer, facts);
    default:
      return assertNever(facts);
  }
}

function stateFindings(pointer: HaPointer, facts: Extract<MetadataFacts, { metadata: 'read' }>): HaFinding[] {
  const at = finder(pointer);
  const { checkpointId, uri, stateFiles, missing, short, unchecked } = facts;
  const found: HaFinding[] = [];
  if (checkpointId !== pointer.checkpointId) {
    const message = `${uri} is that of checkpoint ${checkpointId}: a restart would take its state for that of ${pointer.checkpointId}`;
    found.push(at('error', 'MetadataOfAnother', message));
  }
  if (missing.length > 0) {
    const message = `${missing.length} of ${stateFiles} state files do not exist, ${missing[0]} the first: a restart from it fails`;
    found.push(at('error', 'StateFileMissing', message));
  }
  if (short.length > 0) {
    const message = `${short.length} of ${stateFiles} state files are cut off, ${short[0]} the first: a restart from it fails`;
    found.push(at('error', 'StateFileShort', message));
  }
  const [first] = unchecked;
  if (first !== undefined) {
    const message = `${unchecked.length} of ${stateFiles} state files cannot be checked, ${first.uri} the first: ${first.reason}`;
    found.push(at('warning', 'FileUnchecked', message));
  }
  return found;
}

function orphanFinding({ uri, sizeBytes }: OrphanFile): HaFinding {
  return {
    severity: 'info',
    code: 'OrphanFile',
    message: `nothing points to ${uri} (${sizeBytes} bytes): left behind by a crash, or that of another cluster with this storage directory`,
  };
}

function endedFinding({ uri, jobId, status, dirty }: EndedJob): HaFinding {
  const then = dirty ? 'a JobManager only removes what it had stored' : 'no JobManager runs it again';
  const message = `${uri} says that it has ended (${status}): ${then}`;
  return { severity: 'warning', code: 'JobHasEnded', jobId, message };
}

type At = (severity: HaFinding['severity'], code: HaFinding['code'], message: string) => HaFinding;

const finder =
  ({ configMap, key }: HaPointer): At =>
  (severity, code, message) => ({ severity, code, configMap, key, message });

/** What a JobManager does about a pointer whose file is of no use, and the next step. */
function consequenceOf({ of, key }: HaPointer): string {
  return of === 'checkpoint'
    ? `one such checkpoint keeps the job from starting. Put the file back, or drop the key: --drop-key ${key}`
    : `a JobManager fails on it at every start. Put the file back, or drop the key and submit the job again: --drop-key ${key}`;
}
