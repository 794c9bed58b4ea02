/** `flinkjob logs`: the output of a FlinkJob's pods. */
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import { withLogOptions } from './cluster-job/log-options.ts';
import type { LogsOptions } from './cluster-job/show-logs.ts';
import type { Command } from './command.ts';

/** The command. */
export const logs: Command = {
  name: 'logs',
  summary: 'Print the output of a FlinkJob on a cluster: of its leader, unless another pod is asked for',
  usage: '<name>',
  examples: [
    'flinkjob logs -n team-a flight-delays',
    'flinkjob logs -n team-a --previous flight-delays            # of the pod that ended last',
    'kubectl flinkjob logs --standbys --follow --tail 20 flight-delays',
  ],
  register: (command, action) =>
    withLogOptions(withClusterOptions(command.argument('<name>', 'the FlinkJob, as [namespace/]name'))).action(
      action(async (io, name: string, options: LogsOptions) => {
        const { showLogs } = await import('./cluster-job/show-logs.ts');
        return showLogs(name, options, io);
      }),
    ),
};
