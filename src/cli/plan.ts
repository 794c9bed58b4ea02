/** `flinkjob plan`: the graph of a job, and what of its state would be restored, without running it. */
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import { outputOption } from './output/output-option.ts';
import type { PlanOptions } from './plan/show-plan.ts';

/** The command. */
export const plan: Command = {
  name: 'plan',
  summary: 'Show the graph of a job and what of its stored state would be restored; nothing is run',
  usage: '<file>',
  examples: [
    'flinkjob plan examples/flight-delays.yaml',
    'flinkjob plan -o mermaid examples/flight-delays.yaml > graph.mmd',
    'flinkjob plan -o json examples/flight-delays.yaml',
  ],
  register: (command, action) =>
    command
      .argument('<file>', 'a FlinkJob, as YAML; - for standard input')
      .addOption(homeOption())
      .addOption(outputOption(['text', 'json', 'yaml', 'mermaid']))
      .action(
        action(async (io, file: string, options: PlanOptions) => {
          const { showPlan } = await import('./plan/show-plan.ts');
          return showPlan(file, options, io);
        }),
      ),
};
