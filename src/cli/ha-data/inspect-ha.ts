/** What `flinkjob ha inspect` does. */
import { type CliIo, EXIT } from '../command.ts';
import { writeResult } from '../output/write-result.ts';
import { chosenCluster, chosenClusters, inspectAll } from './choose-cluster.ts';
import { haLines } from './ha-lines.ts';
import { type HaSourceOptions, withHaSource } from './source.ts';

export interface InspectHaOptions extends HaSourceOptions {
  readonly output: 'table' | 'json' | 'yaml';
}

/** @returns 0; 1 when a finding is an error */
export function inspectHa(clusterId: string | undefined, options: InspectHaOptions, io: CliIo): Promise<number> {
  const { output } = options;
  return withHaSource(clusterId, options, io, async (source) => {
    const all = inspectAll(await source.read());
    const chosen = chosenClusters(all, clusterId, source.name);
    const lines = (): string[] => chosen.flatMap((each, index) => [...(index === 0 ? [] : ['']), ...haLines(each, io)]);
    if (output === 'table') writeResult(chosen, lines, 'text', io);
    else writeResult(chosenCluster(all, clusterId, source.name), lines, output, io);
    const isBad = chosen.some(({ findings }) => findings.some(({ severity }) => severity === 'error'));
    return isBad ? EXIT.failed : EXIT.ok;
  });
}
