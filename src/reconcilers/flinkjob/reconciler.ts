/**
 * One reconcile of a FlinkJob: look, decide, do, until there is nothing to do now; then say how it stands. See README.md.
 */

import { API_VERSION, type FlinkJobStatus, KIND, type Reason } from '../../api/index.ts';
import type { ObjectKey, ReconcileContext, ReconcileResult } from '../../controller/index.ts';
import { refOf } from '../../controller/index.ts';
import { ApiError, type EventRecorder, FLINK_JOBS, type FlinkJobObject } from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { act } from './act.ts';
import { NameConflictError } from './errors.ts';
import type { FlinkJobFacts, OperatorSettings } from './facts.ts';
import type { JobCopies } from './job-copies.ts';
import type { JobRest } from './job-rest.ts';
import { JobMemories, type JobMemory } from './memory.ts';
import { nextStep } from './next-step.ts';
import { nothingDone, Observer } from './observe.ts';
import { isWorthWriting, type Outcome, statusOf } from './status.ts';
import type { Saying, Step } from './step.ts';

export interface FlinkJobReconcilerOptions {
  readonly copiesOf: (namespace: string) => JobCopies;
  readonly rest: JobRest;
  readonly settings: OperatorSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Told how each job stands after a look at it; undefined: it is gone. */
  readonly report?: (key: ObjectKey, seen: JobReport | undefined) => void;
}

/** What a look at a job came to. */
export interface JobReport {
  readonly facts: FlinkJobFacts;
  readonly status: FlinkJobStatus;
}

/** More steps than any job needs at once; a decision that never comes to rest is a mistake of ours. */
const MOST_STEPS = 40;
/** Status is written under a name of its own: nothing else of the resource is the operator's. */
const STATUS_MANAGER = 'flinkjob-operator-status';

export class FlinkJobReconciler {
  private readonly options: FlinkJobReconcilerOptions;
  private readonly memories = new JobMemories();

  constructor(options: FlinkJobReconcilerOptions) {
    this.options = options;
  }

  /** Makes the world agree with one FlinkJob. */
  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const copies = this.options.copiesOf(refOf(key).namespace ?? '');
    const resource = copies.jobs.store.get(key);
    if (resource === undefined) {
      this.memories.forget(key);
      this.options.report?.(key, undefined);
      return undefined;
    }
    const memory = this.memories.of(key, resource.metadata?.uid ?? '');
    return this.work({ key, context, copies, resource, memory });
  }

  private async work(look: Look): Promise<ReconcileResult> {
    const { key, context, copies, resource, memory } = look;
    const { settings, clock, random, rest } = this.options;
    const observer = new Observer({ copies, rest, settings, now: () => clock.now(), random });
    const done = nothingDone();
    const { client: api, signal } = context.client.untracked;
    let facts: FlinkJobFacts | undefined;
    let outcome: Outcome = { because: undefined, error: undefined };
    let untilMs: number | undefined;
    try {
      for (let steps = 0; ; steps++) {
        if (steps === MOST_STEPS) throw new TypeError(`FlinkJob ${key} does not come to rest`);
        facts = await observer.facts(resource, { key, memory, client: api, signal, done });
        const step = nextStep(facts);
        if (step.do === 'rest') {
          outcome = { because: step.because, error: undefined };
          untilMs = step.untilMs;
          break;
        }
        this.tell(step, facts);
        const acted = await act(step, facts, { client: context.client, memory, done, rest, clock, random });
        this.say(step, facts);
        if (step.do === 'removeFinalizer') return undefined;
        if (acted === 'wait') break;
      }
    } catch (error) {
      memory.handles = undefined;
      if (facts !== undefined && !signal.aborted) await this.reportFailure(facts, error, context);
      throw error;
    }
    const status = await this.report(facts, outcome, context);
    this.options.report?.(key, { facts, status });
    return wakeAt(facts, memory, untilMs);
  }

  private tell(step: Step, { object }: FlinkJobFacts): void {
    this.options.log.debug('step', { job: `${object.namespace}/${object.name}`, step: step.do });
  }

  private say(step: Step, { object }: FlinkJobFacts): void {
    const sayings: readonly Saying[] = 'say' in step ? step.say : [];
    const { namespace, name, uid } = object;
    const regarding = { apiVersion: API_VERSION, kind: KIND, namespace, name, uid };
    for (const { type, reason, note } of sayings) this.options.events.event(regarding, type, reason, reason, note);
  }

  private async report(facts: FlinkJobFacts, outcome: Outcome, { client }: ReconcileContext): Promise<FlinkJobStatus> {
    const { namespace, name, uid } = facts.object;
    const status = statusOf(facts, outcome);
    if (!isWorthWriting(facts.status, status)) return status;
    const object: FlinkJobObject = { metadata: { namespace, name, uid }, status };
    await client.apply(FLINK_JOBS, object, { subresource: 'status', fieldManager: STATUS_MANAGER, force: true });
    return status;
  }

  /** A failure that cannot be reported either is still thrown: it is tried again. */
  private async reportFailure(facts: FlinkJobFacts, error: unknown, context: ReconcileContext): Promise<void> {
    try {
      await this.report(facts, { because: undefined, error: failureOf(error) }, context);
    } catch (second) {
      this.options.log.warn('the status could not be written', { job: facts.object.name, cause: messageOf(second) });
    }
  }
}

interface Look {
  readonly key: ObjectKey;
  readonly context: ReconcileContext;
  readonly copies: JobCopies;
  readonly resource: FlinkJobObject;
  readonly memory: JobMemory;
}

function failureOf(error: unknown): NonNullable<Outcome['error']> {
  return {
    code: error instanceof FlinkJobError ? error.code : 'RECONCILE_FAILED',
    message: messageOf(error),
    retryable: true,
    reason: reasonOf(error),
  };
}

function reasonOf(error: unknown): Reason {
  if (error instanceof NameConflictError) return 'NameConflict';
  if (error instanceof ApiError && error.isForbidden) return 'Forbidden';
  return 'ProgressingWithRetry';
}

/** When to look again without being woken: the next thing that happens by itself, or the next question to the job. */
function wakeAt({ now, pods }: FlinkJobFacts, memory: JobMemory, untilMs: number | undefined): ReconcileResult {
  const isReachable = pods.some(({ isReady, end, isDeleting }) => isReady && end === undefined && !isDeleting);
  const askAt = isReachable ? memory.restDueAt : Number.POSITIVE_INFINITY;
  const followAt = memory.operation?.state.is === 'inProgress' ? now + 250 : Number.POSITIVE_INFINITY;
  const at = Math.min(untilMs ?? Number.POSITIVE_INFINITY, askAt, followAt);
  return at === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs: Math.max(1, at - now) };
}
