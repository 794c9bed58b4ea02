/**
 * Supervises a job on one machine, as the operator does in a cluster: observe → decide → act, until the job has ended.
 * The decision is the operator's own (src/reconcilers/flinkjob); child processes stand in for pods, a local directory for
 * the ConfigMap and the Lease.
 *
 * A crash of the supervisor leaves a ledger with an open attempt and no process (its child stops when the channel to us
 * closes). The next supervisor starts the execution again; that counts for nothing.
 */

import {
  closeAttempt,
  giveUp,
  type HighAvailabilityServices,
  type JsonValue,
  type Ledger,
  type LedgerView,
  openAttempt,
  recordFailure,
} from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { waitFor } from '../../lib/waiting.ts';
import { type Decision, decide, type ExecutionEnd } from '../../reconcilers/index.ts';
import {
  NOT_RECOVERABLE,
  type ResolvedRestartStrategy,
  type RestartStrategy,
  resolveRestartStrategy,
} from '../../restart/index.ts';
import { gaveUpText } from './gave-up-text.ts';
import type { JobProcessHandle, ProcessEnd } from './job-process-handle.ts';

/** Thrown when the job's ledger cannot be written. */
export class SupervisorError extends FlinkJobError {}

/** What happens to the job, for people. */
export type SupervisorEvent =
  | { readonly event: 'attemptOpened'; readonly attempt: number }
  | { readonly event: 'processStarted'; readonly attempt: number; readonly pid: number }
  | { readonly event: 'processReplaced'; readonly attempt: number; readonly cause: string }
  | {
      readonly event: 'attemptFailed';
      readonly attempt: number;
      readonly how: 'failed' | 'crashed';
      readonly cause: string;
      readonly restartInMs: number;
    }
  /** The command was started while a restart was waited for. */
  | { readonly event: 'waiting'; readonly cause: string; readonly restartInMs: number }
  /** The command was started for a job whose restarts were used up: it gets one more attempt. */
  | { readonly event: 'triedAgain'; readonly gaveUpAt: number; readonly cause: string }
  | { readonly event: 'gaveUp'; readonly cause: string; readonly reason: string }
  | { readonly event: 'finished' }
  | { readonly event: 'stoppedWithSavepoint'; readonly savepoint: string };

/** How supervision ended. */
export type SupervisionResult =
  | { readonly result: 'finished' }
  /** Nothing was run. `at`: when it ended. */
  | { readonly result: 'alreadyFinished'; readonly at: number }
  | { readonly result: 'stoppedWithSavepoint'; readonly savepoint: string }
  /** Stopped on request; the state stays as it is. */
  | { readonly result: 'stopped' }
  | {
      readonly result: 'failed';
      readonly cause: string;
      readonly reason: string;
      readonly unrecoverable: boolean;
      /** Why it is not restarted, in plain words; `reason` has Flink's. */
      readonly plainReason: string;
      readonly code?: string;
      /** Of the last process, where it ended by itself. */
      readonly exitCode?: number;
    };

export interface SupervisorOptions {
  readonly services: HighAvailabilityServices;
  readonly clock: Clock;
  readonly random: () => number;
  /** `spec.restart`; absent: the code's, else the default. */
  readonly manifestStrategy: RestartStrategy | undefined;
  readonly checkpointing: boolean;
  start(attempt: number): JobProcessHandle;
  onEvent(event: SupervisorEvent): void;
  /** Aborted: bring the running process down with `endProcess` and start nothing any more. */
  readonly stop: AbortSignal;
  /** Aborted: kill the running process, whatever `endProcess` is waiting for. Implies `stop`. */
  readonly kill: AbortSignal;
  /** How long a process may take to end once it was asked to; then it is killed. */
  readonly killAfterMs: number;
  /** Asks the running process to end, by savepoint, cancel or signal. Gives up when `gone` says that it has ended, or will at once. */
  endProcess(handle: JobProcessHandle, gone: AbortSignal): Promise<void>;
}

/** A process lost from outside is made again after this long, doubling up to a minute. */
const FIRST_REPLACEMENT_MS = 1_000;
const LONGEST_REPLACEMENT_MS = 60_000;
const WRITER = 'supervisor';

export async function supervise(options: SupervisorOptions): Promise<SupervisionResult> {
  return new Supervisor(options).run();
}

