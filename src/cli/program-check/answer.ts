/** Builds a program's graph, and holds it against the state that it would take up. */
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { declaredStates, importJob, type Job, JobGraphError, previewRestore } from '../../stream/index.ts';
import type { ProgramAnswer, ProgramOrder } from './messages.ts';

/** Never rejects for a reason that lies in the program. */
export async function answerTo(order: ProgramOrder, clock: Clock): Promise<ProgramAnswer> {
  try {
    return await checked(order, await importJob(order.module, order.workingDirectory), clock);
  } catch (error) {
    const isInvalid = error instanceof JobGraphError || INVALID_ANYWHERE.has((error as { code?: string }).code ?? '');
    return { is: isInvalid ? 'invalid' : 'notRun', why: messageOf(error) };
  }
}

/** A missing package, a missing variable or a refused access may be there in the image. */
const INVALID_ANYWHERE: ReadonlySet<string> = new Set(['JOB_NOT_EXPORTED', 'JOB_MODULE_UNSUPPORTED_SYNTAX']);

async function checked(order: ProgramOrder, job: Job, clock: Clock): Promise<ProgramAnswer> {
  const { args, parallelism, maxParallelism, state, from, jobId, jobName, allowNonRestoredState } = order;
  const preview = await previewRestore({
    job,
    program: { args, parallelism, maxParallelism },
    jobId,
    jobName,
    state,
    from,
    origin: 'latestCheckpoint',
    allowNonRestoredState,
  });
  const declared = await declaredStates({ graph: preview.graph, state, jobId, jobName, args, clock });
  return {
    is: 'checked',
    problems: [...preview.problems, ...declared.problems],
    unchecked: declared.unchecked,
    added: preview.added.map(({ uid }) => uid),
    dropped: preview.removed.filter(({ hasState }) => hasState).map(({ uid }) => uid),
  };
}
