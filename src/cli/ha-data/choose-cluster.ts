/** One cluster or job of several, named by the user. */
import { type ConfigMapShape, type HaInspection, inspectHaData } from '../../flink/index.ts';
import { printable } from '../inspect/printable.ts';
import { ClusterChoiceError } from './errors.ts';
import { inspectOwnJobs } from './own-job.ts';

/** What a cluster is known by. */
export interface ClusterName {
  readonly clusterId: string | null;
  readonly namespace: string | null;
}

/** What ConfigMaps hold: of Flink clusters first, then of TypeScript jobs; one empty record when there is nothing. */
export function inspectAll(shapes: readonly ConfigMapShape[]): HaInspection[] {
  const own = inspectOwnJobs(shapes);
  const flink = inspectHaData(shapes).filter(({ clusterId }) => clusterId !== null || own.length === 0);
  return [...flink, ...own];
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
  throw new ClusterChoiceError(`there is no cluster ${printable(wanted ?? '')}`, source, namesOf(all));
}

/** The one cluster that is meant. @throws ClusterChoiceError when there is none, or several */
export function chosenCluster<T extends ClusterName>(all: readonly T[], wanted: string | undefined, source: string): T {
  const [only, ...others] = chosenClusters(all, wanted, source);
  if (only === undefined || others.length > 0)
    throw new ClusterChoiceError('there are several clusters', source, namesOf(all));
  return only;
}

function isCluster({ clusterId, namespace }: ClusterName, wanted: string): boolean {
  return clusterId === wanted || `${namespace}/${clusterId}` === wanted;
}

/** So many are named; a namespace may have hundreds. */
const MOST_NAMES = 20;

function namesOf(clusters: readonly ClusterName[]): string[] {
  const names = clusters.filter(({ clusterId }) => clusterId !== null).map(titleOf);
  return names.length <= MOST_NAMES ? names : [...names.slice(0, MOST_NAMES), '…'];
}

function titleOf({ clusterId, namespace }: ClusterName): string {
  return printable(namespace === null ? `${clusterId}` : `${namespace}/${clusterId}`);
}
