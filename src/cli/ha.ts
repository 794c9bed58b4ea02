/** `flinkjob ha`: the high-availability data of Apache Flink. */
import { type Command as Commander, Option } from 'commander';
import type { Command } from './command.ts';
import type { InspectHaOptions } from './ha-data/inspect-ha.ts';
import type { VerifyHaOptions } from './ha-data/verify-ha.ts';
import { outputOption } from './output/output-option.ts';

/** Where the data is: the same for all commands. */
function withSource(command: Commander): Commander {
  return command
    .argument('[cluster-id]', "the cluster, as Flink's kubernetes.cluster-id, or namespace/cluster-id")
    .option('-n, --namespace <name>', "namespace of the cluster; without it the context's")
    .option('--kubeconfig <file>', 'without it KUBECONFIG, ~/.kube/config, or the service account of the pod')
    .option('--context <name>', 'context of the kubeconfig; without it the current one')
    .addOption(
      new Option(
        '-f, --file <file>',
        'ConfigMaps as JSON or YAML instead of a cluster; - for standard input',
      ).conflicts(['namespace', 'kubeconfig', 'context']),
    )
    .addOption(outputOption(['table', 'json', 'yaml']));
}

const inspect: Command = {
  name: 'inspect',
  summary: 'Show what Apache Flink has stored in ConfigMaps: leaders, jobs, checkpoints, and what is wrong with them',
  usage: '[cluster-id]',
  examples: [
    'flinkjob ha inspect flights -n production',
    'flinkjob ha inspect -f configmaps.yaml',
    'kubectl get configmaps -o json | flinkjob ha inspect -f - -o json | jq .findings',
  ],
  register: (command, action) =>
    withSource(command).action(
      action(async (io, clusterId: string | undefined, options: InspectHaOptions) => {
        const { inspectHa } = await import('./ha-data/inspect-ha.ts');
        return inspectHa(clusterId, options, io);
      }),
    ),
};

const verify: Command = {
  name: 'verify',
  summary:
    'Check that all that is stored leads to files that are there and whole, and find files that nothing leads to',
  usage: '[cluster-id]',
  examples: [
    'flinkjob ha verify flights -n production',
    'flinkjob ha verify flights --storage s3://bucket/flink=file:///mnt/flink',
  ],
  register: (command, action) =>
    withSource(command)
      .addOption(
        new Option(
          '--storage <from=to>',
          'where a storage is reached from here, as two URIs: s3://bucket/flink=file:///mnt/flink; may be repeated',
        ).argParser((text: string, before: readonly string[] = []) => [...before, text]),
      )
      .action(
        action(async (io, clusterId: string | undefined, options: VerifyHaOptions) => {
          const { verifyHa } = await import('./ha-data/verify-ha.ts');
          return verifyHa(clusterId, options, io);
        }),
      ),
};

/** The commands. */
export const ha: Command = {
  name: 'ha',
  summary: 'Look into the high-availability data of Apache Flink, and check it',
  usage: '<command>',
  examples: ['flinkjob ha inspect flights -n production'],
  commands: [inspect, verify],
  register: (command) => command,
};
