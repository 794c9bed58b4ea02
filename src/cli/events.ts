/** `flinkjob events`: what happened to a FlinkJob and its pods. */
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { EventsOptions } from './cluster-job/show-events.ts';
import type { Command } from './command.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const events: Command = {
  name: 'events',
  summary: 'List what happened to a FlinkJob on a cluster and to its pods, newest last',
  usage: '<name>',
  examples: ['flinkjob events -n team-a flight-delays', 'kubectl flinkjob events -o json flight-delays'],
  register: (command, action) =>
    withClusterOptions(command.argument('<name>', 'the FlinkJob, as [namespace/]name'))
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: EventsOptions) => {
          const { showEvents } = await import('./cluster-job/show-events.ts');
          return showEvents(name, options, io);
        }),
      ),
};
