/**
 * The only writes of these commands: two fields of a FlinkJob's spec, `triggers` and `state`. A change is computed from the
 * resource as it was read and is refused by the server when somebody else wrote in between; then it is computed anew.
 */
import { ApiError, FLINK_JOBS, type FlinkJobObject } from '../../kube/index.ts';
import { type ClusterJob, PATIENCE_MS, readJob } from './open-cluster.ts';
import { specOf, type TriggerName, triggerOf } from './status-report.ts';

/** More rivals than this are not met; the operator writes seldom. */
const MOST_TRIES = 10;

/** The resource after the change, and the number that was asked for. */
export interface AskedTrigger {
  readonly number: number;
  readonly job: FlinkJobObject;
}

/**
 * Asks once more for a savepoint or a restart. The number is above every one that was asked for or handled, so that neither
 * an older number that a tool puts back nor a lost answer asks twice.
 * @param check looks at the resource first; throws where asking makes no sense
 */
export async function askTrigger(
  where: ClusterJob,
  trigger: TriggerName,
  check: (job: FlinkJobObject) => void,
): Promise<AskedTrigger> {
  let lost: number | undefined;
  for (let tries = 1; ; tries += 1) {
    const found = await readJob(where);
    const { asked, handled } = triggerOf(found, trigger);
    // The answer to the last try was lost, and yet it was carried out.
    if (lost !== undefined && asked >= lost) return { number: lost, job: found };
    check(found);
    const number = Math.max(asked, handled) + 1;
    try {
      return { number, job: await patch(where, found, { triggers: { [trigger]: number } }) };
    } catch (error) {
      if (!mayTryAgain(error, tries)) throw error;
      lost = error.outcome === 'unknown' ? number : undefined;
    }
  }
}

/** Makes `spec.state` be so; the resource as it is then. Where it is so already nothing is written. */
export async function setState(
  where: ClusterJob,
  state: 'Running' | 'Suspended',
  check: (job: FlinkJobObject) => void,
): Promise<FlinkJobObject> {
  for (let tries = 1; ; tries += 1) {
    const found = await readJob(where);
    if ((specOf(found).state ?? 'Running') === state) return found;
    check(found);
    try {
      return await patch(where, found, { state });
    } catch (error) {
      if (!mayTryAgain(error, tries)) throw error;
    }
  }
}

/** A merge patch for exactly the version that was read. */
function patch(where: ClusterJob, found: FlinkJobObject, spec: object): Promise<FlinkJobObject> {
  const { client, namespace, name, signal } = where;
  const { resourceVersion, uid } = found.metadata ?? {};
  const change = { metadata: { resourceVersion, uid }, spec };
  return client.mergePatch(FLINK_JOBS, { namespace, name }, change, { signal, deadlineMs: PATIENCE_MS });
}

/** Somebody else was first, or nobody knows: in both cases it is read again. */
function mayTryAgain(error: unknown, tries: number): error is ApiError {
  return error instanceof ApiError && tries < MOST_TRIES && (error.isConflict || error.outcome === 'unknown');
}
