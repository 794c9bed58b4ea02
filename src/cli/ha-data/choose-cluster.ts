/** One Flink cluster of several, named by the user. */
import { FlinkJobError } from '../../lib/errors.ts';
import { printable } from '../inspect/printable.ts';

/** What a cluster is known by. */
export interface ClusterName {
  readonly clusterId: string | null;
  readonly namespace: string | null;
}

/** Thrown when it is not clear which cluster is meant. */
export class ClusterChoiceError extends FlinkJobError {
  constructor(wanted: string, source: string, known: readonly ClusterName[]) {
    const names = known.filter(({ clusterId }) => clusterId !== null).map(titleOf);
    const choice = names.length === 0 ? 'it has no HA data of Apache Flink' : `name one of: ${names.join(', ')}`;
    super('HA_CLUSTER_UNCLEAR', `${wanted} in ${source}; ${choice}`);
  }
}

/**
 * The clusters that are meant: all without a name, else those of the name.
 * @throws ClusterChoiceError when there is none of the name
 */
export function chosenClusters<T extends ClusterName>(
  all: readonly T[],
  wanted: string | undefined,
  source: string,
): T[] {
  const chosen = wanted === undefined ? [...all] : all.filter((each) => isCluster(each, wanted));
  if (chosen.length > 0) return chosen;
  throw new ClusterChoiceError(`there is no cluster ${printable(wanted ?? '')}`, source, all);
}

/** The one cluster that is meant. @throws ClusterChoiceError when there is none, or several */
export function chosenCluster<T extends ClusterName>(all: readonly T[], wanted: string | undefined, source: string): T {
  const [only, ...others] = chosenClusters(all, wanted, source);
  if (only === undefined || others.length > 0) throw new ClusterChoiceError('there are several clusters', source, all);
  return only;
}

function isCluster({ clusterId, namespace }: ClusterName, wanted: string): boolean {
  return clusterId === wanted || `${namespace}/${clusterId}` === wanted;
}

function titleOf({ clusterId, namespace }: ClusterName): string {
  return printable(namespace === null ? `${clusterId}` : `${namespace}/${clusterId}`);
}
