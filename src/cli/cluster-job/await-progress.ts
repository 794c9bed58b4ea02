/** Waits until a request is carried out, and says on the way how far it is. */
import { explain } from '../../api/index.ts';
import { ApiError, type FlinkJobObject } from '../../kube/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ProgressLine } from '../output/progress-line.ts';
import { durationText } from '../output/units.ts';
import { ClusterJobError, inClusterWords } from './errors.ts';
import { followResource } from './follow-job.ts';
import type { ClusterJob } from './open-cluster.ts';
import { type Progress, whyOf } from './progress.ts';

/** How long, and who is told. */
export interface Patience {
  readonly timeoutMs: number;
  readonly line: ProgressLine;
  /** After so long without any change it is asked whether there is an operator. @default 60000 */
  readonly silentMs?: number;
}

/**
 * What came of it.
 * @throws ClusterJobError when it failed, the job is gone, or time is up; what was asked for stays asked for
 */
export async function awaitProgress<R>(
  where: ClusterJob,
  progressOf: (job: FlinkJobObject) => Progress<R>,
  { timeoutMs, line, silentMs = 60_000 }: Patience,
): Promise<R> {
  const late = new AbortController();
  const cancel = systemClock.setTimer(timeoutMs, () => late.abort());
  const wonder = (): (() => void) => systemClock.setTimer(silentMs, () => line.say(silenceText(where, silentMs)));
  let stopWondering = wonder();
  let last: FlinkJobObject | undefined;
  try {
    for await (const job of followResource(where, AbortSignal.any([where.signal, late.signal]))) {
      if (job === 'interrupted') {
        line.say('the cluster does not answer; trying again');
        continue;
      }
      if (job === undefined) throw gone(where);
      last = job;
      stopWondering();
      stopWondering = wonder();
      const progress = progressOf(job);
      switch (progress.is) {
        case 'done':
          return progress.result;
        case 'failed':
          throw progress.error;
        case 'underWay':
          line.say(progress.text);
          break;
        default:
          assertNever(progress);
      }
    }
    throw tooLate(where, last, timeoutMs);
  } catch (error) {
    throw inWaitersWords(error, where);
  } finally {
    cancel();
    stopWondering();
    line.end();
  }
}

function gone({ namespace, name }: ClusterJob): ClusterJobError {
  return new ClusterJobError('CLUSTER_REQUEST_FAILED', `job ${namespace}/${name} was deleted meanwhile`);
}

function tooLate(
  { namespace, name }: ClusterJob,
  last: FlinkJobObject | undefined,
  timeoutMs: number,
): ClusterJobError {
  const why = last === undefined ? '' : ` ${whyOf(last, systemClock.now())}`;
  const follow = `kubectl flinkjob status --watch ${name} -n ${namespace} follows it.`;
  return new ClusterJobError(
    'CLUSTER_NOT_DONE_IN_TIME',
    `not done within ${durationText(timeoutMs)}; it stays asked for.${why}${why.includes(follow) ? '' : ` ${follow}`}`,
    { retryable: true },
  );
}

/** An operator that is there says something within moments. */
function silenceText({ namespace, name }: ClusterJob, silentMs: number): string {
  const { remedy } = explain('OperatorAbsent', { job: name, namespace });
  return `nobody has acted on it for ${durationText(silentMs)}; is there an operator? ${remedy}`;
}

/** Whoever may ask and not watch has asked all the same. */
function inWaitersWords(error: unknown, where: ClusterJob): unknown {
  const said = inClusterWords(error, where);
  if (!(error instanceof ApiError && error.isForbidden && said instanceof ClusterJobError)) return error;
  return new ClusterJobError(
    'CLUSTER_FORBIDDEN',
    `it is asked for, but cannot be waited for: ${said.message}. --no-wait does without`,
    { cause: error },
  );
}
