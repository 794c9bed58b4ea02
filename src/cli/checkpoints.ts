/** `flinkjob checkpoints`: what a local job could start from, and what is in it. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { CheckpointsOptions } from './local-job/show-checkpoints.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const checkpoints: Command = {
  name: 'checkpoints',
  summary: 'List the checkpoints and savepoints of a local job, or show what one of them holds',
  usage: '<name>',
  examples: [
    'flinkjob checkpoints flight-delays',
    'flinkjob checkpoints --verify flight-delays       # read every byte and compare its hash',
    'flinkjob checkpoints --show 12 flight-delays      # operators, states and types of checkpoint 12',
  ],
  register: (command, action) =>
    command
      .argument('<name>', 'the job, as [namespace/]name')
      .addOption(homeOption())
      .option('--show <id|location>', 'show one, by its id, or by the path or URI of any checkpoint or savepoint')
      .option('--verify', 'compare the SHA-256 of every state file, not sizes only', false)
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: CheckpointsOptions) => {
          const { showCheckpoints } = await import('./local-job/show-checkpoints.ts');
          return showCheckpoints(name, options, io);
        }),
      ),
};
