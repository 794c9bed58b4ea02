/** Which cluster: the rules that kubectl and every other client follow. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ClusterConnection } from './connection.ts';
import { KubeConfigError } from './errors.ts';
import { inClusterConnection } from './in-cluster.ts';
import { kubeconfigConnection } from './kubeconfig.ts';

/** What the choice rests on. */
export interface ConnectionFacts {
  /** A file named by the user. */
  readonly kubeconfig?: string;
  /** A context named by the user. */
  readonly context?: string;
  /** `KUBECONFIG`, `HOME`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The connection of the first that is there: the file named, the files of `KUBECONFIG`, `~/.kube/config`, the service account
 * of the pod. Throws KubeConfigError when there is none.
 */
export async function openConnection(facts: ConnectionFacts): Promise<ClusterConnection> {
  const files = kubeconfigFiles(facts);
  const { context, environment } = facts;
  if (files.length > 0) return kubeconfigConnection({ files, ...(context !== undefined && { context }) });
  const host = environment.KUBERNETES_SERVICE_HOST;
  if (host !== undefined && host !== '') {
    return inClusterConnection({ host, port: environment.KUBERNETES_SERVICE_PORT ?? '443' });
  }
  throw new KubeConfigError(
    'no cluster is known: there is no kubeconfig (KUBECONFIG, ~/.kube/config), and this is not a pod; ' +
      'name a file with --kubeconfig',
  );
}

function kubeconfigFiles({ kubeconfig, environment }: ConnectionFacts): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  // Files of the list that are not there are passed over, as kubectl does.
  const listed = (environment.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    const present = listed.filter((file) => existsSync(file));
    if (present.length === 0)
      throw new KubeConfigError(`KUBECONFIG names ${listed.join(', ')}, and none of them exists`);
    return present;
  }
  const standard = join(environment.HOME ?? '', '.kube', 'config');
  return environment.HOME !== undefined && existsSync(standard) ? [standard] : [];
}
