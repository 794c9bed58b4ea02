/** Which objects of a job are missing or changed, and which it has no use for any more. Pure: reads copies. */
import { keyOf, type StoreReader } from '../../controller/index.ts';
import { CONFIG_MAPS, type KubeObject, type ResourceDef } from '../../kube/index.ts';
import { belongsTo, type Child, childName, isAsMade } from './children.ts';
import type { ChildSeen, FlinkJobFacts, RevisionOnRecord } from './facts.ts';

export interface ChildrenLook {
  /** All there should be. */
  readonly wanted: readonly Child[];
  /** What there is, by kind. */
  readonly copies: ReadonlyMap<ResourceDef, { readonly store: StoreReader<KubeObject, 'owner'> }>;
  /** Revisions on record: their specs stay, to go back to. */
  readonly revisions: ReadonlyMap<string, RevisionOnRecord>;
  readonly uid: string;
  /** Names of those that were made or removed just now, whatever the copies say. */
  readonly done: ReadonlySet<string>;
}

export function childrenSeen({
  wanted,
  copies,
  revisions,
  uid,
  done,
}: ChildrenLook): Pick<FlinkJobFacts, 'unmet' | 'surplus'> {
  const unmet = wanted.filter(({ kind, manifest, name }) => {
    const live = copies.get(kind)?.store.get(keyOf(manifest.metadata));
    if (live === undefined) return !done.has(name);
    return !belongsTo(live, uid) || !(done.has(name) || isAsMade(live, manifest));
  });
  const known = new Set(wanted.map(({ name }) => name));
  for (const revision of revisions.keys()) known.add(childName(CONFIG_MAPS, revision));
  const surplus = [...copies].flatMap(([kind, { store }]) =>
    store.byIndex('owner', uid).flatMap((object) => childSeen(kind, object)),
  );
  return {
    unmet: unmet.map(({ name }) => name),
    surplus: surplus.filter(({ name }) => !known.has(name) && !done.has(name)),
  };
}

/** One that is on its way out is not seen. */
function childSeen(kind: ResourceDef, { metadata = {} }: KubeObject): ChildSeen[] {
  const { namespace = '', name = '', uid = '', deletionTimestamp } = metadata;
  return deletionTimestamp === undefined ? [{ name: childName(kind, name), kind, ref: { namespace, name }, uid }] : [];
}
