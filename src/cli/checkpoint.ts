/** `flinkjob checkpoint`: a checkpoint or savepoint named by its place, of this product or of Apache Flink. */
import type { Command } from './command.ts';
import type { InspectCheckpointOptions } from './inspect/inspect-checkpoint.ts';
import { outputOption } from './output/output-option.ts';

const inspect: Command = {
  name: 'inspect',
  summary: 'Show what a checkpoint or savepoint holds, of a TypeScript job or of Apache Flink',
  usage: '<path>',
  examples: [
    'flinkjob checkpoint inspect .flinkjob/default/flight-delays/storage/savepoint-1a2b3c-0011223344556677',
    'flinkjob checkpoint inspect file:///flink/checkpoints/2caade905e89e5a1493b38b4c508500a/chk-7/_metadata',
    'flinkjob checkpoint inspect -o json chk-7',
  ],
  register: (command, action) =>
    command
      .argument('<path>', 'path or URI of a directory, or of the _metadata in it')
      .addOption(outputOption(['table', 'json', 'yaml']))
      .action(
        action(async (io, path: string, options: InspectCheckpointOptions) => {
          const { inspectCheckpoint } = await import('./inspect/inspect-checkpoint.ts');
          return inspectCheckpoint(path, options, io);
        }),
      ),
};

/** The commands. */
export const checkpoint: Command = {
  name: 'checkpoint',
  summary: 'Look into a checkpoint or savepoint by its path',
  usage: '<command>',
  examples: ['flinkjob checkpoint inspect chk-7'],
  commands: [inspect],
  register: (command) => command,
};
