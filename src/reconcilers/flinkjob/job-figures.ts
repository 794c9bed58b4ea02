/** What is measured of a job, from its status and from what was seen of it since the status was written. Pure. */
import type { FlinkJobStatus } from '../../api/index.ts';
import type { FlinkJobFacts } from './facts.ts';
import type { JobFigures } from './job-metrics.ts';

/** The figures of one job. `status` is the one that follows from the facts. */
export function jobFigures(facts: FlinkJobFacts, status: FlinkJobStatus): JobFigures {
  const { object, rest } = facts;
  const { checkpoint, parallelism, revision, lastError } = status;
  // REST knows the newest one; status is renewed now and then.
  const seen = rest.is === 'answered' ? rest.checkpoint : undefined;
  const known = checkpoint?.latest;
  const completedAt = seen?.at ?? (known?.completed === undefined ? undefined : Date.parse(known.completed));
  const bytes = seen?.bytes ?? known?.bytes ?? 0;
  const version = versionOf(facts, revision);
  return {
    namespace: object.namespace,
    name: object.name,
    runtime: status.runtime ?? 'typescript',
    phase: status.phase ?? 'Pending',
    restarts: status.restarts?.count ?? 0,
    failedCheckpoints: checkpoint?.failed ?? 0,
    ...(completedAt !== undefined && { lastCheckpoint: { completedAt, bytes } }),
    ...(parallelism !== undefined && { parallelism }),
    ...(version !== undefined && { version }),
    ...(revision !== undefined && { revision }),
    ...(lastError !== undefined && { errorCode: lastError.code }),
    unhealthyPods: unhealthyPodsOf(facts),
    savepoints: savepointsOf(status),
  };
}

function versionOf({ desired, revisions }: FlinkJobFacts, revision: string | undefined): string | undefined {
  const flink = desired.is === 'valid' ? desired.settings.flink?.version : undefined;
  return flink ?? (revision === undefined ? undefined : revisions.get(revision)?.image);
}

function unhealthyPodsOf({ pods }: FlinkJobFacts): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { trouble, end } of pods) {
    const reason = trouble?.reason ?? (end?.signal === 'OOMKilled' ? end.signal : undefined);
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function savepointsOf({ savepoints = [] }: FlinkJobStatus): JobFigures['savepoints'] {
  return savepoints.flatMap(({ trigger, uri, state }, index) => {
    if (state !== 'Completed' && state !== 'Failed' && state !== 'Expired') return [];
    const id = trigger === undefined ? (uri ?? String(savepoints.length - index)) : String(trigger);
    return [{ id, outcome: state === 'Completed' ? ('completed' as const) : ('failed' as const) }];
  });
}
