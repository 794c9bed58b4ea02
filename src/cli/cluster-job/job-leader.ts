/** Who leads a job on a cluster, or the error that says why nobody does. Pure. */
import type { FlinkJobObject } from '../../kube/index.ts';
import { ClusterJobError } from './errors.ts';
import { standsStill, titleOf, whyOf } from './progress.ts';

/** The pod that leads, and the job's id. */
export interface Lead {
  readonly jobId: string;
  readonly leader: string;
}

/** @throws ClusterJobError when the job does not run, or nobody leads it now */
export function leadOf(job: FlinkJobObject, now: number): Lead {
  const still = standsStill(job, now);
  if (still !== undefined) throw still;
  const { jobId, attempt } = job.status ?? {};
  const leader = attempt?.leader;
  if (jobId !== undefined && leader !== undefined && leader !== '') return { jobId, leader };
  throw new ClusterJobError(
    'CLUSTER_NO_LEADER',
    `nobody leads job ${titleOf(job)} at this moment (${job.status?.phase ?? 'Pending'}). ${whyOf(job, now)}`,
    { retryable: true },
  );
}
