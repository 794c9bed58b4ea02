/** What `flinkjob query` does on a cluster: one value of keyed state from the job's leader, through the API server. */
import type { StateAnswer, StateQuery } from '../../flink/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { CliIo } from '../command.ts';
import { answerProblem, exitCodeOfAnswer } from '../output/state-answer-text.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { leadOf } from './job-leader.ts';
import { type ClusterJob, readJob, withClusterJob } from './open-cluster.ts';
import { inRestWords, restClient } from './rest-proxy.ts';

export interface ClusterQueryOptions extends ClusterOptions {
  readonly output: OutputFormat;
  readonly keyKind?: string;
  readonly operator?: string;
  readonly window?: string;
}

/** What is asked for. */
export interface ClusterQuestion {
  readonly job: string;
  readonly state: string;
  readonly key: string;
}

/** @returns 0 found; 1 not there, or not to be read now; 2 when the question itself is wrong */
export function queryClusterState(
  { job: name, state, key }: ClusterQuestion,
  options: ClusterQueryOptions,
  io: CliIo,
): Promise<number> {
  return withClusterJob(name, options, io, async (where) => {
    const { jobId } = leadOf(await readJob(where), systemClock.now());
    const { keyKind, operator, window } = options;
    const question = {
      stateName: state,
      key,
      ...(keyKind === undefined ? {} : { keyKind }),
      ...(operator === undefined ? {} : { operatorUid: operator }),
      ...(window === undefined ? {} : { namespace: window }),
    };
    const answer = await ask(where, jobId, question);
    const title = `${where.namespace}/${where.name}`;
    const statusCommand = `kubectl flinkjob status ${where.name} -n ${where.namespace}`;
    const problem = answerProblem(answer, { title, state, key, statusCommand });
    if (problem === undefined || options.output !== 'text') {
      writeResult(answer, () => [answer.status === 'found' ? JSON.stringify(answer.value) : ''], options.output, io);
    }
    if (problem !== undefined) io.stderr.write(`${problem}\n`);
    return exitCodeOfAnswer(answer);
  });
}

/** The answer of the job. @throws ClusterJobError when the API server did not get through to it */
async function ask(where: ClusterJob, jobId: string, question: StateQuery): Promise<StateAnswer> {
  let failure: unknown;
  const onFailure = (error: unknown): void => {
    failure = error;
  };
  const answer = await restClient(where, { onFailure }).query(jobId, question, where.signal);
  if (answer.status === 'unavailable' && failure !== undefined) throw inRestWords(failure, where);
  return answer;
}
