/** What a write that did not happen, or may not have, is thrown as. */
import {
  AlreadyExistException,
  HaObjectMissingException,
  HaStoreException,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  StateTooLargeException,
} from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { WriteOutcome } from './write-outcome.ts';

/** The error for a write that was not done, or may not have been. `what` is the name, or says what was written. */
export function errorOf(outcome: WriteOutcome, what: string, { backend, limitBytes }: FencedWriter): Error {
  if (outcome.outcome === 'unknown') return new PossibleInconsistentStateException(what, backend.name, outcome.cause);
  const reason = outcome.outcome === 'done' ? 'failed' : outcome.reason;
  const cause = outcome.outcome === 'done' ? undefined : outcome.cause;
  switch (reason) {
    case 'exists':
      return new AlreadyExistException(what, backend.name);
    case 'absent':
      return new NotExistException(`Could not find ${what} in ${backend.name}`);
    case 'notLeader':
      return new NotLeaderException(what, backend.name, { cause });
    case 'missing':
      return new HaObjectMissingException(backend.name);
    case 'tooLarge':
      return new StateTooLargeException(what, backend.name, limitBytes);
    case 'moved':
    case 'failed':
      return new HaStoreException(`writing ${what}`, backend.name, cause ?? 'other writes kept coming first');
  }
}
