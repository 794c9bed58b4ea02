/** What the releases of Apache Flink do differently in Kubernetes HA data, as one table. */
import { MARKER_UIDS, type MarkerUid } from '../wire/java-classes.ts';

/** Releases that write HA data alike. */
export interface FlinkLine {
  readonly name: '1.12-1.14' | '1.15-1.17' | '1.18' | '1.19-1.20' | '2.0+';
  /** The releases known of it, as `major.minor`. The last line goes on. */
  readonly minors: readonly string[];
  /** One ConfigMap for each component, or one for the cluster and one for each job. */
  readonly layout: 'perComponent' | 'clusterAndJobs';
  /** Of the values; undefined where handles have no delete marker. */
  readonly markerUid: MarkerUid | undefined;
  /** What the entry of a stored job is called. */
  readonly planPrefix: 'jobGraph-' | 'executionPlan-';
  /** What stands before the job id in the component id of a JobMaster. */
  readonly jobComponentPrefix: '' | 'job-';
  /** How the duration of the lease is written into the annotation. */
  readonly leaseDuration: 'seconds' | 'iso';
  /** Whether ConfigMaps have the label configmap-type. */
  readonly hasTypeLabel: boolean;
}

const [UID_OF_1_15, UID_OF_1_19] = MARKER_UIDS;

const OF_1_15: FlinkLine = {
  name: '1.15-1.17',
  minors: ['1.15', '1.16', '1.17'],
  layout: 'clusterAndJobs',
  markerUid: UID_OF_1_15,
  planPrefix: 'jobGraph-',
  jobComponentPrefix: '',
  leaseDuration: 'seconds',
  hasTypeLabel: true,
};

const OF_1_19: FlinkLine = {
  ...OF_1_15,
  name: '1.19-1.20',
  minors: ['1.19', '1.20'],
  markerUid: UID_OF_1_19,
  jobComponentPrefix: 'job-',
};

/** All lines, oldest first. */
export const FLINK_LINES: readonly FlinkLine[] = [
  { ...OF_1_15, name: '1.12-1.14', minors: ['1.12', '1.13', '1.14'], layout: 'perComponent', markerUid: undefined },
  OF_1_15,
  { ...OF_1_15, name: '1.18', minors: ['1.18'] },
  OF_1_19,
  {
    ...OF_1_19,
    name: '2.0+',
    minors: ['2.0', '2.1', '2.2', '2.3'],
    planPrefix: 'executionPlan-',
    leaseDuration: 'iso',
    hasTypeLabel: false,
  },
];

/** The line of a release such as `1.20` or `2.3.0`; undefined for releases before 1.12 and for what is no version. */
export function flinkLineOf(version: string): FlinkLine | undefined {
  const match = /^(\d+)\.(\d+)(?:[.-]|$)/.exec(version);
  if (match === null) return undefined;
  const [, major = '', minor = ''] = match;
  const known = FLINK_LINES.find(({ minors }) => minors.includes(`${Number(major)}.${Number(minor)}`));
  // What comes after the last release known is taken to write what that one writes.
  return known ?? (Number(major) >= 2 ? FLINK_LINES.at(-1) : undefined);
}
