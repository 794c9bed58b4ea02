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
    'flinkjob run job.yaml',
    'flinkjob run --fresh job.yaml        # forget everything the job has stored and start anew',
    'flinkjob run --restore-from .flinkjob/default/flight-delays/storage/savepoint-1a2b3c-0011223344556677 job.yaml',
  ],
  register: (command, action) =>
    command
      .argument('<file>', 'a FlinkJob, as YAML; - for standard input')
      .addOption(homeOption())
      .option(
        '--fresh',
        'forget the job’s checkpoints and start from nothing, or from --restore-from; savepoints stay',
        false,
      )
      .option('--restore-from <savepoint>', 'start from this savepoint when the job has no checkpoint of its own')
      .option('--storage <uri>', 'keep checkpoints here instead of spec.storage.uri, e.g. file:///var/tmp/jobs')
      .addOption(restPortOption('port of the REST API on 127.0.0.1; 0 takes a free one').default('0'))
      .action(
        action(async (io, file: string, options: RunOptions) => {
          const { runLocalJob } = await import('./run/run-local-job.ts');
          return runLocalJob(file, options, io);
        }),
      ),
};
