/** What an Event of a FlinkJob means whose reason no condition has: when it is told, and where to look on. */
import type { Explanation, Reason } from '../../api/index.ts';
import type { EventName } from '../../reconcilers/index.ts';

/** Reasons of Events that have their own words. */
export type EventReason = Exclude<EventName, Reason>;

const NOTHING = 'Nothing to do.';
const STATUS = 'kubectl flinkjob status JOB';

/** Cause and remedy, as of a reason of a condition. */
export const EVENT_WORDS: Readonly<Record<EventReason, Explanation>> = {
  Submit: {
    cause: 'An attempt of the job begins; the message says with which revision, and why.',
    remedy: `Nothing to do: ${STATUS} --watch follows it.`,
  },
  JobStatusChanged: {
    cause:
      'All tasks of the job run: for the first time, after a failure or when it is resumed; or the job has finished.',
    remedy: NOTHING,
  },
  SpecChanged: {
    cause: 'The spec asks for another revision; the message says which fields, and what becomes of the state.',
    remedy: `Nothing to do: ${STATUS} --watch follows the change. kubectl flinkjob plan FILE says the same before.`,
  },
  Scaling: { cause: 'The job runs with another parallelism.', remedy: NOTHING },
  Rollback: {
    cause: 'A revision did not become stable, and the job goes back to the one before; the message says why.',
    remedy: 'Correct the spec and apply it again, or kubectl flinkjob restart JOB to try the same once more.',
  },
  JobException: {
    cause: 'An attempt failed; the message says of what, and when the next one begins, or that there is none.',
    remedy:
      'kubectl flinkjob logs --previous JOB shows how it ended, kubectl flinkjob explain JOB what mends it where nothing is tried any more.',
  },
  Recover: {
    cause: 'The pod that led the job crashed, and one that stood by goes on with the newest checkpoint.',
    remedy:
      'Nothing to do, unless it happens again and again: kubectl flinkjob logs --previous JOB shows how it ended.',
  },
  RestoreFallback: {
    cause: 'The job goes on from another state than was wanted; the message says from which, and why.',
    remedy: `${STATUS} shows what it began from. To begin from another, name it in spec.restoreFrom and raise spec.triggers.restore.`,
  },
  SavepointCompleted: { cause: 'A savepoint is complete; the message says where it lies.', remedy: NOTHING },
  ValidationError: {
    cause:
      'The spec cannot be carried out; the message says everything that is wrong. A job that runs goes on as before.',
    remedy:
      'Correct it with kubectl edit flinkjob JOB, or in the file that is applied; flinkjob validate FILE lists the same.',
  },
  PodUnhealthy: {
    cause: 'A pod does not come up, of a cause that has no name of its own; the message has the words of its node.',
    remedy: `${STATUS} shows its pods; kubectl describe pod POD what its node says of it.`,
  },
  Cleanup: {
    cause: 'The job is removed; the message says where its newest state lies, and what was removed from its storage.',
    remedy: 'Nothing to do. A new FlinkJob begins from that state with spec.restoreFrom.',
  },
  CleanupFailed: {
    cause:
      'The job is removed, and not everything was done that its deletion asks for; the message says what was skipped.',
    remedy: 'Remove by hand what the message names, if it is not to stay.',
  },
};

/** Whether a word is the reason of an Event that has its own words. */
export function isEventReason(word: string): word is EventReason {
  return Object.hasOwn(EVENT_WORDS, word);
}
