/** `flinkjob operator`: looks after the FlinkJobs of a cluster. */
import type { Command } from './command.ts';
import { settingFlags, settingOptions } from './operator/setting-option.ts';

/** The command. */
export const operator: Command = {
  name: 'operator',
  summary: 'Look after the FlinkJobs of a cluster: run them, restart them, upgrade them, tell how they are',
  usage: '',
  examples: [
    'flinkjob operator --config /etc/flinkjob/operator.yaml',
    'flinkjob operator --kubeconfig ~/.kube/config --context kind-flinkjob --log-level debug',
    'FLINKJOB_WATCH_NAMESPACES=flights,payments flinkjob operator',
  ],
  register: (command, action) => {
    for (const option of settingOptions()) command.addOption(option);
    return command.action(
      action(async (io, { config }: { config?: string }) => {
        const { runOperatorCommand } = await import('./operator/operator-command.ts');
        return runOperatorCommand({
          flags: settingFlags(command),
          version: command.parent?.version() ?? '',
          io,
          ...(config === undefined ? {} : { file: config }),
        });
      }),
    );
  },
};
