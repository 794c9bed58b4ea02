/** `flinkjob ha`: the high-availability data of Apache Flink. */
import { Option } from 'commander';
import type { Command } from './command.ts';
import type { InspectHaOptions } from './inspect/inspect-ha.ts';
import { outputOption } from './output/output-option.ts';

const inspect: Command = {
  name: 'inspect',
  summary: 'Show what Apache Flink has stored in ConfigMaps: leaders, jobs, checkpoints, and what is wrong with them',
  usage: '-f <file>',
  examples: [
    'flinkjob ha inspect -f configmaps.yaml',
    'kubectl get configmaps -o json | flinkjob ha inspect -f -',
    'flinkjob ha inspect -f configmaps.json -o json | jq .findings',
  ],
  register: (command, action) =>
    command
      .addOption(
        new Option('-f, --file <file>', 'ConfigMaps as JSON or YAML; - for standard input').makeOptionMandatory(),
      )
      .option('--cluster-id <id>', 'one of several clusters in the file, as [namespace/]id')
      .addOption(outputOption(['table', 'json', 'yaml']))
      .action(
        action(async (io, options: InspectHaOptions) => {
          const { inspectHa } = await import('./inspect/inspect-ha.ts');
          return inspectHa(options, io);
        }),
      ),
};

/** The commands. */
export const ha: Command = {
  name: 'ha',
  summary: 'Look into the high-availability data of Apache Flink',
  usage: '<command>',
  examples: ['flinkjob ha inspect -f configmaps.yaml'],
  commands: [inspect],
  register: (command) => command,
};
