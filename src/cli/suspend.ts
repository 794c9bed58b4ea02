/** `flinkjob suspend`: stops a running job with its state kept, from which it can be resumed. */
import type { Command as Commander } from 'commander';
import type { AskOptions } from './cluster-job/ask-job.ts';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import { withRequestOptions } from './cluster-job/request-options.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { SuspendOptions } from './local-job/take-savepoint.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const suspend: Command = {
  name: 'suspend',
  summary: 'Stop a running job and keep its state; resume goes on from it',
  usage: '<name>',
  examples: [
    'flinkjob suspend flight-delays             # with a savepoint',
    'flinkjob suspend --drain flight-delays     # fire all timers and windows first',
    'flinkjob suspend -n team-a flight-delays   # a FlinkJob on a cluster: spec.state becomes Suspended',
  ],
  register: (command, action) =>
    withRequestOptions(
      withClusterOptions(command.argument('<name>', 'the job, as [namespace/]name, or the YAML file that holds it')),
    )
      .addOption(homeOption())
      .option(
        '--target <directory>',
        'on this machine: directory in the storage of the job; a relative one starts there',
      )
      .option(
        '--drain',
        'on this machine: end event time first: windows and timers fire, and the job is not meant to be resumed',
        false,
      )
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: SuspendOptions & AskOptions, own: Commander) => {
          const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
          const place = { command: own, io };
          return whereTheJobIs(name, place, {
            isChange: true,
            onlyHere: ['target', 'drain'],
            onlyCluster: ['timeout', 'wait'],
            here: async (job) => (await import('./local-job/take-savepoint.ts')).suspendJob(job, options, io),
            onCluster: async (job) => (await import('./cluster-job/ask-job.ts')).askSuspend(job, options, io),
          });
        }),
      ),
};
