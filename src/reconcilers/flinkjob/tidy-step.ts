/**
 * What nobody needs any more goes, when nothing else is to be done: revisions beyond the limit, pods that ended long ago, and of a
 * job that has ended all pods, if `spec.cleanupPolicy` says so. Pure.
 */
import { endOfJob, type Ledger, type LedgerView } from '../../ha/index.ts';
import type { FlinkJobFacts, PodSeen } from './facts.ts';
import { deletionOf } from './pods-step.ts';
import { obsoleteRevisions } from './revisions.ts';
import type { Step } from './step.ts';

/** Pods that ended are kept for `kubectl logs`: of the newest attempts, and of each the newest. */
const ATTEMPTS_KEPT = 2;
const PODS_KEPT = 8;

export function tidyStep(facts: FlinkJobFacts, ledger: Ledger): Step | undefined {
  return tidyPods(facts, ledger) ?? tidyRevisions(facts, ledger) ?? tidyChildren(facts);
}

/** Also what was asked for and is not any more: a budget for standbys that are gone would hold up every drain. */
function tidyChildren({ surplus }: FlinkJobFacts): Step | undefined {
  return surplus.length === 0 ? undefined : { do: 'deleteChildren', children: surplus };
}

/** Of a job that is down for good, until somebody asks for more: its last pods are there for their logs alone. */
export function tidyEndedStep(facts: FlinkJobFacts, view: LedgerView): Step | undefined {
  return endedPodsGone(facts, view) ?? tidyStep(facts, view.ledger);
}

function endedPodsGone({ desired, pods }: FlinkJobFacts, view: LedgerView): Step | undefined {
  const left = pods.filter(({ end, isDeleting }) => end !== undefined && !isDeleting);
  // Pods of a spec that cannot be read are kept: somebody has to find out.
  if (left.length === 0 || desired.is === 'invalid') return undefined;
  const { afterJobSucceeds, afterJobFails, afterJobCancelled } = desired.job.spec.cleanupPolicy;
  const { ledger, snapshot } = view;
  const isCancelled = endOfJob(snapshot.entries, ledger.life?.jobId ?? '') === 'CANCELED';
  const ended = isCancelled ? afterJobCancelled : afterJobSucceeds;
  const policy = ledger.gaveUp === undefined ? ended : afterJobFails;
  // TaskManagers are pods of Apache Flink; without them there is nothing for DeleteTaskManager to delete.
  return policy === 'DeleteCluster' ? deletionOf(left, pods) : undefined;
}

function tidyPods({ pods }: FlinkJobFacts, { attempts }: Ledger): Step | undefined {
  const newest = attempts.at(-1)?.number ?? 0;
  const ended = pods.filter(({ end, isDeleting }) => end !== undefined && !isDeleting);
  const old = ended.filter((pod) => newest - pod.attempt >= ATTEMPTS_KEPT || youngerThan(pod, ended) >= PODS_KEPT);
  return old.length === 0 ? undefined : { do: 'deletePods', attempts: [], pods: old };
}

function youngerThan({ attempt, index }: PodSeen, pods: readonly PodSeen[]): number {
  return pods.filter((pod) => pod.attempt === attempt && pod.index > index).length;
}

function tidyRevisions({ desired, revisions }: FlinkJobFacts, ledger: Ledger): Step | undefined {
  if (desired.is === 'invalid') return undefined;
  const { stable, bad } = ledger.revisions ?? {};
  const inUse = ledger.attempts.at(-1)?.revision;
  const needed = new Set([desired.revision, stable, bad, inUse]);
  const names = obsoleteRevisions(revisions, needed, desired.job.spec.revisionHistoryLimit);
  return names.length === 0 ? undefined : { do: 'deleteRevisions', names };
}
