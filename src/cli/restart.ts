/** `flinkjob restart`: restarts a FlinkJob on a cluster from its newest state; also takes a failed one up again. */
import type { AskOptions } from './cluster-job/ask-job.ts';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import { withRequestOptions } from './cluster-job/request-options.ts';
import type { Command } from './command.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const restart: Command = {
  name: 'restart',
  summary: 'Restart a FlinkJob on a cluster from its newest state; also takes a failed one up again',
  usage: '<name>',
  examples: ['flinkjob restart -n team-a flight-delays', 'kubectl flinkjob restart --no-wait flight-delays'],
  register: (command, action) =>
    withRequestOptions(withClusterOptions(command.argument('<name>', 'the FlinkJob, as [namespace/]name')))
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: AskOptions) => {
          const { askRestart } = await import('./cluster-job/ask-job.ts');
          return askRestart(name, options, io);
        }),
      ),
};
