/** `flinkjob resume`: runs a job again that stands still. */
import type { Command as Commander } from 'commander';
import type { AskOptions } from './cluster-job/ask-job.ts';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import { withRequestOptions } from './cluster-job/request-options.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import { restPortOption } from './local-job/rest-port-option.ts';
import type { ResumeOptions } from './local-job/resume-job.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const resume: Command = {
  name: 'resume',
  summary: 'Run a job again from its newest state: one that was suspended, on this machine also stopped or failed',
  usage: '<name>',
  examples: [
    'flinkjob resume flight-delays             # here, as it was run last',
    'flinkjob resume -n team-a flight-delays   # a FlinkJob on a cluster: spec.state becomes Running',
  ],
  register: (command, action) =>
    withRequestOptions(
      withClusterOptions(command.argument('<name>', 'the job, as [namespace/]name, or the YAML file that holds it')),
    )
      .addOption(homeOption())
      .addOption(restPortOption('on this machine: port of the REST API on 127.0.0.1, instead of that of the last run'))
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, name: string, options: ResumeOptions & AskOptions, own: Commander) => {
          const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
          const place = { command: own, io };
          return whereTheJobIs(name, place, {
            isChange: true,
            onlyHere: ['restPort'],
            onlyCluster: ['timeout', 'wait', 'output'],
            here: async (job) => (await import('./local-job/resume-job.ts')).resumeJob(job, options, io),
            onCluster: async (job) => (await import('./cluster-job/ask-job.ts')).askResume(job, options, io),
          });
        }),
      ),
};
