/** What must hold of every status that is written. */
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { statusSchema } from '../../../src/api/status.ts';
import { SETTINGS } from '../../builders/flinkjob-facts.ts';
import { Violated } from './world-parts.ts';

/** No request for a savepoint waits for longer than it may. */
export function checkRequests({ savepoints = [] }: FlinkJobStatus, now: number): void {
  for (const { state, trigger, requested = '' } of savepoints) {
    const isWaiting = state === 'Requested' || state === 'Triggered';
    if (isWaiting && !(now < Date.parse(requested) + SETTINGS.savepointDeadlineMs)) {
      throw new Violated(`savepoint ${trigger} is ${state} since ${requested}`);
    }
  }
}

/** What whoever reads conditions goes by, whatever the facts are. */
export function checkStatus(before: FlinkJobStatus | undefined, status: FlinkJobStatus, generation: number): void {
  const parsed = statusSchema.safeParse(status);
  if (!parsed.success) throw new Violated(`status is not valid: ${parsed.error.message}`);
  const { conditions = [] } = status;
  const types = conditions.map(({ type }) => type);
  if (new Set(types).size !== types.length) throw new Violated(`a condition twice: ${types.join(', ')}`);
  if (!types.includes('Ready')) throw new Violated('no Ready');
  if (types.includes('Reconciling') && types.includes('Stalled')) throw new Violated('Reconciling and Stalled');
  for (const { type, status: holds, lastTransitionTime, observedGeneration } of conditions) {
    const known = before?.conditions?.find((each) => each.type === type);
    if (known?.status === holds && known.lastTransitionTime !== lastTransitionTime) {
      throw new Violated(`${type} has not changed, and its time has`);
    }
    if (observedGeneration !== generation) throw new Violated(`${type} is of another generation`);
  }
  if (status.observedGeneration !== generation) throw new Violated('status is of another generation');
}
