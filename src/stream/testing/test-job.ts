/**
 * A whole job in this thread, at the test's command: it takes a step when it is told to, time stands still until it is
 * moved, and it can be killed and restored between any two steps. See README.md for what is as in a real run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../lib/clock.ts';
import { causeChain, messageOf } from '../../lib/errors.ts';
import type { Job } from '../datastream/environment.ts';
import type { CheckpointKind } from '../exchange/channel.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  ValueStateDescriptor,
} from '../state/descriptors.ts';
import { Attempt } from './attempt.ts';
import { TestJobError, type TestJobErrorCode } from './errors.ts';
import { PeriodicCheckpoints } from './periodic-checkpoints.ts';
import { readKeyedState } from './read-state.ts';
import { SeededRandom } from './seeded-random.ts';
import type { TestCheckpoint } from './test-checkpoint.ts';
import { type PendingCheckpoint, TestCheckpoints } from './test-checkpoints.ts';
import { TestClock } from './test-clock.ts';
import type { RestoreOptions, StateOptions, TestJobOptions, TestJobStatus } from './test-job-options.ts';

/** After so many turns of the event loop that bring nothing, nothing in memory is left to do. */
const IDLE_TURNS = 4;
/** A job that does more than this without coming to rest is taken for one that never does. */
const MOST_STEPS = 20_000_000;

export class TestJob {
  /** Processing time; stands still until the test moves it. */
  readonly clock: TestClock;
  readonly seed: number;
  readonly #options: Required<Pick<TestJobOptions, 'args' | 'recordsPerStep' | 'patienceMs'>> & TestJobOptions;
  readonly #random: SeededRandom;
  readonly #checkpoints: TestCheckpoints;
  #job: Job;
  #parallelism: number;
  #attempt: Attempt | undefined;
  #attempts = 0;
  readonly #periodic: PeriodicCheckpoints;
  #status: TestJobStatus = 'crashed';
  #steps = 0;
  /** The checkpoint or savepoint after which the job is finished. */
  #last: PendingCheckpoint | undefined;

  private constructor(job: Job, options: TestJobOptions) {
    this.#options = { args: [], recordsPerStep: 16, patienceMs: 5_000, ...options };
    this.#job = job;
    this.#parallelism = options.parallelism ?? 1;
    this.seed = options.seed ?? 1;
    this.#random = new SeededRandom(this.seed);
    this.clock = new TestClock(options.now ?? 0);
    this.#checkpoints = new TestCheckpoints(this.clock);
    this.#periodic = new PeriodicCheckpoints(options.checkpointEvery);
  }

  /**
   * Builds the job and opens all its operators; no record has flowed yet.
   * @throws TestJobError TEST_JOB_FAILED when the program or an operator fails
   */
  static async start(job: Job, options: TestJobOptions = {}): Promise<TestJob> {
    const started = new TestJob(job, options);
    await started.#deploy(undefined, false);
    return started;
  }

  get status(): TestJobStatus {
    return this.#status;
  }
  get parallelism(): number {
    return this.#parallelism;
  }
  /** Scheduling steps taken so far, over all attempts. */
  get steps(): number {
    return this.#steps;
  }
  /** From 1; grows with each restore. */
  get attempt(): number {
    return this.#attempts;
  }
  /** The plan of the job as it runs. */
  get graph(): JobGraph {
    return this.#running().graph;
  }
  /** Completed checkpoints and savepoints, oldest first. */
  get checkpoints(): readonly TestCheckpoint[] {
    return this.#checkpoints.completed;
  }
  /** What a failure would restore. */
  get latestCheckpoint(): TestCheckpoint | undefined {
    return this.#checkpoints.latest;
  }

  // ---- going on

  /** Takes up to `count` steps; fewer when the job finishes. Returns how many. @throws TestJobError TEST_JOB_FAILED */
  async step(count = 1): Promise<number> {
    this.#running();
    let taken = 0;
    while (taken < count && this.#status === 'running') {
      await this.#act();
      taken++;
    }
    return taken;
  }

