/** What `flinkjob query` does: one value of keyed state from the running job, or why there is none. */
import type { StateAnswer, StateUnavailableReason } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { type CliIo, EXIT } from '../command.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { LocalJob } from './local-job.ts';
import { type LocalJobOptions, notRunningText, withLocalJob } from './with-local-job.ts';

export interface QueryOptions extends LocalJobOptions {
  readonly output: OutputFormat;
  readonly keyKind?: string;
  readonly operator?: string;
  readonly namespace?: string;
}

/** What is asked for. */
export interface Question {
  readonly job: string;
  readonly state: string;
  readonly key: string;
}

/** @returns 0 found; 1 not there, or not to be read now; 2 when the question itself is wrong */
export async function queryState(question: Question, options: QueryOptions, io: CliIo): Promise<number> {
  return withLocalJob(question.job, options, io, async (job) => {
    const answer = await ask(job, question, options);
    const problem = problemOf(answer, question, job);
    if (problem === undefined || options.output !== 'text') {
      writeResult(answer, () => [answer.status === 'found' ? JSON.stringify(answer.value) : ''], options.output, io);
    }
    if (problem !== undefined) io.stderr.write(`${problem}\n`);
    return exitCodeOf(answer);
  });
}

type Found = Exclude<LocalJob, { readonly is: 'notFound' }>;

async function ask(job: Found, question: Question, options: QueryOptions): Promise<StateAnswer> {
  if (job.is === 'notRunning') {
    // Whoever supervises it starts it again, or is starting it.
    return { status: 'unavailable', reason: job.record.supervisorPid === undefined ? 'terminated' : 'restarting' };
  }
  const { keyKind, operator, namespace } = options;
  return job.leader.client.query(job.leader.details.jid, {
    stateName: question.state,
    key: question.key,
    ...(keyKind === undefined ? {} : { keyKind }),
    ...(operator === undefined ? {} : { operatorUid: operator }),
    ...(namespace === undefined ? {} : { namespace }),
  });
}

function exitCodeOf({ status }: StateAnswer): number {
  if (status === 'found') return EXIT.ok;
  return status === 'badRequest' ? EXIT.usage : EXIT.failed;
}

function problemOf(answer: StateAnswer, { state, key }: Question, job: Found): string | undefined {
  const { title } = job.record;
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
      return job.is === 'notRunning'
        ? `error: ${notRunningText(job.record)}`
        : `error: ${unavailableText(answer.reason, title)}`;
    default:
      return assertNever(answer);
  }
}

function unavailableText(reason: StateUnavailableReason, title: string): string {
  return `the state of job ${title} cannot be read now: ${WHY[reason]}. Ask again in a moment; flinkjob status ${title} shows how it goes.`;
}

const WHY: Readonly<Record<StateUnavailableReason, string>> = {
  restarting: 'the job restarts',
  rescaling: 'the job changes its parallelism',
  notReady: 'the subtask that owns the key is not ready',
  unreachable: 'it did not answer; code of the job may keep it busy',
  notLeader: 'another process leads the job',
  terminated: 'the job has ended',
};
