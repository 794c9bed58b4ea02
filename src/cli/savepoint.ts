/** `flinkjob savepoint`: takes a savepoint of a running job and prints where it lies. */
import type { Command as Commander } from 'commander';
import type { AskOptions } from './cluster-job/ask-job.ts';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import { withRequestOptions } from './cluster-job/request-options.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { SavepointOptions } from './local-job/take-savepoint.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const savepoint: Command = {
  name: 'savepoint',
  summary: 'Take a savepoint of a running job; the job goes on',
  usage: '<name>',
  examples: [
    'flinkjob savepoint flight-delays',
    'flinkjob savepoint --target nightly flight-delays',
    'flinkjob savepoint -n team-a --timeout 5m flight-delays   # of a FlinkJob on a cluster',
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
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: SavepointOptions & AskOptions, own: Commander) => {
          const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
          const place = { command: own, io };
          return whereTheJobIs(name, place, {
            isChange: true,
            onlyHere: ['target'],
            onlyCluster: ['timeout', 'wait'],
            here: async (job) => (await import('./local-job/take-savepoint.ts')).takeSavepoint(job, options, io),
            onCluster: async (job) => (await import('./cluster-job/ask-job.ts')).askSavepoint(job, options, io),
          });
        }),
      ),
};