  /** Goes on until nothing is left to do, in memory and at this moment of processing time. */
  async settle(): Promise<void> {
    const attempt = this.#running();
    await this.#runUntil('rest', () => attempt.idleTurns >= IDLE_TURNS && !attempt.isWaiting);
  }

  /** Goes on until `condition` holds; it is asked after each step. @throws TestJobError TEST_JOB_STUCK */
  async runUntil(condition: () => boolean, options: { readonly advanceTime?: boolean } = {}): Promise<void> {
    this.#running();
    await this.#runUntil('the condition', condition, options.advanceTime ?? false);
  }

  /**
   * Goes on to the end of all input and through the last checkpoint, with which sinks commit; then closes everything.
   * @param options `advanceTime`: while nothing else is left to do, processing time jumps to the next timer
   */
  async runUntilFinished(options: { readonly advanceTime?: boolean } = {}): Promise<void> {
    if (this.#status === 'finished') return;
    this.#running();
    await this.#runUntil('the end of the input', () => false, options.advanceTime ?? false);
  }

  /** Moves processing time; on the way it stops at every timer, and everything that follows from it is done. */
  async advanceProcessingTime(ms: number): Promise<void> {
    const attempt = this.#running();
    const target = this.clock.now() + ms;
    await this.settle();
    for (;;) {
      const next = Math.min(attempt.nextTimerAt, this.clock.nextTimerAt);
      // What is due and did not fire cannot fire now.
      if (next > target || next <= this.clock.now() || this.#status !== 'running') break;
      this.clock.advanceTo(next);
      await this.settle();
    }
    this.clock.advanceTo(target);
    if (this.#status === 'running') await this.settle();
  }

  // ---- checkpoints

  /** Begins a checkpoint; it goes on with the steps to come. */
  triggerCheckpoint(): void {
    this.#running().trigger('checkpoint');
  }

  /**
   * Takes a checkpoint: resolves when it is complete and every sink has committed.
   * @throws TestJobError TEST_CHECKPOINT_DECLINED; the job runs on
   */
  checkpoint(): Promise<TestCheckpoint> {
    return this.#capture('checkpoint');
  }

  /** Takes a savepoint; nothing is committed with it, and a failure does not restore it. */
  savepoint(): Promise<TestCheckpoint> {
    return this.#capture('savepoint');
  }

  /** Takes a savepoint, commits with it, and ends the job. `drain`: first emits everything that waits for time. */
  stopWithSavepoint(options: { readonly drain?: boolean } = {}): Promise<TestCheckpoint> {
    return this.#capture(options.drain === true ? 'stop-with-savepoint-drain' : 'stop-with-savepoint');
  }

  // ---- dying and coming back

  /** Kills the job as SIGKILL would: no code of it is told, what is not in a completed checkpoint is gone. */
  crash(): void {
    this.#running().abandon();
    this.#end('crashed');
  }

  /**
   * Starts the job again, with functions made anew and all state read back from bytes. Kills it first if it runs.
   * @throws TestJobError TEST_JOB_FAILED when the state does not fit or an operator fails to restore it
   */
  async restore(options: RestoreOptions = {}): Promise<void> {
    if (this.#status === 'running') this.crash();
    const { from = this.#checkpoints.latest, allowNonRestoredState = false } = options;
    this.#job = options.job ?? this.#job;
    this.#parallelism = options.parallelism ?? this.#parallelism;
    await this.#deploy(from === 'scratch' ? undefined : from, allowNonRestoredState);
  }

  /** Kills the job and starts it again from the latest completed checkpoint: sources read again what came after it. */
  async crashAndRestore(): Promise<void> {
    await this.restore();
  }

  /** Takes a checkpoint and goes on from it with another parallelism. */
  async rescale(parallelism: number): Promise<void> {
    const from = await this.checkpoint();
    await this.restore({ from, parallelism });
  }

  /** Closes all functions, in order, without a capture. */
  async close(): Promise<void> {
    if (this.#status !== 'running') return;
    const attempt = this.#running();
    this.#end('finished');
    await this.#closing(attempt);
  }

  // ---- looking inside

  /** A keyed state as the function would read it, from the subtask that owns the key; a copy. */
  state<T>(descriptor: ValueStateDescriptor<T>, key: unknown, options?: StateOptions): T | undefined;
  state<T>(descriptor: ListStateDescriptor<T>, key: unknown, options?: StateOptions): T[];
  state<K, V>(descriptor: MapStateDescriptor<K, V>, key: unknown, options?: StateOptions): Map<K, V>;
  state<T>(descriptor: ReducingStateDescriptor<T>, key: unknown, options?: StateOptions): T | undefined;
  state<I, A, O>(descriptor: AggregatingStateDescriptor<I, A, O>, key: unknown, options?: StateOptions): O | undefined;
  state(descriptor: StateDescriptor, key: unknown, options: StateOptions = {}): unknown {
    const { uid, window } = options;
    return readKeyedState(this.#running().subtasks, { descriptor, key, uid, window });
  }

  /** Counters of all functions of this attempt, summed over subtasks; `numLateRecordsDropped` among them. */
  counters(): Record<string, number> {
    const sums: Record<string, number> = {};
    const add = (name: string, value: number): void => {
      sums[name] = (sums[name] ?? 0) + value;
    };
    for (const { metrics } of this.#running().subtasks.flatMap(({ chain }) => chain.operators)) {
      for (const [name, value] of metrics.user) add(name, value);
      add('numLateRecordsDropped', metrics.lateRecordsDropped);
    }
    return sums;
  }

  // ---- inside

  async #deploy(from: TestCheckpoint | undefined, allowNonRestoredState: boolean): Promise<void> {
    const { args, maxParallelism, recordsPerStep, workingDirectory = process.cwd() } = this.#options;
    this.#attempts++;
    try {
      this.#attempt = await Attempt.start({
        job: this.#job,
        args,
        parallelism: this.#parallelism,
        maxParallelism,
        workingDirectory,
        jobId: 'test-job',
        jobName: 'test job',
        attempt: this.#attempts,
        clock: this.clock,
        random: this.#random,
        storage: this.#checkpoints.storage,
        checkpoints: this.#checkpoints,
        recordsPerStep,
        from,
        allowNonRestoredState,
      });
    } catch (cause) {
      this.#end('failed');
      throw this.#error(
        'TEST_JOB_FAILED',
        `the job could not be started: ${causeChain(cause).map(messageOf).join(': ')}`,
        cause,
      );
    }
    this.#status = 'running';
  }

  async #capture(kind: CheckpointKind): Promise<TestCheckpoint> {
    const pending = this.#running().trigger(kind);
    if (kind === 'stop-with-savepoint' || kind === 'stop-with-savepoint-drain') this.#last = pending;
    await this.#runUntil(`checkpoint ${pending.barrier.id}`, () => pending.told);
    const { outcome } = pending;
    if (outcome?.outcome === 'completed') return outcome.checkpoint;
    const reason = outcome === undefined ? 'the job finished before' : `${outcome.reason}${causeText(outcome.cause)}`;
    throw this.#error(
      'TEST_CHECKPOINT_DECLINED',
      `checkpoint ${pending.barrier.id} declined: ${reason}`,
      outcome?.cause,
    );
  }

  /** Goes on until `condition` holds or the job is finished. */
  async #runUntil(what: string, condition: () => boolean, advanceTime = false): Promise<void> {
    const attempt = this.#running();
    attempt.lookAgain();
    const begun = this.#steps;
    let waitingSince: number | undefined;
    while (this.#status === 'running' && !condition()) {
      await this.#act();
      if (this.#steps - begun > MOST_STEPS) throw this.#stuck(what, `after ${MOST_STEPS} steps`);
      if (attempt.idleTurns < IDLE_TURNS) {
        waitingSince = undefined;
        continue;
      }
      if (advanceTime && this.#jumpToNextTimer(attempt)) continue;
      waitingSince ??= systemClock.monotonic();
      await this.#waitOutside(what, waitingSince);
    }
  }

  /** Nothing in memory is left to do: perhaps a file or a timer of the machine brings something. */
  async #waitOutside(what: string, since: number): Promise<void> {
    const waitedMs = systemClock.monotonic() - since;
    if (waitedMs > this.#options.patienceMs) throw this.#stuck(what, `in ${Math.round(waitedMs)} ms`);
    if (waitedMs > 0) await sleep(1);
  }

  #jumpToNextTimer(attempt: Attempt): boolean {
    const next = Math.min(attempt.nextTimerAt, this.clock.nextTimerAt);
    if (attempt.isWaiting || next === Number.POSITIVE_INFINITY) return false;
    this.clock.advanceTo(next);
    attempt.lookAgain();
    return true;
  }

  async #act(): Promise<void> {
    const attempt = this.#running();
    this.#steps++;
    await attempt.act();
    if (attempt.failure !== undefined) {
      const { error, where } = attempt.failure;
      attempt.abandon();
      this.#end('failed');
      throw this.#error('TEST_JOB_FAILED', `the job failed in ${where}: ${messageOf(error)}`, error);
    }
    await this.#finishWhenDone(attempt);
    this.#triggerPeriodically(attempt);
  }

