/**
 * Revisions of a job's spec: what a restart would be for, under a name that is its hash. A ControllerRevision keeps it, with
 * the image settled, so that another version of the operator changes no job, and a rollback finds what it goes back to.
 */
import { createHash } from 'node:crypto';
import { LABELS, type SemanticSpec } from '../../api/index.ts';
import type { ControllerRevision } from '../../kube/index.ts';
import { type ObjectFacts, ownedMetadata } from '../../resources/index.ts';
import type { RevisionOnRecord } from './facts.ts';

const HASH_DIGITS = 10;

/** `<job>-<hash>`: the same spec has the same name, whoever computes it and whenever. */
export function revisionName(job: string, semantic: SemanticSpec): string {
  return `${job}-${createHash('sha256').update(canonical(semantic)).digest('hex').slice(0, HASH_DIGITS)}`;
}

/** As it is kept. `number` grows with each new one; of the same spec it stays. */
export function controllerRevision(
  facts: Pick<ObjectFacts, 'name' | 'namespace' | 'uid'>,
  { name, number, semantic, image }: RevisionOnRecord,
): ControllerRevision {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: ownedMetadata(facts, name, { [LABELS.revision]: name }),
    revision: number,
    data: { spec: semantic, image },
  };
}

/** Undefined for one that is not ours to read: somebody has changed what it keeps. */
export function revisionOnRecord({ metadata, revision, data }: ControllerRevision): RevisionOnRecord | undefined {
  const { spec, image } = (data ?? {}) as { readonly spec?: SemanticSpec; readonly image?: string };
  const { name, uid } = metadata ?? {};
  if (name === undefined || typeof spec !== 'object' || spec === null || typeof image !== 'string') return undefined;
  return { name, number: revision ?? 0, semantic: spec, image, ...(uid === undefined ? {} : { uid }) };
}

/** Names of the revisions that nobody needs any more, oldest first. */
export function obsoleteRevisions(
  revisions: ReadonlyMap<string, RevisionOnRecord>,
  needed: ReadonlySet<string | undefined>,
  limit: number,
): readonly string[] {
  const oldestFirst = [...revisions.values()].sort((a, b) => a.number - b.number).map(({ name }) => name);
  const tooMany = Math.max(0, oldestFirst.length - limit);
  return oldestFirst.filter((name) => !needed.has(name)).slice(0, tooMany);
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
