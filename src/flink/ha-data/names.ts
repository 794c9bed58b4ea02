/** The names in Apache Flink's Kubernetes HA data: of ConfigMaps, of their keys, labels and annotations. */
import type { FlinkLine } from './flink-lines.ts';

/** Holds the lease record, as client-go and fabric8 write it into a ConfigMap. */
export const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
/** The id that the next checkpoint gets. */
export const COUNTER_KEY = 'counter';

const LEADER_PREFIX = 'org.apache.flink.k8s.leader.';
const CHECKPOINT_PREFIX = 'checkpointID-';
const PLAN = /^(?:jobGraph|executionPlan)-/;
const JOB_ID = /^[0-9a-f]{32}$/;

/** Whether this is an id as Flink's JobID prints it. */
export const isFlinkJobId = (text: string): boolean => JOB_ID.test(text);

export const clusterConfigMapName = (clusterId: string): string => `${clusterId}-cluster-config-map`;
export const jobConfigMapName = (clusterId: string, jobId: string): string => `${clusterId}-${jobId}-config-map`;

/** What a ConfigMap is for, from its name alone. */
export type ConfigMapRole =
  | { readonly role: 'cluster'; readonly clusterId: string }
  | { readonly role: 'job'; readonly clusterId: string; readonly jobId: string }
  /** Flink 1.12 to 1.14: one component, or the JobMaster of one job. */
  | { readonly role: 'component'; readonly clusterId: string; readonly componentId: string; readonly jobId?: string };

/** The role of a ConfigMap; undefined for one that Flink's HA has nothing to do with. */
export function roleOfConfigMap(name: string): ConfigMapRole | undefined {
  const job = /^(.+)-([0-9a-f]{32})-config-map$/.exec(name);
  if (job !== null) return { role: 'job', clusterId: job[1] ?? '', jobId: job[2] ?? '' };
  const cluster = /^(.+)-cluster-config-map$/.exec(name);
  if (cluster !== null) return { role: 'cluster', clusterId: cluster[1] ?? '' };
  const jobMaster = /^(.+)-([0-9a-f]{32})-jobmanager-leader$/.exec(name);
  if (jobMaster !== null) {
    const [, clusterId = '', jobId = ''] = jobMaster;
    return { role: 'component', clusterId, componentId: jobId, jobId };
  }
  const component = /^(.+)-(resourcemanager|dispatcher|restserver)-leader$/.exec(name);
  return component === null
    ? undefined
    : { role: 'component', clusterId: component[1] ?? '', componentId: component[2] ?? '' };
}

/** The labels that Flink gives its ConfigMaps. */
export function haLabels(clusterId: string, line: FlinkLine): Record<string, string> {
  return {
    app: clusterId,
    type: 'flink-native-kubernetes',
    ...(line.hasTypeLabel ? { 'configmap-type': 'high-availability' } : {}),
  };
}

export const leaderKey = (componentId: string): string => LEADER_PREFIX + componentId;
/** The component in the name of a leader key; undefined for other keys. */
export const componentIdOfKey = (key: string): string | undefined =>
  key.startsWith(LEADER_PREFIX) ? key.slice(LEADER_PREFIX.length) : undefined;

/** The component id of a JobMaster. */
export const jobComponentId = (jobId: string, line: FlinkLine): string => line.jobComponentPrefix + jobId;
/** The job in a component id, of every line; undefined for other components. */
export function jobIdOfComponent(componentId: string): string | undefined {
  const jobId = componentId.replace(/^job-/, '');
  return isFlinkJobId(jobId) ? jobId : undefined;
}

/** `checkpointID-` and 19 digits, so that names sort as the ids do. */
export const checkpointKey = (checkpointId: number): string =>
  CHECKPOINT_PREFIX + String(checkpointId).padStart(19, '0');
export const isCheckpointKey = (key: string): boolean => key.startsWith(CHECKPOINT_PREFIX);
/** The id in the name of a checkpoint; undefined when there is none that can be counted. */
export function checkpointIdOfKey(key: string): number | undefined {
  const digits = key.slice(CHECKPOINT_PREFIX.length);
  const id = /^\d{1,19}$/.test(digits) ? Number(digits) : Number.NaN;
  return isCheckpointKey(key) && Number.isSafeInteger(id) ? id : undefined;
}

/** The key of a stored job. */
export const planKey = (jobId: string, line: FlinkLine): string => line.planPrefix + jobId;
export const isPlanKey = (key: string): boolean => PLAN.test(key);
/** The job in the name of a stored job, of every line; undefined for what is no job id. */
export function jobIdOfPlanKey(key: string): string | undefined {
  const jobId = key.replace(PLAN, '');
  return isPlanKey(key) && isFlinkJobId(jobId) ? jobId : undefined;
}