class Supervisor {
  readonly #options: SupervisorOptions;
  #process: JobProcessHandle | undefined;
  #end: ProcessEnd | undefined;
  #replacements = 0;
  /** Somebody ran the command: a job that was given up is tried again, once. */
  #isFirstLook = true;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  async run(): Promise<SupervisionResult> {
    for (;;) {
      const view = await this.#read();
      const decision = this.#decide(view);
      const result = await this.#act(decision, view);
      this.#isFirstLook = false;
      if (result !== undefined) return result;
    }
  }

  async #read(): Promise<LedgerView> {
    const view = await this.#options.services.getLedgerStore().read();
    if (view !== undefined) return view;
    throw new SupervisorError(
      'JOB_OBJECT_MISSING',
      'the object of the job was removed while the job was supervised. Run the job again; it goes on from its newest checkpoint.',
    );
  }

  #decide({ ledger }: LedgerView): Decision {
    const { clock, random } = this.#options;
    return decide({
      ledger: this.#isFirstLook ? withoutGivingUp(ledger) : ledger,
      wanted: this.#options.stop.aborted ? 'Suspended' : 'Running',
      strategy: this.#strategy(ledger).strategy,
      execution: this.#execution(ledger),
      now: clock.now(),
      random,
    });
  }

  #strategy({ restartStrategyInCode }: Ledger): ResolvedRestartStrategy {
    const { manifestStrategy, checkpointing } = this.#options;
    return resolveRestartStrategy({
      checkpointing,
      ...(manifestStrategy === undefined ? {} : { manifest: manifestStrategy }),
      ...(restartStrategyInCode === undefined ? {} : { code: restartStrategyInCode as unknown as RestartStrategy }),
    });
  }

  #execution(ledger: Ledger): { is: 'absent' } | { is: 'present' } | { is: 'ended'; end: ExecutionEnd } {
    const handle = this.#process;
    if (handle === undefined) return { is: 'absent' };
    if (this.#end === undefined) return { is: 'present' };
    const reported = ledger.attempts.at(-1)?.reported;
    return {
      is: 'ended',
      end: {
        ...this.#end,
        attempt: handle.attempt,
        // Asked to stop before it could listen, it dies of the signal: that is no crash.
        takenFromOutside: this.#options.stop.aborted && this.#end.signal !== undefined,
        reported:
          reported === undefined ? undefined : { ...reported, suppressRestarts: reported.suppressRestarts === true },
      },
    };
  }

  async #act(decision: Decision, view: LedgerView): Promise<SupervisionResult | undefined> {
    switch (decision.do) {
      case 'openAttempt':
        return this.#openAttempt(view);
      case 'startExecution':
        return this.#start(decision.attempt);
      case 'replaceExecution':
        return this.#replace(decision);
      case 'watch':
        return this.#watch();
      case 'wait':
        return this.#wait(decision);
      case 'closeFinished':
        return this.#closeFinished(decision.savepoint, view);
      case 'closeFailed':
        return this.#closeFailed(decision, view);
      case 'giveUp':
        return this.#giveUp(decision, view);
      case 'stayFailed': {
        const unrecoverable = decision.reason === NOT_RECOVERABLE;
        return {
          result: 'failed',
          cause: 'restarts were given up before',
          reason: decision.reason,
          unrecoverable,
          plainReason: gaveUpText({ ...this.#strategy(view.ledger), unrecoverable }),
        };
      }
      case 'stayFinished':
        return { result: 'alreadyFinished', at: view.ledger.attempts.at(-1)?.end?.at ?? 0 };
      case 'staySuspended':
        return { result: 'stopped' };
      default:
        return assertNever(decision);
    }
  }

  async #openAttempt(view: LedgerView): Promise<undefined> {
    const next = openAttempt(view.ledger, { at: this.#options.clock.now(), epoch: view.nextEpoch });
    if (!(await this.#write(view, next))) return undefined;
    const { gaveUp, attempts } = view.ledger;
    if (gaveUp !== undefined) {
      const cause = attempts.at(-1)?.end?.cause ?? gaveUp.reason;
      this.#options.onEvent({ event: 'triedAgain', gaveUpAt: gaveUp.at, cause });
    }
    this.#replacements = 0;
    this.#options.onEvent({ event: 'attemptOpened', attempt: next.attempts.at(-1)?.number ?? 0 });
    return undefined;
  }

  async #start(attempt: number): Promise<SupervisionResult | undefined> {
    if (this.#options.stop.aborted) return { result: 'stopped' };
    const handle = this.#options.start(attempt);
    this.#process = handle;
    this.#end = undefined;
    this.#options.onEvent({ event: 'processStarted', attempt, pid: handle.pid });
    return undefined;
  }

  async #replace({ attempt, cause }: { attempt: number; cause: string }): Promise<SupervisionResult | undefined> {
    this.#process = undefined;
    if (this.#options.stop.aborted) return { result: 'stopped' };
    this.#options.onEvent({ event: 'processReplaced', attempt, cause });
    await this.#sleep(Math.min(LONGEST_REPLACEMENT_MS, FIRST_REPLACEMENT_MS * 2 ** this.#replacements++));
    return undefined;
  }

  /** Waits for the end of the process, or for the request to stop, which it passes on. */
  async #watch(): Promise<undefined> {
    const handle = this.#process;
    if (handle === undefined) return undefined;
    const stopped = Promise.withResolvers<'stop'>();
    const onAbort = (): void => stopped.resolve('stop');
    const { stop } = this.#options;
    if (stop.aborted) onAbort();
    else stop.addEventListener('abort', onAbort, { once: true });
    const first = await Promise.race([handle.ended, stopped.promise]);
    stop.removeEventListener('abort', onAbort);
    if (first === 'stop') await this.#endProcess(handle);
    this.#end = await handle.ended;
    return undefined;
  }

  /** Asks the process to end; one that does not within the grace period is killed, or it would outlive us unseen. */
  async #endProcess(handle: JobProcessHandle): Promise<void> {
    const { endProcess, kill, killAfterMs, clock } = this.#options;
    const gone = new AbortController();
    const ended = handle.ended.then(() => gone.abort());
    const killNow = (): void => {
      handle.kill('SIGKILL');
      gone.abort();
    };
    if (kill.aborted) killNow();
    kill.addEventListener('abort', killNow, { once: true, signal: gone.signal });
    await endProcess(handle, gone.signal);
    const cancel = clock.setTimer(killAfterMs, killNow);
    await ended;
    cancel();
  }

  async #wait({ untilMs, cause }: { untilMs: number; cause: string }): Promise<undefined> {
    const restartInMs = Math.max(0, untilMs - this.#options.clock.now());
    // Later waits were announced with the failure.
    if (this.#isFirstLook) this.#options.onEvent({ event: 'waiting', cause, restartInMs });
    await this.#sleep(restartInMs);
    return undefined;
  }

  async #closeFinished(savepoint: string | undefined, view: LedgerView): Promise<SupervisionResult | undefined> {
    const at = this.#options.clock.now();
    const end =
      savepoint === undefined
        ? { how: 'finished' as const, at, cause: 'the job finished' }
        : { how: 'replaced' as const, at, cause: `stopped with savepoint ${savepoint}` };
    if (!(await this.#write(view, closeAttempt(view.ledger, end)))) return undefined;
    this.#process = undefined;
    if (savepoint === undefined) {
      this.#options.onEvent({ event: 'finished' });
      return { result: 'finished' };
    }
    this.#options.onEvent({ event: 'stoppedWithSavepoint', savepoint });
    return { result: 'stoppedWithSavepoint', savepoint };
  }

  async #closeFailed(decision: Extract<Decision, { do: 'closeFailed' }>, view: LedgerView): Promise<undefined> {
    const { how, cause, code, restart } = decision;
    const at = this.#options.clock.now();
    const closed = closeAttempt(view.ledger, { how, at, cause, ...(code === undefined ? {} : { code }) });
    const next = recordFailure(closed, {
      time: at,
      cause,
      isNew: restart.isNew,
      delayMs: restart.delayMs,
      nextAt: restart.atMs,
      counters: restart.counters as unknown as JsonValue,
    });
    if (!(await this.#write(view, next))) return undefined;
    const attempt = this.#process?.attempt ?? 0;
    this.#process = undefined;
    this.#options.onEvent({ event: 'attemptFailed', attempt, how, cause, restartInMs: restart.delayMs });
    return undefined;
  }

  async #giveUp(
    decision: Extract<Decision, { do: 'giveUp' }>,
    view: LedgerView,
  ): Promise<SupervisionResult | undefined> {
    const { how, cause, code, reason, counters, unrecoverable } = decision;
    const at = this.#options.clock.now();
    const closed = closeAttempt(view.ledger, { how, at, cause, ...(code === undefined ? {} : { code }) });
    const next = giveUp(closed, {
      at,
      reason,
      ...(counters === undefined ? {} : { counters: counters as unknown as JsonValue }),
    });
    if (!(await this.#write(view, next))) return undefined;
    this.#process = undefined;
    const exitCode = this.#end?.exitCode;
    const whole = wholeCause(cause, this.#end?.termination?.cause);
    this.#options.onEvent({ event: 'gaveUp', cause: whole, reason });
    return {
      result: 'failed',
      cause: whole,
      reason,
      unrecoverable,
      plainReason: gaveUpText({ ...this.#strategy(view.ledger), unrecoverable }),
      ...(code === undefined ? {} : { code }),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
  }

  /** False when another write came first: look again and decide anew, never send the same again. */
  async #write(view: LedgerView, next: Ledger): Promise<boolean> {
    const outcome = await this.#options.services.getLedgerStore().write(view, next, WRITER);
    if (outcome.outcome === 'done') return true;
    if (outcome.outcome === 'notDone' && outcome.reason === 'moved') return false;
    const why = outcome.outcome === 'unknown' ? 'it is not known whether the write happened' : outcome.reason;
    throw new SupervisorError(
      'LEDGER_NOT_WRITTEN',
      `the ledger of the job could not be written: ${why}. Check the job's directory and run the job again.`,
      {
        cause: outcome.cause,
        retryable: true,
      },
    );
  }

  /** Sleeps, or less when asked to stop. */
  async #sleep(delayMs: number): Promise<void> {
    const { stop, clock } = this.#options;
    // The clock's timers may not hold the process; between two attempts nothing else does.
    const keepAlive = setInterval(() => {}, 1 << 30);
    await waitFor(clock, delayMs, stop);
    clearInterval(keepAlive);
  }
}

/** The ledger is small and cuts causes; the termination record of the same failure has room for more. */
function wholeCause(cut: string, recorded: string | undefined): string {
  return recorded?.startsWith(cut.replace(/…$/, '')) === true ? recorded : cut;
}

function withoutGivingUp(ledger: Ledger): Ledger {
  const { gaveUp: _, ...rest } = ledger;
  return rest;
}
