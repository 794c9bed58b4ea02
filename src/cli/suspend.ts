/** `flinkjob suspend`: stops a running local job with a savepoint, from which it can be resumed. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { SuspendOptions } from './local-job/take-savepoint.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const suspend: Command = {
  name: 'suspend',
  summary: 'Stop a running local job with a savepoint; resume goes on from it',
  usage: '<name>',
  examples: [
    'flinkjob suspend flight-delays',
    'flinkjob suspend --drain flight-delays   # fire all timers and windows first',
  ],
  register: (command, action) =>
    command
      .argument('<name>', 'the job, as [namespace/]name')
      .addOption(homeOption())
      .option('--target <directory>', 'directory in the storage of the job; a relative one starts there')
      .option('--drain', 'end event time first: windows and timers fire, and the job is not meant to be resumed', false)
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: SuspendOptions) => {
          const { suspendJob } = await import('./local-job/take-savepoint.ts');
          return suspendJob(name, options, io);
        }),
      ),
};
