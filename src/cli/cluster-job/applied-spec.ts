/**
 * What becomes of a spec when a file is applied to it. A field that the file leaves out stays as it is: a trigger that a
 * command has raised, the parallelism that somebody has scaled to. Only what whoever applies had written before goes, and is
 * its default then. Pure.
 */
import { isObject, valueAt } from '../../api/index.ts';
import type { FlinkJobObject } from '../../kube/index.ts';
import { appliedBefore } from './gitops.ts';

/** As kubectl keeps it of an apply that is not the server's. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** @param written the spec as it stands in the file */
export function appliedSpec(written: unknown, { metadata, spec }: FlinkJobObject): unknown {
  const before = parsed(metadata?.annotations?.[LAST_APPLIED]);
  const wasWritten = (path: readonly string[]): boolean =>
    valueAt(before, path) !== undefined || appliedBefore(metadata?.managedFields, path);
  return merged(written, spec, ['spec'], wasWritten);
}

function merged(
  written: unknown,
  there: unknown,
  path: readonly string[],
  wasWritten: (path: readonly string[]) => boolean,
): unknown {
  if (!isObject(written) || !isObject(there)) return written;
  const kept = Object.entries(there).filter(([key]) => !Object.hasOwn(written, key) && !wasWritten([...path, key]));
  const own = Object.entries(written).map(
    ([key, value]) => [key, merged(value, valueAt(there, [key]), [...path, key], wasWritten)] as const,
  );
  return Object.fromEntries([...kept, ...own]);
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // Somebody wrote something else there: then nothing is known of what was applied.
    return undefined;
  }
}
