/** `flinkjob checkpoints`: what a job could start from, and what is in it. */
import type { Command as Commander } from 'commander';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { ClusterCheckpointsOptions } from './cluster-job/show-cluster-checkpoints.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { CheckpointsOptions } from './local-job/show-checkpoints.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const checkpoints: Command = {
  name: 'checkpoints',
  summary: 'List the checkpoints and savepoints of a job, or show what one of them holds',
  usage: '<name>',
  examples: [
    'flinkjob checkpoints flight-delays',
    'flinkjob checkpoints --verify flight-delays       # read every byte and compare its hash',
    'flinkjob checkpoints --show 12 flight-delays      # operators, states and types of checkpoint 12',
    'flinkjob checkpoints -n team-a flight-delays      # of a FlinkJob on a cluster',
  ],
  register: (command, action) =>
    withClusterOptions(command.argument('<name>', 'the job, as [namespace/]name, or the YAML file that holds it'))
      .addOption(homeOption())
      .option(
        '--show <id|location>',
        'on this machine: show one, by its id, or by the path or URI of any checkpoint or savepoint',
      )
      .option('--verify', 'on this machine: compare the SHA-256 of every state file, not sizes only', false)
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: CheckpointsOptions & ClusterCheckpointsOptions, own: Commander) => {
          const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
          const place = { command: own, io };
          return whereTheJobIs(name, place, {
            isChange: false,
            onlyHere: ['show', 'verify'],
            here: async (job) => (await import('./local-job/show-checkpoints.ts')).showCheckpoints(job, options, io),
            onCluster: async (job) =>
              (await import('./cluster-job/show-cluster-checkpoints.ts')).showClusterCheckpoints(job, options, io),
          });
        }),
      ),
};
