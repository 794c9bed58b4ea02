/** Single things that are known of a FlinkJob, one by one: what its spec says, a pod, how it ended, what it wrote, a checkpoint. */
import { resolveFlinkJob, semanticSpec, validateFlinkJob } from '../../src/api/index.ts';
import type { TerminationRecord } from '../../src/lib/exit-codes.ts';
import type {
  CheckpointSeen,
  Desired,
  OperatorSettings,
  PodEnd,
  PodSeen,
} from '../../src/reconcilers/flinkjob/facts.ts';
import { revisionName } from '../../src/reconcilers/flinkjob/revisions.ts';

/** When the stories begin. */
export const T0 = Date.parse('2026-11-21T10:00:00Z');
export const UID = '7d0f9f3e-0b8e-4d0e-9a55-1c2a5a2b1f00';
export const JOB_ID = 'a'.repeat(32);

/** Round numbers that no two of are the same. */
export const SETTINGS: OperatorSettings = {
  image: 'example.org/runtime:1.0.0',
  workers: 1,
  restPollMs: 10_000,
  restTimeoutMs: 2_000,
  stabilityMs: 120_000,
  upgradeDeadlineMs: 600_000,
  savepointDeadlineMs: 300_000,
  readyHysteresisMs: 60_000,
  checkpointStatusMs: 600_000,
  network: { operatorNamespace: 'operators', apiServer: [] },
};

/** As it is written. */
export type Spec = Readonly<Record<string, unknown>>;

/** What a spec says, as a look at the resource finds it. */
export function desiredOf(spec: Spec, name = 'flights'): Desired {
  const metadata = { namespace: 'default', name };
  const { job, violations } = validateFlinkJob({
    apiVersion: 'flinkjob.dev/v1alpha1',
    kind: 'FlinkJob',
    metadata,
    spec,
  });
  if (job === undefined) return { is: 'invalid', violations, isOrphan: false };
  const semantic = semanticSpec(job.spec);
  const settings = resolveFlinkJob({ ...job, metadata: { ...metadata, uid: UID } });
  return { is: 'valid', job, settings, semantic, revision: revisionName(name, semantic) };
}

/** A pod that is up, ready, and reachable. */
export function aPod(more: Partial<PodSeen> = {}): PodSeen {
  const { attempt = 1, index = 0 } = more;
  const name = `flights-${attempt}-${index}`;
  return {
    name,
    uid: `uid-of-${name}`,
    attempt,
    index,
    ip: `10.0.${attempt}.${index + 1}`,
    node: 'node-1',
    isReady: more.end === undefined && more.isDeleting !== true,
    isDeleting: false,
    isForced: false,
    goneBy: undefined,
    end: undefined,
    trouble: undefined,
    ...more,
  };
}

/** How a pod ended, at `T0` unless said otherwise. */
export function anEnd(end: Partial<PodEnd>): PodEnd {
  return { takenFromOutside: false, exitCode: undefined, signal: undefined, record: undefined, at: T0, ...end };
}

/** What a process of an attempt wrote when it ended. */
export function aRecord(
  outcome: TerminationRecord['outcome'],
  more: Partial<TerminationRecord> = {},
): TerminationRecord {
  const exitCodes = { finished: 0, stoppedWithSavepoint: 0, failed: 10, lostLeadership: 12, invalid: 13, stopped: 14 };
  const savepoint = outcome === 'stoppedWithSavepoint' ? { savepoint: 's3://bucket/jobs/savepoint-1' } : {};
  return { exitCode: exitCodes[outcome], attempt: 1, epoch: 2, outcome, ...savepoint, ...more };
}

export const FINISHED = anEnd({ exitCode: 0, record: aRecord('finished') });
export const STOPPED_WITH_SAVEPOINT = anEnd({ exitCode: 0, record: aRecord('stoppedWithSavepoint') });
export const FAILED = anEnd({ exitCode: 10, record: aRecord('failed', { cause: 'the map threw' }) });
export const KILLED = anEnd({ exitCode: 137, signal: 'SIGKILL' });
export const EVICTED = anEnd({ takenFromOutside: true });

export function aCheckpoint(more: Partial<CheckpointSeen> = {}): CheckpointSeen {
  return { id: 7, uri: `s3://bucket/jobs/${JOB_ID}/chk-7-2-aa`, bytes: 1_024, tookMs: 80, at: T0, ...more };
}
