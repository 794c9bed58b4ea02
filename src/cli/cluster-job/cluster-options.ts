import type { Command as Commander } from 'commander';

/** Which cluster and namespace. Giving one of them says that a cluster is meant. */
export interface ClusterOptions {
  readonly namespace?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** The options that kubectl has for it, on every command for a FlinkJob. */
export function withClusterOptions(command: Commander): Commander {
  return command
    .option('-n, --namespace <name>', "namespace of the FlinkJob; without it the context's")
    .option('--context <name>', 'context of the kubeconfig; without it the current one')
    .option('--kubeconfig <file>', 'without it KUBECONFIG, ~/.kube/config, or the service account of the pod');
}
