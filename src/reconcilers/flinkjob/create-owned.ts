/** Making objects of a job: whose they are, what stands in the way, and where nothing can be made any more. */
import { controllerOf, keyOf, type TrackedClient } from '../../controller/index.ts';
import { ApiError, FLINK_JOBS, type KubeObject, LEASES, type ResourceDef } from '../../kube/index.ts';
import { causeChain } from '../../lib/errors.ts';
import { objectNames } from '../../resources/index.ts';
import { belongsTo } from './children.ts';
import { NameConflictError, ReconcileError } from './errors.ts';
import type { JobObject } from './facts.ts';

/**
 * Makes an object. One that is there already is as good, if it belongs to this FlinkJob. What an earlier FlinkJob of the name
 * left is removed: the garbage collector would do it too, later.
 */
export async function createOwned<T extends KubeObject>(
  client: TrackedClient,
  kind: ResourceDef<T>,
  object: T,
  uid: string,
): Promise<{ readonly object: T; readonly wasThere: boolean }> {
  try {
    return { object: await client.create(kind, object), wasThere: false };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isAlreadyExists) throw error;
  }
  const { namespace = '', name = '' } = object.metadata ?? {};
  const live = await client.get(kind, { namespace, name });
  if (live !== undefined && belongsTo(live, uid)) return { object: live, wasThere: true };
  const left = live === undefined ? undefined : controllerOf(live);
  const ours = controllerOf(object);
  if (live !== undefined && (left?.kind !== ours?.kind || left?.name !== ours?.name)) {
    throw new NameConflictError(kind.kind, keyOf({ namespace, name }));
  }
  await isCurrent(client, { namespace, name: ours?.name ?? '' }, uid);
  const preconditions = live?.metadata?.uid === undefined ? {} : { preconditions: { uid: live.metadata.uid } };
  if (live !== undefined) await client.delete(kind, { namespace, name }, preconditions);
  throw new ReconcileError(
    'LEFTOVER_REMOVED',
    `${kind.kind} ${keyOf({ namespace, name })} was left by an earlier FlinkJob of this name and is being removed`,
    undefined,
  );
}

/** Whose the name is now, the server says: what is in the way may belong to a FlinkJob that came after the one we know. */
async function isCurrent(
  client: TrackedClient,
  ref: { readonly namespace: string; readonly name: string },
  uid: string,
): Promise<void> {
  const current = await client.get(FLINK_JOBS, ref);
  if (current?.metadata?.uid === uid) return;
  throw new ReconcileError('JOB_REPLACED', `FlinkJob ${keyOf(ref)} is not the one that was looked at`, undefined);
}

/** Whether something failed only because nothing can be made in its namespace any more. */
export function saysTerminating(error: unknown): boolean {
  return causeChain(error).some(
    (each) => each instanceof ApiError && each.isForbidden && each.causes.some(({ reason }) => reason === TERMINATING),
  );
}

const TERMINATING = 'NamespaceTerminating';

/** Asks for an object that is there, and not in earnest: what the server says first is whether anything can be made. */
export async function isTerminating({ namespace, name }: JobObject, { untracked }: TrackedClient): Promise<boolean> {
  const lease = { metadata: { namespace, name: objectNames(name).lease } };
  try {
    await untracked.client.create(LEASES, lease, { signal: untracked.signal, dryRun: true });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return saysTerminating(error);
  }
  return false;
}
