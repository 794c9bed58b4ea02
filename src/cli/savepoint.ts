/** `flinkjob savepoint`: takes a savepoint of a running local job and prints where it lies. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { SavepointOptions } from './local-job/take-savepoint.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const savepoint: Command = {
  name: 'savepoint',
  summary: 'Take a savepoint of a running local job; the job goes on',
  usage: '<name>',
  examples: ['flinkjob savepoint flight-delays', 'flinkjob savepoint --target nightly flight-delays'],
  register: (command, action) =>
    command
      .argument('<name>', 'the job, as [namespace/]name')
      .addOption(homeOption())
      .option('--target <directory>', 'directory in the storage of the job; a relative one starts there')
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: SavepointOptions) => {
          const { takeSavepoint } = await import('./local-job/take-savepoint.ts');
          return takeSavepoint(name, options, io);
        }),
      ),
};
