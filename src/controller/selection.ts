/**
 * Whether an object belongs to a selection, as far as that can be said here: by namespace and by labels that have to be equal.
 * Other requirements (`in`, `!`, fields) only the server knows; they are taken for met.
 */
import type { KubeObject, Selection } from '../kube/index.ts';

/** Not, when it surely does not. */
export function isSelected({ namespace, labelSelector = '' }: Selection, { metadata }: KubeObject): boolean {
  if (namespace !== undefined && metadata?.namespace !== namespace) return false;
  return requirementsOf(labelSelector).every(([label, value]) => metadata?.labels?.[label] === value);
}

const EQUALS = /^([\w./-]+)\s*==?\s*([\w.-]*)$/;

function requirementsOf(selector: string): readonly (readonly [string, string])[] {
  // Commas also stand between the values of a set: what they leave of one has no form that is read here.
  return selector.split(',').flatMap((part) => {
    const [, label, value] = EQUALS.exec(part.trim()) ?? [];
    return label === undefined || value === undefined ? [] : [[label, value] as const];
  });
}
