/** What `flinkjob query` does: one value of keyed state from the running job, or why there is none. */
import type { StateAnswer } from '../../flink/index.ts';
import type { CliIo } from '../command.ts';
import { answerProblem, exitCodeOfAnswer } from '../output/state-answer-text.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { LocalJob } from './local-job.ts';
import { type LocalJobOptions, notRunningText, withLocalJob } from './with-local-job.ts';

export interface QueryOptions extends LocalJobOptions {
  readonly output: OutputFormat;
  readonly keyKind?: string;
  readonly operator?: string;
  /** `START,END` in milliseconds. */
  readonly window?: string;
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
    return exitCodeOfAnswer(answer);
  });
}

type Found = Exclude<LocalJob, { readonly is: 'notFound' }>;

async function ask(job: Found, question: Question, options: QueryOptions): Promise<StateAnswer> {
  if (job.is === 'notRunning') {
    // Whoever supervises it starts it again, or is starting it.
    return { status: 'unavailable', reason: job.record.supervisorPid === undefined ? 'terminated' : 'restarting' };
  }
  const { keyKind, operator, window } = options;
  return job.leader.client.query(job.leader.details.jid, {
    stateName: question.state,
    key: question.key,
    ...(keyKind === undefined ? {} : { keyKind }),
    ...(operator === undefined ? {} : { operatorUid: operator }),
    ...(window === undefined ? {} : { namespace: window }),
  });
}

function problemOf(answer: StateAnswer, { state, key }: Question, job: Found): string | undefined {
  const { title } = job.record;
  // Why it does not run, and what to do about it, says more.
  if (answer.status === 'unavailable' && job.is === 'notRunning') return `error: ${notRunningText(job.record)}`;
  return answerProblem(answer, { title, state, key, statusCommand: `flinkjob status ${title}` });
}
