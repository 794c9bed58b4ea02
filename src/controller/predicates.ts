/**
 * Which updates are worth a look. What was added or deleted always is. Level-triggered work may be woken too often and loses
 * nothing; woken too rarely it stands still: when in doubt, `anyChange`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../kube/index.ts';

/** Whether an update is worth a look. Never throws. */
export type Predicate<T> = (old: T, fresh: T) => boolean;

/** Every new version. For objects whose status others write: pods. */
export const anyChange: Predicate<KubeObject> = () => true;

/** The spec changed, or deletion was asked for; kinds without a generation (ConfigMap, Pod) never say so. */
export const generationChanged: Predicate<KubeObject> = (old, fresh) =>
  old.metadata?.generation !== fresh.metadata?.generation;

/** Labels or annotations changed; they do not raise the generation. */
export const markingsChanged: Predicate<KubeObject> = (old, fresh) =>
  !isDeepStrictEqual(old.metadata?.labels, fresh.metadata?.labels) ||
  !isDeepStrictEqual(old.metadata?.annotations, fresh.metadata?.annotations);

/** Deletion was asked for. */
export const deletionAsked: Predicate<KubeObject> = (old, fresh) =>
  old.metadata?.deletionTimestamp !== fresh.metadata?.deletionTimestamp;

/** Anything but the status, and what the server counts: for objects that are only to be as they were made. */
export const contentChanged: Predicate<KubeObject> = (old, fresh) =>
  markingsChanged(old, fresh) ||
  deletionAsked(old, fresh) ||
  !isDeepStrictEqual(old.metadata?.ownerReferences, fresh.metadata?.ownerReferences) ||
  !isDeepStrictEqual(withoutStatus(old), withoutStatus(fresh));

function withoutStatus({ metadata: _, ...object }: KubeObject & { readonly status?: unknown }): object {
  const { status: __, ...content } = object;
  return content;
}

/** Any of several. */
export function anyOf<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (old, fresh) => predicates.some((predicate) => predicate(old, fresh));
}

/** What a person or a tool asks for changed; a controller's own writes of status are none of that. */
export const intentChanged: Predicate<KubeObject> = anyOf(generationChanged, markingsChanged, deletionAsked);
