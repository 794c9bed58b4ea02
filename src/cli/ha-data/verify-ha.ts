/** What `flinkjob ha verify` does. */
import {
  type CheckedPointer,
  type ConfigMapShape,
  type HaFinding,
  type HaInspection,
  inspectHaData,
  type OrphanFile,
  pointerFindings,
  pointersIn,
  stillStands,
  verificationFindings,
} from '../../flink/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { writeResult } from '../output/write-result.ts';
import { checkPointer, findOrphans } from './check-files.ts';
import { chosenCluster } from './choose-cluster.ts';
import { type HaSource, type HaSourceOptions, withHaSource } from './source.ts';
import { StoredFiles, storageMapping } from './stored-files.ts';
import { verificationLines } from './verification-lines.ts';

export interface VerifyHaOptions extends HaSourceOptions {
  /** `FROM=TO`, several. */
  readonly storage?: readonly string[];
  readonly output: 'table' | 'json' | 'yaml';
}

/** A pointer and what came of looking at its file. */
export interface VerifiedPointer {
  readonly configMap: string;
  readonly key: string;
  readonly uri: string | null;
  readonly bytes: number;
  readonly deleting: boolean;
  /** Of the checkpoint; null where its `_metadata` was not read. */
  readonly stateFiles: number | null;
  readonly verdict: 'good' | 'bad' | 'unchecked';
}

/** What was found out about one cluster. */
export interface HaVerification extends Pick<HaInspection, 'flinkVersions' | 'clusterId' | 'namespace'> {
  readonly pointers: readonly VerifiedPointer[];
  readonly findings: readonly HaFinding[];
}

/** The cluster of a source, and all that its files say. */
export interface VerifiedCluster {
  readonly inspection: HaInspection;
  /** Its ConfigMaps, as they were after the files had been looked at. */
  readonly shapes: readonly ConfigMapShape[];
  readonly checked: readonly CheckedPointer[];
  readonly orphans: readonly OrphanFile[];
}

/** @returns 0; 1 when a finding is an error */
export function verifyHa(clusterId: string | undefined, options: VerifyHaOptions, io: CliIo): Promise<number> {
  const { output, storage = [] } = options;
  const files = new StoredFiles(storage.map(storageMapping));
  return withHaSource(options, io, async (source) => {
    const record = recordOf(await verifiedCluster(source, clusterId, files));
    writeResult(record, () => verificationLines(record, io), output === 'table' ? 'text' : output, io);
    return record.findings.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok;
  });
}

/**
 * Looks at the files of a cluster that may be running. ConfigMaps are read before the files and after them: a checkpoint
 * that was removed in between is not missing, and a file that was published in between is no orphan.
 */
export async function verifiedCluster(
  source: HaSource,
  clusterId: string | undefined,
  files: StoredFiles,
): Promise<VerifiedCluster> {
  const before = await source.read();
  const { clusterId: id, namespace } = chosenCluster(inspectHaData(before), clusterId, source.name);
  const inCluster = (shape: ConfigMapShape): boolean =>
    inspectHaData([shape]).some((each) => each.clusterId === id && each.namespace === namespace);
  const pointers = pointersIn(before.filter(inCluster));
  const checked: CheckedPointer[] = [];
  for (const pointer of pointers) checked.push({ pointer, facts: await checkPointer(pointer, files) });
  const orphans = await findOrphans(pointersIn(before), files, Date.now());
  const after = source.cluster === undefined ? before : await source.read();
  const shapes = after.filter(inCluster);
  const [inspection] = inspectHaData(shapes);
  const published = new Set(pointersIn(after).map(({ uri = '' }) => files.canonical(uri)));
  return {
    inspection: inspection ?? chosenCluster([], undefined, source.name),
    shapes,
    checked: checked.filter(({ pointer }) => stillStands(pointer, after)),
    orphans: orphans.filter(({ uri }) => !published.has(files.canonical(uri))),
  };
}

function recordOf({ inspection, checked, orphans }: VerifiedCluster): HaVerification {
  const { flinkVersions, clusterId, namespace, findings } = inspection;
  return {
    flinkVersions,
    clusterId,
    namespace,
    pointers: checked.map(verified),
    findings: [...findings, ...verificationFindings(checked, orphans)],
  };
}

function verified(checked: CheckedPointer): VerifiedPointer {
  const { pointer, facts } = checked;
  const { configMap, key, uri = null, sizeBytes: bytes, deleting } = pointer;
  const severities = pointerFindings(checked).map(({ severity }) => severity);
  const verdict = severities.includes('error') ? 'bad' : severities.includes('warning') ? 'unchecked' : 'good';
  return { configMap, key, uri, bytes, deleting, stateFiles: stateFilesIn(facts), verdict };
}

function stateFilesIn(facts: CheckedPointer['facts']): number | null {
  const content = facts.file === 'there' ? facts.content : undefined;
  return content?.content === 'checkpoint' && content.metadata.metadata === 'read' ? content.metadata.stateFiles : null;
}
