/** `flinkjob status`: one screen about a local job, running or not. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { StatusOptions } from './local-job/show-status.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const status: Command = {
  name: 'status',
  summary: 'Show how a local job is: phase, restarts, newest checkpoint, records per second',
  usage: '<name>',
  examples: ['flinkjob status flight-delays', 'flinkjob status -o json default/flight-delays'],
  register: (command, action) =>
    command
      .argument('<name>', 'the job, as [namespace/]name')
      .addOption(homeOption())
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: StatusOptions) => {
          const { showStatus } = await import('./local-job/show-status.ts');
          return showStatus(name, options, io);
        }),
      ),
};
