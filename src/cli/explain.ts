/** `flinkjob explain`: why a FlinkJob is where it is and what mends it, or what a reason means. */
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { ExplainOptions } from './cluster-job/explain-command.ts';
import type { Command } from './command.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const explain: Command = {
  name: 'explain',
  summary: 'Say why a FlinkJob on a cluster is where it is and what mends it, or what a reason means',
  usage: '<name|reason>',
  examples: ['flinkjob explain -n team-a flight-delays', 'flinkjob explain RestartsExhausted'],
  register: (command, action) =>
    withClusterOptions(
      command.argument('<name|reason>', 'the FlinkJob, as [namespace/]name; or a reason of a condition or an Event'),
    )
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(async (io, subject: string, options: ExplainOptions) => {
          const { explainSubject } = await import('./cluster-job/explain-command.ts');
          return explainSubject(subject, options, io);
        }),
      ),
};
