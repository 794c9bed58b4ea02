/**
 * A function object with a life of its own, an `open`, state or a transaction, belongs to one operator of one subtask:
 * used twice, each use would work with what the other has opened. Flink serializes functions, so that every use has a copy;
 * here they are used as they are, and sharing is refused before the first record. Lambdas, and objects that keep nothing,
 * may be shared.
 */
import { JobExecutionError } from '../job/errors.ts';
import type { Subtask } from './subtask.ts';

const LIFE: readonly string[] = ['open', 'initializeState', 'snapshotState', 'restoreState', 'beginTransaction'];

/** @throws JobExecutionError FUNCTION_SHARED naming both places */
export function refuseSharedFunctions(subtasks: readonly Subtask[]): void {
  const places = new Map<object, string>();
  for (const { chain, info, vertex } of subtasks) {
    for (const { node, operator } of chain.operators) {
      const used = operator.userFunction;
      if (typeof used !== 'object' || used === null || !LIFE.some((method) => method in used)) continue;
      const place = `${node.name} "${node.uid}" (${info.subtaskIndex + 1}/${vertex.parallelism})`;
      const other = places.get(used);
      if (other !== undefined) throw shared(used, other, place);
      places.set(used, place);
    }
  }
}

function shared(used: object, first: string, second: string): JobExecutionError {
  const name = used.constructor?.name ?? 'object';
  return new JobExecutionError(
    'FUNCTION_SHARED',
    `one ${name} object is used by ${first} and by ${second}: each would work with the state that the other has opened. ` +
      'Make one for each use, inside the function that the module exports.',
  );
}
