/** Everything that `flinkjob status` looks at on a cluster, gathered once. What may not be seen is said, and left out. */

import { LABELS } from '../../api/index.ts';
import type { CheckpointingStatistics } from '../../flink/index.ts';
import { ApiError, type FlinkJobObject, PODS, type Pod } from '../../kube/index.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { type EventReport, eventsOf } from './event-report.ts';
import { type ClusterJob, PATIENCE_MS, readJob } from './open-cluster.ts';
import { inRestWords, restClient } from './rest-proxy.ts';

/** What was seen of a job. */
export interface JobSeen {
  readonly job: FlinkJobObject;
  readonly pods: readonly Pod[];
  readonly events: readonly EventReport[];
  /** From the job itself: newer than what stands in status. */
  readonly checkpoints: CheckpointingStatistics | undefined;
  /** What could not be seen, and why. */
  readonly notes: readonly string[];
}

/** A REST API that does not answer at once is not waited for: status has what is needed. */
const REST_WITHIN_MS = 3_000;

/** Looks once. @throws ClusterJobError when there is no such job, or the cluster cannot be asked */
export async function lookAtJob(job: ClusterJob): Promise<JobSeen> {
  const found = await readJob(job);
  return { job: found, ...(await surroundings(job, found)) };
}

/** What is around a FlinkJob that was read already. */
export async function surroundings(job: ClusterJob, found: FlinkJobObject): Promise<Omit<JobSeen, 'job'>> {
  const notes: string[] = [];
  const [pods, events, checkpoints] = await Promise.all([
    podsOf(job, notes),
    eventsOf(job),
    liveCheckpoints(job, found, notes),
  ]);
  if (!events.isSeen) notes.push(events.why);
  return { pods, events: events.isSeen ? events.events : [], checkpoints, notes };
}

/** The pods of a job. */
export async function podsOf(job: ClusterJob, notes: string[]): Promise<readonly Pod[]> {
  const { client, namespace, name, signal } = job;
  const labelSelector = podLabels(name);
  try {
    return (await client.list(PODS, { namespace, labelSelector, signal, deadlineMs: PATIENCE_MS })).items;
  } catch (error) {
    if (!(error instanceof ApiError && error.isForbidden)) throw error;
    notes.push(`pods may not be listed in namespace ${namespace}`);
    return [];
  }
}

/** Selects the pods of a job. */
export function podLabels(name: string): string {
  return `${LABELS.job}=${name},${LABELS.component}=job-manager`;
}

async function liveCheckpoints(
  job: ClusterJob,
  { status }: FlinkJobObject,
  notes: string[],
): Promise<CheckpointingStatistics | undefined> {
  if (status?.phase !== 'Running' || status.jobId === undefined) return undefined;
  try {
    return await restClient(job, { timeoutMs: REST_WITHIN_MS }).checkpoints(status.jobId, job.signal);
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    const said = inRestWords(error, job);
    const why =
      said instanceof FlinkJobError && said.code === 'CLUSTER_FORBIDDEN'
        ? 'you may not get services/proxy'
        : 'its REST API did not answer';
    notes.push(`checkpoints are those of the last status, up to 10 minutes old: ${why}`);
    return undefined;
  }
}
