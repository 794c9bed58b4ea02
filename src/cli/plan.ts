/**
 * `flinkjob plan`: what would become of a job, without running it. Here its graph, and what of its state would be restored; on
 * a cluster what applying its file would do to the one that runs.
 */

import type { Command as Commander } from 'commander';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { PlanChangeOptions } from './cluster-job/plan-change.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import { outputOption } from './output/output-option.ts';
import type { PlanOptions } from './plan/show-plan.ts';

/** The command. */
export const plan: Command = {
  name: 'plan',
  summary: 'Show the graph of a job and what would become of its state, here or on a cluster; nothing is run',
  usage: '<file>',
  examples: [
    'flinkjob plan examples/flight-delays.yaml',
    'flinkjob plan -o mermaid examples/flight-delays.yaml > graph.mmd',
    'flinkjob plan -o json examples/flight-delays.yaml',
    'flinkjob plan -n team-a flight-delays.yaml   # what applying it would do to the job that runs there',
  ],
  register: (command, action) =>
    withClusterOptions(command.argument('<file>', 'a FlinkJob, as YAML; - for standard input'))
      .option(
        '--no-run',
        "on a cluster: do not run the job's program; whether it takes up the state stays unchecked then",
      )
      .addOption(homeOption())
      .addOption(outputOption(['text', 'json', 'yaml', 'mermaid']))
      .action(
        action(async (io, file: string, options: PlanOptions & PlanChangeOptions, own: Commander) => {
          const given = (option: string): boolean => own.getOptionValueSource(option) === 'cli';
          const namesCluster = ['namespace', 'context', 'kubeconfig'].some(given);
          // A picture is of the graph; what a cluster would do has none.
          if (namesCluster || (io.isPlugin === true && !given('home') && options.output !== 'mermaid')) {
            return (await import('./cluster-job/plan-change.ts')).planChange(file, options, io);
          }
          return (await import('./plan/show-plan.ts')).showPlan(file, options, io);
        }),
      ),
};
