/** What `flinkjob ha inspect` does. */
import { type HaInspection, inspectHaData } from '../../flink/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { writeResult } from '../output/write-result.ts';
import { configMapsInFile } from './config-map-file.ts';
import { haLines } from './ha-lines.ts';
import { printable } from './printable.ts';

export interface InspectHaOptions {
  readonly file: string;
  readonly clusterId?: string;
  readonly output: 'table' | 'json' | 'yaml';
}

/** @returns 0; 1 when a finding is an error, or it is not clear which cluster is meant */
export async function inspectHa({ file, clusterId, output }: InspectHaOptions, io: CliIo): Promise<number> {
  const all = inspectHaData(await configMapsInFile(file, io));
  const chosen = clusterId === undefined ? all : all.filter((each) => isCluster(each, clusterId));
  const [only] = chosen;
  if (only === undefined || (output !== 'table' && chosen.length > 1)) {
    const wanted =
      only === undefined ? `there is no cluster ${printable(clusterId ?? '')}` : 'there are several clusters';
    io.stderr.write(`error: ${wanted} in ${file}. Choose one with --cluster-id: ${all.map(titleOf).join(', ')}\n`);
    return EXIT.failed;
  }
  const lines = (): string[] => chosen.flatMap((each, index) => [...(index === 0 ? [] : ['']), ...haLines(each, io)]);
  writeResult(only, lines, output === 'table' ? 'text' : output, io);
  return chosen.some(({ findings }) => findings.some(({ severity }) => severity === 'error')) ? EXIT.failed : EXIT.ok;
}

function isCluster({ clusterId, namespace }: HaInspection, wanted: string): boolean {
  return clusterId === wanted || `${namespace}/${clusterId}` === wanted;
}

function titleOf({ clusterId, namespace }: HaInspection): string {
  return printable(namespace === null ? `${clusterId}` : `${namespace}/${clusterId}`);
}
