/** `flinkjob resume`: runs a local job again as it was run last. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import { restPortOption } from './local-job/rest-port-option.ts';
import type { ResumeOptions } from './local-job/resume-job.ts';

/** The command. */
export const resume: Command = {
  name: 'resume',
  summary: 'Run a suspended, stopped or failed local job again, as it was run last, from its newest state',
  usage: '<name>',
  examples: ['flinkjob resume flight-delays'],
  register: (command, action) =>
    command
      .argument('<name>', 'the job, as [namespace/]name')
      .addOption(homeOption())
      .addOption(restPortOption('port of the REST API on 127.0.0.1, instead of that of the last run'))
      .action(
        action(async (io, name: string, options: ResumeOptions) => {
          const { resumeJob } = await import('./local-job/resume-job.ts');
          return resumeJob(name, options, io);
        }),
      ),
};
