/** The answer to a query of keyed state in words: what is wrong, or undefined when the value was found. Pure. */
import type { StateAnswer, StateUnavailableReason } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { EXIT } from '../command.ts';

/** What was asked for, of which job. */
export interface AskedState {
  readonly title: string;
  readonly state: string;
  readonly key: string;
  /** The command that shows how the job is. */
  readonly statusCommand: string;
}

/** 0 found; 1 not there, or not to be read now; 2 when the question itself is wrong. */
export function exitCodeOfAnswer({ status }: StateAnswer): number {
  if (status === 'found') return EXIT.ok;
  return status === 'badRequest' ? EXIT.usage : EXIT.failed;
}

/** One line for stderr; an error begins with `error: `, an absent entry is none. */
export function answerProblem(
  answer: StateAnswer,
  { title, state, key, statusCommand }: AskedState,
): string | undefined {
  switch (answer.status) {
    case 'found':
      return undefined;
    case 'notFound': {
      const fallback = answer.default === undefined ? '' : ` Its default is ${JSON.stringify(answer.default)}.`;
      return `state ${state} of job ${title} has no entry for key ${key}.${fallback}`;
    }
    case 'unknownState':
      return `error: job ${title} serves no state ${state}. Names are given by setQueryable("…") on the descriptor; --operator narrows the search.`;
    case 'badRequest':
      return `error: ${answer.message}`;
    case 'failed':
      return `error: state ${state} of job ${title} could not be read: ${answer.cause}. Ask again; if it stays, see the output of the job.`;
    case 'unavailable':
      return `error: the state of job ${title} cannot be read now: ${WHY[answer.reason]}. Ask again in a moment; ${statusCommand} shows how it goes.`;
    default:
      return assertNever(answer);
  }
}

const WHY: Readonly<Record<StateUnavailableReason, string>> = {
  restarting: 'the job restarts',
  rescaling: 'the job changes its parallelism',
  notReady: 'the subtask that owns the key is not ready',
  unreachable: 'it did not answer; code of the job may keep it busy',
  notLeader: 'another process leads the job',
  terminated: 'the job has ended',
};
