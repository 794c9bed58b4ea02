/** `flinkjob run`: runs a job on this machine, with restarts, until it has ended. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import { restPortOption } from './local-job/rest-port-option.ts';
import type { RunOptions } from './run/run-local-job.ts';

/** The command. */
export const run: Command = {
  name: 'run',
  summary: 'Run a job on this machine and supervise it: checkpoints, restarts, exactly once',
  usage: '<file>',
  examples: [
    'flinkjob run examples/flight-delays.yaml',
    'flinkjob run --fresh examples/flight-delays.yaml   # forget its checkpoints; remove its output first',
    'flinkjob run --restore-from .flinkjob/default/flight-delays/storage/savepoint-1a2b3c-0011223344556677 examples/flight-delays.yaml',
  ],
  register: (command, action) =>
    command
      .argument('<file>', 'a FlinkJob, as YAML; - for standard input')
      .addOption(homeOption())
      .option(
        '--fresh',
        'forget the job’s checkpoints and start from nothing, or from --restore-from; savepoints stay, and output that the job has written stays; remove it first',
        false,
      )
      .option('--restore-from <savepoint>', 'start from this savepoint when the job has no checkpoint of its own')
      .option(
        '--storage <uri>',
        'keep checkpoints here, e.g. file:///var/tmp/jobs, instead of in spec.storage.uri; where that is not a file:// URI they are kept in the home',
      )
      .addOption(restPortOption('port of the REST API on 127.0.0.1; 0 takes a free one').default('0'))
      .action(
        action(async (io, file: string, options: RunOptions) => {
          const { runLocalJob } = await import('./run/run-local-job.ts');
          return runLocalJob(file, options, io);
        }),
      ),
};
