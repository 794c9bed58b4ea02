/** Looks at the files that pointers lead to, and at those that no pointer leads to. */
import {
  type ContentFacts,
  type EndedJob,
  type FileFacts,
  FlinkDataError,
  type HaPointer,
  isJavaObjectStream,
  isStoreFileName,
  type MetadataFacts,
  metadataUriIn,
  type OrphanFile,
  readFlinkMetadata,
  resultFileName,
  type StateFile,
  stateFilesOf,
} from '../../flink/index.ts';
import type { StoredFiles } from './stored-files.ts';

/** State files that are asked for at the same time. */
const AT_ONCE = 16;
/** A file this young may be about to be pointed to. */
const SURELY_PUBLISHED_MS = 60_000;

/** What a pointer leads to. */
export async function checkPointer(pointer: HaPointer, files: StoredFiles): Promise<FileFacts> {
  const { uri, deleting } = pointer;
  if (uri === undefined) return { file: 'inPointer' };
  const status = await files.status(uri);
  if (status.is === 'missing') return { file: 'missing' };
  if (status.is === 'unchecked') return { file: 'unchecked', reason: status.reason };
  if (deleting) return { file: 'there', sizeBytes: status.sizeBytes, content: { content: 'unread' } };
  const found = await files.bytes(uri);
  if (found.is === 'missing') return { file: 'missing' };
  if (found.is === 'unchecked') return { file: 'unchecked', reason: found.reason };
  return { file: 'there', sizeBytes: found.bytes.length, content: await contentOf(pointer, found.bytes, files) };
}

/** Files in the directories of these pointers that look like theirs, and that none of them leads to. */
export async function findOrphans(
  pointers: readonly HaPointer[],
  files: StoredFiles,
  now: number,
): Promise<OrphanFile[]> {
  const uris = pointers.flatMap(({ uri }) => (uri === undefined ? [] : [uri]));
  const known = new Set(uris.map((uri) => files.canonical(uri)));
  const directories = new Map(uris.map((uri) => [directoryOf(files.canonical(uri)), uri]));
  const found: OrphanFile[] = [];
  for (const uri of directories.values()) {
    for (const each of await files.beside(uri)) {
      if (known.has(files.canonical(each)) || !isStoreFileName(each.slice(each.lastIndexOf('/') + 1))) continue;
      const status = await files.status(each);
      if (status.is !== 'there' || status.modifiedAt > now - SURELY_PUBLISHED_MS) continue;
      found.push({ uri: each, sizeBytes: status.sizeBytes });
    }
  }
  return found;
}

/**
 * Results of jobs, in the directory that Flink has for them beside those of its pointers:
 * `<storageDir>/job-result-store/<cluster>/` beside `<storageDir>/<cluster>/`.
 */
export async function findEndedJobs(pointers: readonly HaPointer[], files: StoredFiles): Promise<EndedJob[]> {
  const directories = new Set(pointers.flatMap(({ uri }) => (uri === undefined ? [] : [directoryOf(uri)])));
  const found: EndedJob[] = [];
  for (const directory of directories) {
    const store = `${directoryOf(directory)}/job-result-store/${directory.slice(directory.lastIndexOf('/') + 1)}`;
    for (const uri of await files.beside(`${store}/any`)) {
      const named = resultFileName(uri.slice(uri.lastIndexOf('/') + 1));
      if (named !== undefined) found.push({ uri, ...named, status: await statusIn(uri, files) });
    }
  }
  return found;
}

/** How the job ended, as the file says it. */
async function statusIn(uri: string, files: StoredFiles): Promise<string> {
  const found = await files.bytes(uri);
  const text = found.is === 'read' ? Buffer.from(found.bytes).toString('utf8') : '';
  // Large accumulators are of no interest here, and a damaged file is a result all the same.
  return /"application-status"\s*:\s*"([A-Z]{1,16})"/.exec(text)?.[1] ?? 'UNKNOWN';
}

function directoryOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/'));
}

async function contentOf({ of }: HaPointer, bytes: Uint8Array, files: StoredFiles): Promise<ContentFacts> {
  if (!isJavaObjectStream(bytes)) return { content: 'damaged', reason: 'it is no serialized Java object' };
  return of === 'plan'
    ? { content: 'plan' }
    : { content: 'checkpoint', metadata: await metadataOf(metadataUriIn(bytes), files) };
}

async function metadataOf(uri: string | undefined, files: StoredFiles): Promise<MetadataFacts> {
  if (uri === undefined) return { metadata: 'unnamed' };
  const found = await files.bytes(uri);
  if (found.is === 'missing') return { metadata: 'missing', uri };
  if (found.is === 'unchecked') return { metadata: 'unchecked', uri, reason: found.reason };
  try {
    const metadata = readFlinkMetadata(found.bytes, uri);
    const stateFiles = stateFilesOf(metadata);
    const { checkpointId } = metadata;
    return {
      metadata: 'read',
      uri,
      checkpointId,
      stateFiles: stateFiles.length,
      ...(await statesOf(stateFiles, uri, files)),
    };
  } catch (error) {
    if (error instanceof FlinkDataError) return { metadata: 'unreadable', uri, reason: error.message };
    throw error;
  }
}

type States = Pick<Extract<MetadataFacts, { metadata: 'read' }>, 'missing' | 'short' | 'unchecked'>;

async function statesOf(stateFiles: readonly StateFile[], metadataUri: string, files: StoredFiles): Promise<States> {
  const directory = directoryOf(metadataUri);
  const missing: string[] = [];
  const short: string[] = [];
  const unchecked: { uri: string; reason: string }[] = [];
  for (let from = 0; from < stateFiles.length; from += AT_ONCE) {
    const some = stateFiles.slice(from, from + AT_ONCE);
    const uris = some.map(({ at, isRelative }) => (isRelative ? `${directory}/${at}` : at));
    const statuses = await Promise.all(uris.map((uri) => files.status(uri)));
    statuses.forEach((status, index) => {
      const uri = uris[index] ?? '';
      if (status.is === 'missing') missing.push(uri);
      else if (status.is === 'unchecked') unchecked.push({ uri, reason: status.reason });
      else if (status.sizeBytes < (some[index]?.sizeBytes ?? 0)) short.push(uri);
    });
  }
  return { missing, short, unchecked };
}
