/** `flinkjob status`: one screen about a job, running or not, on this machine or on a cluster. */
import type { Command as Commander } from 'commander';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { ClusterStatusOptions } from './cluster-job/show-status.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { StatusOptions } from './local-job/show-status.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const status: Command = {
  name: 'status',
  summary: 'Show what a job is doing and why: phase, cause and remedy, restarts, newest checkpoint, pods',
  usage: '<name>',
  examples: [
    'flinkjob status flight-delays                   # a job of this machine',
    'flinkjob status -n team-a flight-delays         # a FlinkJob on a cluster',
    'kubectl flinkjob status --watch flight-delays   # again after each change',
    'flinkjob status -o json default/flight-delays',
  ],
  register: (command, action) =>
    withClusterOptions(command.argument('<name>', 'the job, as [namespace/]name, or the YAML file that holds it'))
      .addOption(homeOption())
      .option('-w, --watch', 'on a cluster: show it again after each change, until Ctrl-C')
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: StatusOptions & ClusterStatusOptions, own: Commander) => {
          const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
          const place = { command: own, io };
          return whereTheJobIs(name, place, {
            isChange: false,
            onlyCluster: ['watch'],
            here: async (job) => (await import('./local-job/show-status.ts')).showStatus(job, options, io),
            onCluster: async (job) =>
              (await import('./cluster-job/show-status.ts')).showClusterStatus(job, options, io),
          });
        }),
      ),
};