  /** All input has ended: one last checkpoint lets the sinks commit, as in a real run; then the job is finished. */
  async #finishWhenDone(attempt: Attempt): Promise<void> {
    if (this.#last === undefined && attempt.allInputFinished) this.#last = attempt.trigger('checkpoint');
    if (this.#last?.told !== true) return;
    const { barrier, outcome } = this.#last;
    const isCompleted = outcome?.outcome === 'completed';
    if (!isCompleted && barrier.kind !== 'checkpoint') {
      // A stop that failed leaves the job running.
      this.#last = undefined;
      return;
    }
    if (isCompleted) {
      this.#end('finished');
      return this.#closing(attempt);
    }
    attempt.abandon();
    this.#end('failed');
    const reason = outcome?.outcome === 'declined' ? `${outcome.reason}${causeText(outcome.cause)}` : '';
    throw this.#error('TEST_JOB_FAILED', `the last checkpoint was declined: ${reason}`);
  }

  #triggerPeriodically(attempt: Attempt): void {
    if (this.#status !== 'running' || this.#last !== undefined || this.#checkpoints.hasPending) return;
    if (this.#periodic.isDue({ recordsIn: attempt.recordsIn, now: this.clock.now() })) attempt.trigger('checkpoint');
  }

  async #closing(attempt: Attempt): Promise<void> {
    try {
      await attempt.close();
    } catch (cause) {
      throw this.#error('TEST_JOB_FAILED', `a function failed to close: ${messageOf(cause)}`, cause);
    }
  }

  #end(status: TestJobStatus): void {
    this.#status = status;
    this.#attempt = undefined;
    this.#last = undefined;
  }

  #running(): Attempt {
    if (this.#attempt !== undefined && this.#status === 'running') return this.#attempt;
    const remedy = this.#status === 'finished' ? 'Start another one.' : 'Call restore() first.';
    throw this.#error('TEST_JOB_MISUSED', `the job is ${this.#status}, not running. ${remedy}`);
  }

  #stuck(what: string, howLong: string): TestJobError {
    const next = Math.min(this.#attempt?.nextTimerAt ?? Number.POSITIVE_INFINITY, this.clock.nextTimerAt);
    const hint = Number.isFinite(next)
      ? `Processing time is ${this.clock.now()} and a timer is due at ${next}: advanceProcessingTime, or { advanceTime: true }.`
      : 'Does an input still have to end, or does the code wait for something that does not come?';
    return this.#error('TEST_JOB_STUCK', `the job did not come to ${what} ${howLong}. ${hint}`);
  }

  #error(code: TestJobErrorCode, message: string, cause?: unknown): TestJobError {
    const at = { seed: this.seed, step: this.#steps };
    return new TestJobError(code, message, at, cause === undefined ? {} : { cause });
  }
}

function causeText(cause: unknown): string {
  return cause === undefined ? '' : `: ${messageOf(cause)}`;
}
