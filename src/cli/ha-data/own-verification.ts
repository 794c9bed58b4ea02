/** Looks at the files of a TypeScript job: records by size and SHA-256, manifests by SHA-256, state files by size or hash. */
import type { ConfigMapShape, HaFinding } from '../../flink/index.ts';
import {
  BrokenStateException,
  type CompletedCheckpoint,
  checkpointIdOf,
  haDirectory,
  type StateStorage,
  stateStorage,
} from '../../ha/index.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { type Storage, StorageError } from '../../storage/index.ts';
import { damagedFiles, readManifest } from '../../stream/index.ts';
import { inspectOwnJobs, type OwnInspection, type OwnPointer, ownJobId, ownPointers } from './own-job.ts';
import type { HaSource } from './source.ts';
import type { HaVerification, VerifiedPointer } from './verification-record.ts';

/** A pointer, its verdict, and why. */
interface Looked {
  readonly verified: VerifiedPointer;
  readonly findings: readonly HaFinding[];
}

/** A file this young may be about to be pointed to. */
const SURELY_PUBLISHED_MS = 60_000;

/**
 * Looks at everything that the object of a job leads to. The object is read before the files and after them, and only what
 * stands in both is judged: the job may be running.
 */
export async function verifiedOwnJob(
  source: HaSource,
  { clusterId, namespace, configMaps }: OwnInspection,
  storage: Storage | undefined,
): Promise<HaVerification> {
  const name = configMaps[0]?.name ?? '';
  const objectIn = (shapes: readonly ConfigMapShape[]): ConfigMapShape =>
    shapes.find(({ metadata }) => metadata.name === name && (metadata.namespace ?? null) === namespace) ?? {
      metadata: { name },
    };
  const before = objectIn(await source.read());
  const looked: Looked[] = [];
  for (const pointer of ownPointers(before)) looked.push(await lookAt(pointer, storage));
  const files = storage === undefined ? [] : await recordFiles(before, storage, Date.now());
  const after = source.cluster === undefined ? before : objectIn(await source.read());
  const standing = looked.filter(({ verified: { key } }) => after.data?.[key] === before.data?.[key]);
  const known = new Set([...ownPointers(before), ...ownPointers(after)].map(({ pointer }) => pointer.path));
  return {
    flinkVersions: [],
    clusterId,
    namespace,
    pointers: standing.map(({ verified }) => verified),
    findings: [
      ...inspectOwnJobs([after]).flatMap(({ findings }) => findings),
      ...standing.flatMap(({ findings }) => findings),
      ...files.filter(({ path }) => !known.has(path)).map(orphanFinding),
    ],
  };
}

async function lookAt(pointer: OwnPointer, storage: Storage | undefined): Promise<Looked> {
  if (pointer.deleting) return resultOf(pointer, 'good', null);
  if (storage === undefined) {
    const reason = 'where the storage of the job is, is not known; say so: --storage file:///…';
    return resultOf(pointer, 'unchecked', null, at(pointer, 'warning', 'FileUnchecked', reason));
  }
  try {
    return await lookIn(pointer, storage);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return resultOf(pointer, 'unchecked', null, at(pointer, 'warning', 'FileUnchecked', messageOf(error)));
  }
}

async function lookIn(pointer: OwnPointer, storage: Storage): Promise<Looked> {
  let record: CompletedCheckpoint;
  try {
    record = await recordsIn(storage).open(pointer.pointer).retrieveState();
  } catch (error) {
    if (!(error instanceof BrokenStateException)) throw error;
    const isGone = !(await storage.exists(pointer.pointer.path));
    const finding = at(pointer, 'error', isGone ? 'FileMissing' : 'FileDamaged', messageOf(error));
    return resultOf(pointer, 'bad', null, finding);
  }
  return pointer.of === 'plan' ? resultOf(pointer, 'good', null) : lookAtState(pointer, record, storage);
}

/** The checkpoint that a record tells of. */
async function lookAtState(pointer: OwnPointer, record: CompletedCheckpoint, storage: Storage): Promise<Looked> {
  if (record.checkpointId !== checkpointIdOf(pointer.key)) {
    const message = `its record is that of checkpoint ${record.checkpointId}`;
    return resultOf(pointer, 'bad', null, at(pointer, 'error', 'MetadataOfAnother', message));
  }
  try {
    const manifest = await readManifest(storage, record.location, { sha256: record.metadataSha256 });
    const damaged = await damagedFiles(storage, record.location, manifest, 'sha256');
    const count = manifest.files.length;
    const [first] = damaged;
    if (first === undefined) return resultOf(pointer, 'good', count);
    const code = damaged.some(({ problem }) => problem.endsWith('no such file'))
      ? 'StateFileMissing'
      : 'StateFileShort';
    const message = `${damaged.length} of ${count} state files are damaged: ${record.location}/${first.path}: ${first.problem}`;
    return resultOf(pointer, 'bad', count, at(pointer, 'error', code, message));
  } catch (error) {
    if (error instanceof StorageError || !(error instanceof FlinkJobError)) throw error;
    return resultOf(pointer, 'bad', null, at(pointer, 'error', 'MetadataUnreadable', messageOf(error)));
  }
}

/** A file of a store. */
interface RecordFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Those that are there, but for the youngest. */
async function recordFiles(shape: ConfigMapShape, storage: Storage, now: number): Promise<RecordFile[]> {
  const jobId = ownJobId(shape);
  if (jobId === null) return [];
  const found: RecordFile[] = [];
  try {
    for (const path of await storage.list(haDirectory(jobId))) {
      if (!/\/(?:completedCheckpoint|submittedExecutionPlan)-\d+-[^/-]+$/.test(path)) continue;
      const status = await storage.stat(path);
      if (status !== undefined && status.modifiedAt < now - SURELY_PUBLISHED_MS) found.push({ path, ...status });
    }
  } catch (error) {
    // Each pointer has said already that the storage cannot be read.
    if (!(error instanceof StorageError)) throw error;
  }
  return found;
}

function orphanFinding({ path, sizeBytes }: RecordFile): HaFinding {
  const message = `nothing points to ${path} (${sizeBytes} bytes): left behind by a crash; the next leader removes it`;
  return { severity: 'info', code: 'OrphanFile', message };
}

function recordsIn(storage: Storage): StateStorage<CompletedCheckpoint> {
  return stateStorage({ storage, directory: '', kind: 'completedCheckpoint', epoch: () => undefined, newId: () => '' });
}

function at(
  { configMap, key }: OwnPointer,
  severity: HaFinding['severity'],
  code: HaFinding['code'],
  message: string,
): HaFinding {
  return { severity, code, configMap, key, message };
}

function resultOf(
  { configMap, key, pointer, deleting }: OwnPointer,
  verdict: VerifiedPointer['verdict'],
  stateFiles: number | null,
  ...findings: readonly HaFinding[]
): Looked {
  const verified = { configMap, key, uri: pointer.path, bytes: pointer.sizeBytes, deleting, stateFiles, verdict };
  return { verified, findings };
}
