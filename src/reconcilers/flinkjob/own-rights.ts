/**
 * Keeps what the operator may do in a namespace until no FlinkJob is left there. A namespace that is deleted loses all of its
 * objects at once, the operator's Role and RoleBinding among them; whoever then had to take the finalizers off the FlinkJobs
 * might do so no more, and the namespace would wait for ever. So both bear a finalizer while there is a FlinkJob:
 *
 *     first FlinkJob seen ──► finalizer on Role and RoleBinding
 *     last one gone ────────► off both at once: where one is gone the other can be written no more, so the server lets both
 *                             writes in before it is sent what they write
 *
 * Looked at when a term begins, and when a namespace gets its first FlinkJob or loses its last one; a crash leaves a finalizer
 * that the next term takes off. A ClusterRole does not go with a namespace: an operator of all namespaces needs none of this.
 */
import { RIGHTS_FINALIZER } from '../../api/index.ts';
import {
  Controller,
  type ControllerOptions,
  type Informer,
  keyOf,
  type ObjectKey,
  refOf,
  type Source,
  type TrackedClient,
} from '../../controller/index.ts';
import {
  type FlinkJobObject,
  type JsonPatchOperation,
  type KubeObject,
  type ObjectRef,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
} from '../../kube/index.ts';
import { OPERATOR_NAME } from '../../resources/index.ts';

/** What the keeping of rights is made of. */
export interface OwnRightsOptions extends Omit<ControllerOptions, 'name' | 'sources' | 'reconcile' | 'workers'> {
  /** The copies of FlinkJobs, by namespace. */
  readonly jobs: ReadonlyMap<string, Informer<FlinkJobObject>>;
}

/** Both heads are with the server by then, and let in. */
const TOGETHER_MS = 500;

/** Follow rbac/v1. */
const KINDS: readonly ResourceDef[] = [ROLES, ROLE_BINDINGS];

/** The controller; its keys are those of the Roles. */
export function ownRightsController({ jobs, ...options }: OwnRightsOptions): Controller {
  const kept = new Map<string, boolean>();
  return new Controller({
    ...options,
    name: 'own-rights',
    workers: 1,
    sources: [...jobs].map(([namespace, informer]) => namespaceOf(namespace, informer)),
    reconcile: async (key, { client }) => {
      const { namespace = '', name } = refOf(key);
      const hasJobs = (jobs.get(namespace)?.store.size ?? 0) > 0;
      // Other FlinkJobs come and go.
      if (kept.get(namespace) === hasJobs) return undefined;
      await keepRights(client, { namespace, name }, hasJobs);
      kept.set(namespace, hasJobs);
      return undefined;
    },
  });
}

/** Holds Role and RoleBinding of this name, or lets go of them. What is not there, or is as it should be, is left alone. */
export async function keepRights(
  client: Pick<TrackedClient, 'get' | 'jsonPatch'>,
  ref: ObjectRef,
  hasJobs: boolean,
): Promise<void> {
  const found = await Promise.all(KINDS.map(async (kind) => ({ kind, object: await client.get(kind, ref) })));
  const changes = found.flatMap(({ kind, object }) => {
    const operations = object === undefined ? [] : changeOf(object, hasJobs);
    return operations.length === 0 ? [] : [{ kind, operations }];
  });
  await Promise.all(
    changes.map(({ kind, operations }) => client.jsonPatch(kind, ref, operations, { bodyAfterMs: TOGETHER_MS })),
  );
}

/**
 * Nothing where all is as it should be, and where it cannot be: what is being deleted takes no finalizer any more. Not of a
 * version: the namespace may ask for the deletion of one of them while both are under way, and then only the other would be
 * written. Nor would the server see that finalizers alone are changed, and let it in without looking at the rights again.
 */
function changeOf({ metadata = {} }: KubeObject, hasJobs: boolean): JsonPatchOperation[] {
  const { finalizers = [], uid, deletionTimestamp } = metadata;
  const at = finalizers.indexOf(RIGHTS_FINALIZER);
  if (at >= 0 === hasJobs || (hasJobs && deletionTimestamp !== undefined)) return [];
  const path = '/metadata/finalizers';
  const isMeant = { op: 'test', path: '/metadata/uid', value: uid } as const;
  if (!hasJobs) {
    return [
      isMeant,
      { op: 'test', path: `${path}/${at}`, value: RIGHTS_FINALIZER },
      { op: 'remove', path: `${path}/${at}` },
    ];
  }
  if (finalizers.length > 0) return [isMeant, { op: 'add', path: `${path}/-`, value: RIGHTS_FINALIZER }];
  return [isMeant, { op: 'add', path, value: [RIGHTS_FINALIZER] }];
}

/** Looked at once in any case: the last FlinkJob may have gone while nobody led. */
function namespaceOf(namespace: string, informer: Informer<FlinkJobObject>): Source {
  const key: ObjectKey = keyOf({ namespace, name: OPERATOR_NAME });
  return {
    view: informer,
    whenSynced: informer.whenSynced,
    start(add) {
      add(key, 0);
      return informer.addHandler({
        onAdd: () => add(key, 0),
        onUpdate: () => {},
        onDelete: () => add(key, 0),
      });
    },
  };
}
