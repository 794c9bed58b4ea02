/** `flinkjob ha`: the high-availability data of Apache Flink, and of TypeScript jobs in Kubernetes. */
import { type Command as Commander, Option } from 'commander';
import type { Command } from './command.ts';
import type { InspectHaOptions } from './ha-data/inspect-ha.ts';
import type { RepairHaOptions } from './ha-data/repair-ha.ts';
import type { VerifyHaOptions } from './ha-data/verify-ha.ts';
import { outputOption } from './output/output-option.ts';

/** Where the data is: the same for all commands. */
function withSource(command: Commander): Commander {
  return command
    .argument('[cluster-id]', "Flink's kubernetes.cluster-id, or the name of a TypeScript job; also as namespace/name")
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

/** For commands that look at files. */
function storageOption(): Option {
  const description =
    'where a storage is reached from here, as two URIs: s3://bucket/flink=file:///mnt/flink; may be repeated; ' +
    'of a TypeScript job, the URI of its storage';
  return new Option('--storage <from=to>', description).argParser((text: string, before: readonly string[] = []) => [
    ...before,
    text,
  ]);
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
      .addOption(storageOption())
      .action(
        action(async (io, clusterId: string | undefined, options: VerifyHaOptions) => {
          const { verifyHa } = await import('./ha-data/verify-ha.ts');
          return verifyHa(clusterId, options, io);
        }),
      ),
};

const repair: Command = {
  name: 'repair',
  summary: 'Repair what keeps a JobManager from starting; refuses while one leads',
  usage: '[cluster-id]',
  examples: [
    'flinkjob ha repair flights -n production --dry-run',
    'flinkjob ha repair flights -n production --drop-key checkpointID-0000000000000000042 --yes',
    'flinkjob ha repair flights -n production --to-flink 1.20 --yes',
  ],
  register: (command, action) =>
    withSource(command)
      .addOption(storageOption())
      .option('--dry-run', 'show what would be done, and do nothing')
      .option('--yes', 'do it; without this the plan is shown')
      .option('--drop-key <key>', 'drop this key, which leads to nothing usable; ConfigMap/key where several have it')
      .option(
        '--to-flink <version>',
        'rewrite all handles for this release: 1.15 to 1.18 and 1.19 on exclude each other',
      )
      .option('--force', 'do not watch whether a JobManager leads; only when you know that none runs')
      .action(
        action(async (io, clusterId: string | undefined, options: RepairHaOptions) => {
          const { repairHa } = await import('./ha-data/repair-ha.ts');
          return repairHa(clusterId, options, io);
        }),
      ),
};

/** The commands. */
export const ha: Command = {
  name: 'ha',
  summary: 'Look into the high-availability data of Apache Flink, check it, repair it',
  usage: '<command>',
  examples: ['flinkjob ha inspect flights -n production'],
  commands: [inspect, verify, repair],
  register: (command) => command,
};
