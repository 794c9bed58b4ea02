/**
 * One reconcile of a FlinkJob: look, decide, do, until there is nothing to do now; then say how it stands. See README.md.
 */

import { API_VERSION, type FlinkJobStatus, KIND, type Reason } from '../../api/index.ts';
import type { ObjectKey, ReconcileContext, ReconcileResult } from '../../controller/index.ts';
import { keyOf, refOf } from '../../controller/index.ts';
import { ApiError, type EventRecorder, FLINK_JOBS, type FlinkJobObject } from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { LogFacts, Logger } from '../../lib/logger.ts';
import { type Acted, act } from './act.ts';
import type { Outcome } from './conditions.ts';
import { saysTerminating } from './create-owned.ts';
import { isToBeLeft } from './deletion-step.ts';
import { NameConflictError, ReconcileError } from './errors.ts';
import type { FlinkJobFacts, Handles, OperatorSettings } from './facts.ts';
import type { JobCopies } from './job-copies.ts';
import type { JobRest } from './job-rest.ts';
import { JobMemories, type JobMemory } from './memory.ts';
import { newsOf } from './news.ts';
import { nextStep } from './next-step.ts';
import { type DoneAlready, nothingDone, Observer } from './observe.ts';
import { statusChangesAt, statusOf, statusToWrite } from './status.ts';
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
/** A job is not called unwell for a request that failed, but for one that goes on failing. */
const UNTOLD_MS = 2_000;
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
    const { key, context, memory } = look;
    let facts: FlinkJobFacts | undefined;
    memory.areHandlesFresh = false;
    try {
      const done = nothingDone();
      for (let steps = 0; steps < MOST_STEPS; steps++) {
        facts = await this.observe(look, done);
        const step = nextStep(facts);
        if (step.do === 'rest') return await this.rest(facts, step, look);
        const dueAt = memory.repeats.dueAt(step, facts.now);
        if (dueAt > facts.now) return await this.rest(facts, { do: 'rest', untilMs: dueAt }, look);
        const acted = await this.carryOut(step, facts, look, done);
        // What was refused is tried again as anything that fails.
        if (acted !== 'refused') memory.repeats.did(step, this.options.clock.now());
        if (step.do === 'removeFinalizer') return undefined;
        if (acted === 'wait') return await this.rest(facts, { do: 'rest' }, look);
      }
      throw new TypeError(`FlinkJob ${key} does not come to rest`);
    } catch (error) {
      memory.handles = undefined;
      await this.lookAgain(error, look);
      if (facts !== undefined && this.isWorthTelling(error, look)) await this.reportFailure(facts, error, context);
      throw error;
    }
  }

  /** Refused again and again for its version: the copy is not behind, it is of another time, and only the server can tell. */
  private async lookAgain(error: unknown, { key, memory, copies, context }: Look): Promise<void> {
    const isRefused = error instanceof ApiError && error.isConflict;
    if (!isRefused || this.options.clock.now() - (memory.failingSince ?? Infinity) < UNTOLD_MS) return;
    // What cannot be asked now is asked the next time.
    await copies.jobs.refresh(key, context.client.untracked.signal).catch(() => {});
  }

  /** What needs somebody is told at once; what may pass by itself, when it does not. */
  private isWorthTelling(error: unknown, { memory, context }: Look): boolean {
    const now = this.options.clock.now();
    memory.failingSince ??= now;
    if (context.client.untracked.signal.aborted) return false;
    return reasonOf(error) !== 'ProgressingWithRetry' || now - memory.failingSince >= UNTOLD_MS;
  }

  private observe({ key, context, copies, resource, memory }: Look, done: DoneAlready): Promise<FlinkJobFacts> {
    const { settings, clock, random, rest } = this.options;
    const observer = new Observer({ copies, rest, settings, now: () => clock.now(), random });
    const { client, signal } = context.client.untracked;
    return observer.facts(resource, { key, memory, client, signal, done });
  }

  private async carryOut(
    step: Exclude<Step, { do: 'rest' }>,
    facts: FlinkJobFacts,
    { key, context, memory }: Look,
    done: DoneAlready,
  ): Promise<Acted> {
    if (step.do === 'writeLedger' && !memory.areHandlesFresh) {
      // The leader writes there too: decided on what is there now, the write is sent once instead of being refused.
      memory.handles = undefined;
      // Where its state lies is said once it is down: the job is asked now, as nobody can ask it then.
      if (bringsDown(step)) memory.askAgain();
      return 'again';
    }
    const { clock, random, rest } = this.options;
    memory.standing = standingOf(facts.handles);
    this.tell(step, key);
    // A farewell comes first: once the finalizer is off, nobody is left to say where the state lies.
    if (step.do === 'removeFinalizer') this.say(step.say, facts);
    const acting = { client: context.client, memory, done, rest, clock, random };
    const acted = await act(step, facts, acting).catch((error: unknown): Acted => {
      // It stays so: nothing of it is tried again, and what is left to do needs nothing to be made.
      if (saysTerminating(error)) memory.isNamespaceTerminating = true;
      else if (isToBeLeft(step, facts)) memory.refused.add(step.do);
      else throw error;
      return 'refused';
    });
    // What was not done is not told of either: it is decided anew, and may be something else then.
    if (acted === 'refused') return acted;
    // An attempt that was opened is told of as that attempt.
    memory.standing = standingOf(memory.handles) ?? memory.standing;
    if (step.do !== 'removeFinalizer' && 'say' in step) this.say(step.say, facts);
    return acted;
  }

  /** There is nothing to do now: how the job stands is said, if it is not said yet. */
  private async rest(
    facts: FlinkJobFacts,
    { because, untilMs }: Extract<Step, { do: 'rest' }>,
    { key, context, memory }: Look,
  ): Promise<ReconcileResult> {
    memory.failingSince = undefined;
    const status = await this.report(facts, { because, error: undefined }, context);
    this.options.report?.(key, { facts, status });
    return wakeAt(facts, memory, Math.min(untilMs ?? Number.POSITIVE_INFINITY, statusChangesAt(facts, status)));
  }

  /** What every line of the log about a job says: which, and of which attempt and epoch. */
  logFacts(key: ObjectKey): LogFacts {
    return { job: key, ...this.memories.get(key)?.standing };
  }

  private tell(step: Step, key: ObjectKey): void {
    this.options.log.debug('step', { ...this.logFacts(key), step: step.do });
  }

  /** To people who look at the job, and to those who look at the log. */
  private say(sayings: readonly Saying[], { object }: FlinkJobFacts): void {
    const key = keyOf(object);
    const { namespace, name, uid } = object;
    const regarding = { apiVersion: API_VERSION, kind: KIND, namespace, name, uid };
    for (const { type, reason, note } of sayings) {
      this.options.events.event(regarding, type, reason, reason, note);
      this.options.log[type === 'Warning' ? 'warn' : 'info'](note, { ...this.logFacts(key), reason });
    }
  }

  /** Refused when the resource is not the version it was told from: what a newer look, or a newer leader, has said stays. */
  private async report(facts: FlinkJobFacts, outcome: Outcome, { client }: ReconcileContext): Promise<FlinkJobStatus> {
    const { namespace, name, uid, resourceVersion } = facts.object;
    const status = statusToWrite(facts, outcome);
    if (status === undefined) return facts.status ?? statusOf(facts, outcome);
    // The uid alone would not do: the server does not look at it where a part of an object is written.
    const object: FlinkJobObject = { metadata: { namespace, name, uid, resourceVersion }, status };
    await client.apply(FLINK_JOBS, object, { subresource: 'status', fieldManager: STATUS_MANAGER, force: true });
    this.say(newsOf(facts, status), facts);
    return status;
  }

  /** A failure that cannot be reported either is still thrown: it is tried again. */
  private async reportFailure(facts: FlinkJobFacts, error: unknown, context: ReconcileContext): Promise<void> {
    try {
      await this.report(facts, { because: undefined, error: failureOf(error) }, context);
    } catch (second) {
      const job = keyOf(facts.object);
      this.options.log.warn('the status could not be written', { ...this.logFacts(job), cause: messageOf(second) });
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

function bringsDown({ ledger }: Extract<Step, { do: 'writeLedger' }>): boolean {
  return ledger.attempts.at(-1)?.end?.how === 'replaced';
}

function standingOf(handles: Handles | undefined): JobMemory['standing'] {
  if (handles?.is !== 'there') return undefined;
  const { attempt, epoch, ledger } = handles.view;
  // Between two attempts it is the one that ended that is told of.
  return { attempt: ledger.attempts.at(-1)?.number ?? attempt, epoch };
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
  if (error instanceof NameConflictError || error instanceof ReconcileError) return error.reason;
  if (!(error instanceof ApiError)) return 'ProgressingWithRetry';
  if (error.isForbidden) return 'Forbidden';
  // What the API server does not take will not be taken the next time either, until somebody mends it.
  const isRefusedCreate = error.call.startsWith('create ') && (error.isInvalid || error.status === 400);
  return isRefusedCreate ? 'FailedCreate' : 'ProgressingWithRetry';
}

/** When to look again without being woken: the next thing that happens by itself, or the next question to the job. */
function wakeAt({ now, pods }: FlinkJobFacts, memory: JobMemory, untilMs: number): ReconcileResult {
  const isReachable = pods.some(({ isReady, end, isDeleting }) => isReady && end === undefined && !isDeleting);
  const askAt = isReachable ? memory.restDueAt : Number.POSITIVE_INFINITY;
  const followAt = memory.operation?.state.is === 'inProgress' ? now + 250 : Number.POSITIVE_INFINITY;
  const at = Math.min(untilMs, askAt, followAt);
  return at === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs: Math.max(1, at - now) };
}
