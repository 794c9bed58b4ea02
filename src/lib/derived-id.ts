/** Ids that follow from what they name, so that nobody has to remember them. */
import { createHash } from 'node:crypto';

/**
 * 32 hex digits, as Flink's JobID and trigger ids, that follow from what they name: whoever computes them again after a crash
 * computes the same.
 */
export function derivedId(...named: readonly (string | number)[]): string {
  return createHash('sha256').update(named.join('/')).digest('hex').slice(0, 32);
}

/** The job id of the life of a state that began with this attempt of a FlinkJob; `uid` is that of the resource. */
export function jobIdBegunWith(uid: string, attempt: number): string {
  return derivedId(uid, attempt);
}
