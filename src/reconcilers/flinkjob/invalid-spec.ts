/** What is wrong with a spec, for a condition: all of it, so that nobody has to apply it once for each mistake. Pure. */
import type { Violation } from '../../api/index.ts';
import type { Hold } from './step.ts';

/** More than this is not read in a condition. */
const MOST_TOLD = 20;

/** Why nothing comes of a spec that is not valid. */
export function invalidSpec(violations: readonly Violation[]): Hold {
  const errors = violations.filter(({ severity }) => severity === 'error');
  const told = errors.slice(0, MOST_TOLD).map(({ path, rule }) => `${path}: ${rule}`);
  const rest = errors.length - told.length;
  if (told.length === 0) return { reason: 'InvalidSpec' };
  return { reason: 'InvalidSpec', detail: [...told, ...(rest > 0 ? [`${rest} more`] : [])].join('; ') };
}
