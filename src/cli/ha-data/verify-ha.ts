/** What `flinkjob ha verify` does. */
import {
  type CheckedPointer,
  type ConfigMapShape,
  type HaInspection,
  inspectHaData,
  type OtherFiles,
  pointerFindings,
  pointersIn,
  stillStands,
  verificationFindings,
} from '../../flink/index.ts';
import { openStorage } from '../../storage/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { writeResult } from '../output/write-result.ts';
import { checkPointer, findEndedJobs, findOrphans } from './check-files.ts';
import { chosenCluster, inspectAll } from './choose-cluster.ts';
import { StorageMappingError } from './errors.ts';
import { isOwn } from './own-job.ts';
import { verifiedOwnJob } from './own-verification.ts';
import { type HaSource, type HaSourceOptions, withHaSource } from './source.ts';
import { StoredFiles, storageMapping } from './stored-files.ts';
import { verificationLines } from './verification-lines.ts';
import type { HaVerification, VerifiedPointer } from './verification-record.ts';

export interface VerifyHaOptions extends HaSourceOptions {
  /** `FROM=TO`, several; one URI alone is the storage of a TypeScript job. */
  readonly storage?: readonly string[];
  readonly output: 'table' | 'json' | 'yaml';
}

/** The cluster of a source, and all that its files say. */
export interface VerifiedCluster {
  readonly inspection: HaInspection;
  /** Its ConfigMaps, as they were after the files had been looked at. */
  readonly shapes: readonly ConfigMapShape[];
  readonly checked: readonly CheckedPointer[];
  readonly others: OtherFiles;
}

/** @returns 0; 1 when a finding is an error */
export function verifyHa(name: string | undefined, options: VerifyHaOptions, io: CliIo): Promise<number> {
  const { output, storage = [] } = options;
  const ownUris = storage.filter((text) => /^[a-z][a-z0-9+.-]*:[^=]*$/i.test(text));
  const files = new StoredFiles(storage.filter((text) => !ownUris.includes(text)).map(storageMapping));
  return withHaSource(name, options, io, async (source) => {
    const chosen = chosenCluster(inspectAll(await source.read()), name, source.name);
    const [ownUri, ...others] = ownUris;
    // One URI says where the storage of one job is; files of Flink are named by URIs themselves.
    if (others.length > 0 || (ownUri !== undefined && !isOwn(chosen))) throw new StorageMappingError(ownUris.join(' '));
    const record = isOwn(chosen)
      ? await verifiedOwnJob(source, chosen, ownUri === undefined ? undefined : openStorage(ownUri))
      : recordOf(await verifiedCluster(source, name, files));
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
  const ended = await findEndedJobs(pointers, files);
  const after = source.cluster === undefined ? before : await source.read();
  const shapes = after.filter(inCluster);
  const [inspection] = inspectHaData(shapes);
  const published = new Set(pointersIn(after).map(({ uri = '' }) => files.canonical(uri)));
  return {
    inspection: inspection ?? chosenCluster([], undefined, source.name),
    shapes,
    checked: checked.filter(({ pointer }) => stillStands(pointer, after)),
    others: { orphans: orphans.filter(({ uri }) => !published.has(files.canonical(uri))), ended },
  };
}

function recordOf({ inspection, checked, others }: VerifiedCluster): HaVerification {
  const { flinkVersions, clusterId, namespace, findings } = inspection;
  return {
    flinkVersions,
    clusterId,
    namespace,
    pointers: checked.map(verified),
    findings: [...findings, ...verificationFindings(checked, others)],
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
