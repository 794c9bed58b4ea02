/**
 * One writer at a time: on the object of a job no write of an old leader is accepted after the first one of a newer leader.
 * Judged by the server's own record, not by what the processes believe.
 */
import type { AuditEvent } from '../cluster/index.ts';

/** A write that the server accepted. */
export interface AcceptedWrite {
  /** The user who sent it. Each process has a name of its own and leads at most once. */
  readonly sender: string;
  /** Of the object: one that was made anew is another one. */
  readonly uid?: string | undefined;
  /** The order in which the server accepted writes. */
  readonly resourceVersion: number;
  /** Of the object after the write. */
  readonly epoch: number;
}

/** The writes to one ConfigMap that were accepted, in the order in which they were. */
export function acceptedWrites(
  events: readonly AuditEvent[],
  ref: { readonly namespace: string; readonly name: string },
): AcceptedWrite[] {
  return events
    .filter(({ verb, objectRef, responseStatus }) => {
      const isThis = objectRef?.resource === 'configmaps' && objectRef.name === ref.name;
      return isThis && objectRef.namespace === ref.namespace && verb === 'patch' && responseStatus?.code === 200;
    })
    .map(({ user, responseObject }) => ({
      sender: user.username,
      uid: responseObject?.metadata?.uid,
      resourceVersion: Number(responseObject?.metadata?.resourceVersion),
      epoch: Number(responseObject?.metadata?.annotations?.['flinkjob.dev/epoch']),
    }))
    .sort((left, right) => left.resourceVersion - right.resourceVersion);
}

/** What was accepted of a leader although a newer one had written already. */
export function writesOfOldLeaders(writes: readonly AcceptedWrite[]): AcceptedWrite[] {
  const replaced = new Set<string>();
  let current: string | undefined;
  return writes.filter(({ sender }) => {
    if (replaced.has(sender)) return true;
    if (current !== undefined && current !== sender) replaced.add(current);
    current = sender;
    return false;
  });
}
