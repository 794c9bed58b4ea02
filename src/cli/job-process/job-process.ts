/**
 * One process of an attempt: contends for the leadership of the job, runs it when it leads, and ends with an exit code
 * and a termination record. Crash only: nothing is retried here.
 *
 * Order at the end, and why: the failure goes to the ledger (or the result to the job's object) first, the lease is given
 * back after it, the termination record is written before that. Whoever sees the lease free finds the reason.
 */
import { writeFileSync } from 'node:fs';
import {
  BrokenStateException,
  type CompletedCheckpointStore,
  type HighAvailabilityServices,
  type JsonValue,
  type LeaderSession,
  noteBegun,
  noteRestartStrategyInCode,
  reportFailure,
} from '../../ha/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { systemClock } from '../../lib/clock.ts';
import { causeChain, messageOf } from '../../lib/errors.ts';
import { encodeTerminationRecord, JOB_EXIT } from '../../lib/exit-codes.ts';
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import { encodeRestartStrategy } from '../../restart/index.ts';
import { openStorage, type Storage } from '../../storage/index.ts';
import {
  highestSavepointEpoch,
  JobMaster,
  type JobMasterOptions,
  type JobOutcome,
  nothingLeftToRestore,
  type RestDoor,
  type ServedJob,
  serveJob,
} from '../../stream/index.ts';
import { causeText, codeOf, type Ending, endingOf, exitCodeOf } from './failure-text.ts';
import { JobEnd } from './job-end.ts';
import type { JobOrder } from './job-order.ts';
import type { FromJobProcess } from './messages.ts';
import { openHa } from './open-ha.ts';
import { freePortInstead, restPortError } from './rest-port.ts';

/** What a job process needs of its surroundings. */
export interface JobProcessPorts {
  tell(message: FromJobProcess): void;
  /** Aborted by SIGTERM or SIGINT: stop at once, without a savepoint. */
  readonly stop: AbortSignal;
  /** Called with the services before the process contends: what a standby does meanwhile. Answers how to end that. */
  standBy?(services: HighAvailabilityServices): () => Promise<void>;
  /** Where requests come in, if that is open already. @default a door of its own, where the order says */
  readonly door?: RestDoor;
  /** Called where a crash would matter, so that a test can crash there. @default nothing happens */
  readonly faults?: FaultPoint;
  /** The module that worker threads run. @default the product's own */
  readonly workerEntry?: URL;
  /** How many worker threads. @default by the cores and the parallelism */
  readonly workers?: number;
}

/**
 * Where a crash of the main thread would matter, besides those of the coordinator and, as `ha-…` and `storage-…`, those
 * of the job's object and the storage.
 */
export const JOB_PROCESS_FAULT_POINTS = [
  'job-leads',
  'job-master-made',
  'job-result-recorded',
  'job-swept',
  'job-checkpoints-removed',
  'job-result-clean',
] as const;

/** Runs a job process to its end and returns the exit code. Never throws. */
export async function runJobProcess(order: JobOrder, ports: JobProcessPorts): Promise<number> {
  const process = new JobProcess(order, ports);
  try {
    return await process.run();
  } catch (error) {
    const ending = endingOf(error);
    process.writeRecord(ending);
    return ending.exitCode;
  }
}

/** The time in which this process leads. */
interface Term {
  publish(url: string): Promise<void>;
  /** By the clock, whatever was told by then. */
  leads(): boolean;
}

/** How long a process that ends with a savepoint waits for its caller to ask where it lies. */
const RESULTS_READ_MS = 2_000;

class JobProcess {
  readonly #order: JobOrder;
  readonly #ports: JobProcessPorts;
  readonly #faults: FaultPoint;
  #epoch = 0;
  #master: JobMaster | undefined;

  constructor(order: JobOrder, ports: JobProcessPorts) {
    this.#order = order;
    this.#ports = ports;
    this.#faults = ports.faults ?? noFaults;
  }

  async run(): Promise<number> {
    const { jobId, attempt, storageUri, highAvailability } = this.#order;
    const storage = this.#openStorage(storageUri);
    const ha = await openHa(highAvailability, {
      jobId,
      attempt,
      storage,
      epochElsewhere: () => highestSavepointEpoch(storage, jobId),
      warn: (message) => this.#ports.tell({ type: 'log', level: 'warn', message }),
      faults: (point) => this.#faults(`ha-${point}`),
    });
    const endStandby = this.#ports.standBy?.(ha.services);
    const ending = await this.#lead(ha.services);
    this.writeRecord(ending);
    await endStandby?.();
    await ha.close();
    return ending.exitCode;
  }

  writeRecord(ending: Ending): void {
    const record = { ...ending, attempt: this.#order.attempt, epoch: this.#epoch };
    try {
      writeFileSync(this.#order.terminationLog, encodeTerminationRecord(record));
    } catch (error) {
      // The exit code still says the essential; the record is for people.
      this.#ports.tell({ type: 'log', level: 'warn', message: `no termination record: ${messageOf(error)}` });
    }
  }

  #openStorage(uri: string): Storage {
    return openStorage(uri, { faults: (point) => this.#faults(`storage-${point}`) });
  }

  /** Contends until it leads, is stopped, or has lost; then runs the job. */
  #lead(services: HighAvailabilityServices): Promise<Ending> {
    const { promise, resolve, reject } = Promise.withResolvers<Ending>();
    const { stop } = this.#ports;
    const onStop = (): void => {
      // A running job ends through its master, so that its end is recorded in order.
      if (this.#master === undefined) resolve({ exitCode: JOB_EXIT.stopped, outcome: 'stopped' });
      else this.#master.stop();
    };
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
    const election = services.getJobManagerLeaderElectionService(this.#order.jobId);
    election.startLeaderElection({
      grantLeadership: (session) => {
        const { sessionId } = session;
        this.#runAsLeader(services, session, {
          publish: (url) => election.confirmLeadership(sessionId, url),
          leads: () => election.hasLeadership(sessionId),
        }).then(resolve, reject);
      },
      revokeLeadership: (cause) => {
        resolve({
          exitCode: JOB_EXIT.lostLeadership,
          outcome: 'lostLeadership',
          cause: messageOf(cause ?? 'another process leads'),
        });
        // The ending is settled; what still runs must not hold the process.
        this.#master?.stop();
      },
      handleError: reject,
    });
    return promise;
  }

  async #runAsLeader(services: HighAvailabilityServices, session: LeaderSession, term: Term): Promise<Ending> {
    this.#epoch = session.epoch;
    this.#ports.tell({ type: 'leading', epoch: session.epoch });
    await this.#faults('job-leads');
    try {
      return await this.#runJob(services, session, term);
    } catch (error) {
      // Not being able to run is not the job's failure, unless no restart can change it.
      if (!(error instanceof Error) || exitCodeOf(error) === JOB_EXIT.failed) throw error;
      return this.#recordFailure(services, error);
    }
  }

  async #runJob(services: HighAvailabilityServices, session: LeaderSession, term: Term): Promise<Ending> {
    const { jobId } = this.#order;
    const recovery = services.getCheckpointRecoveryFactory();
    const end = new JobEnd({
      services,
      storage: this.#openStorage(this.#order.storageUri),
      jobId,
      epoch: session.epoch,
      faults: this.#faults,
      warn: (message) => this.#ports.tell({ type: 'log', level: 'warn', message }),
    });
    // A winner that finds the result has nothing to run.
    if (await end.hasCome()) return { exitCode: JOB_EXIT.finished, outcome: 'finished' };
    const checkpointStore = await this.#recoverCheckpoints(services);
    // Not before it is known that there is all to restore: where files were moved away, nothing stands in their place.
    await services.takeOverStorage();
    const checkpointIds = recovery.createCheckpointIdCounter(jobId);
    await checkpointIds.start();
    const view = await services.getLedgerStore().read();
    const hasBegun = view?.ledger.hasBegun === true;
    const master = this.#createMaster(services, session, { checkpointStore, checkpointIds, hasBegun });
    this.#master = master;
    await this.#faults('job-master-made');
    const server = await this.#serve(master, term.leads);
    await term.publish(server.url);
    this.#ports.tell({ type: 'serving', url: server.url, jobId });
    const outcome = this.#ports.stop.aborted ? ({ outcome: 'stopped' } as const) : await master.run();
    const ending = await this.#conclude(services, outcome, () => end.record(outcome, master, checkpointStore));
    // Before the address falls silent: whoever finds nobody there finds out why.
    this.writeRecord(ending);
    // Whoever asked for the savepoint learns where it lies from this process or not at all.
    const tellsSavepoint = outcome.outcome === 'stoppedWithSavepoint' || outcome.outcome === 'cancelled';
    if (tellsSavepoint) await server.resultsRead(RESULTS_READ_MS);
    await server.close();
    return ending;
  }

  /** @throws SuppressRestartsException when the records of all checkpoints are broken: no restart brings them back */
  async #recoverCheckpoints(services: HighAvailabilityServices): Promise<CompletedCheckpointStore> {
    const { jobId, checkpoints } = this.#order;
    try {
      return await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(jobId, checkpoints.retained);
    } catch (error) {
      const broken = causeChain(error).find((each) => each instanceof BrokenStateException);
      if (broken === undefined) throw error;
      throw nothingLeftToRestore([{ directory: `${this.#order.storageUri}/${broken.path}`, problem: broken.message }]);
    }
  }

  /** @throws InvalidJobError when the port cannot be had and no other one will do */
  async #serve(master: JobMaster, leads: () => boolean): Promise<ServedJob> {
    const { rest } = this.#order;
    try {
      return await serveJob(master, this.#ports.door ?? rest, leads);
    } catch (error) {
      const instead = rest.orFree === true ? freePortInstead(error, rest) : undefined;
      if (instead === undefined) throw restPortError(error, rest);
      this.#ports.tell({ type: 'log', level: 'warn', message: instead });
      return serveJob(master, { ...rest, port: 0 }, leads);
    }
  }

  #createMaster(
    services: HighAvailabilityServices,
    session: LeaderSession,
    {
      checkpointStore,
      checkpointIds,
      hasBegun,
    }: Pick<JobMasterOptions, 'checkpointStore' | 'checkpointIds'> & { readonly hasBegun: boolean },
  ): JobMaster {
    const order = this.#order;
    const log = (level: 'info' | 'warn') => (message: string, facts?: Readonly<Record<string, unknown>>) =>
      this.#ports.tell({ type: 'log', level, message, ...(facts === undefined ? {} : { facts }) });
    return new JobMaster({
      program: { ...order.program, maxParallelism: order.program.maxParallelism },
      jobId: order.jobId,
      jobName: order.jobName,
      attempt: order.attempt,
      epoch: session.epoch,
      storage: this.#openStorage(order.storageUri),
      storageUri: order.storageUri,
      checkpointStore,
      checkpointIds,
      checkpoints: order.checkpoints,
      ...(order.savepoints === undefined ? {} : { savepoints: order.savepoints }),
      restoreFrom: order.restoreFrom,
      allowNonRestoredState: order.allowNonRestoredState,
      begun: { before: hasBegun, note: () => services.getLedgerStore().amend(noteBegun) },
      clock: systemClock,
      random: Math.random,
      faults: this.#faults,
      ...(this.#ports.workerEntry === undefined ? {} : { workerEntry: this.#ports.workerEntry }),
      ...(this.#ports.workers === undefined ? {} : { workers: this.#ports.workers }),
      log: { info: log('info'), warn: log('warn') },
      onEvent: (event) => this.#ports.tell({ type: 'event', event }),
      onProgram: async (environment) => {
        const strategy = environment.getRestartStrategy();
        const stored = strategy === undefined ? undefined : (encodeRestartStrategy(strategy) as unknown as JsonValue);
        await services.getLedgerStore().amend((ledger) => noteRestartStrategyInCode(ledger, stored));
      },
    });
  }

  /** Writes down how the attempt ended, before the lease is given back. */
  async #conclude(
    services: HighAvailabilityServices,
    outcome: JobOutcome,
    recordEnd: () => Promise<void>,
  ): Promise<Ending> {
    switch (outcome.outcome) {
      case 'finished':
      case 'cancelled':
        await recordEnd();
        return { exitCode: JOB_EXIT.finished, outcome: 'finished' };
      case 'stoppedWithSavepoint':
        return { exitCode: JOB_EXIT.finished, outcome: 'stoppedWithSavepoint', savepoint: outcome.savepoint };
      case 'stopped':
        return { exitCode: JOB_EXIT.stopped, outcome: 'stopped' };
      case 'failed':
        return this.#recordFailure(services, outcome.error);
      default:
        return assertNever(outcome);
    }
  }

  async #recordFailure(services: HighAvailabilityServices, error: Error): Promise<Ending> {
    const exitCode = exitCodeOf(error);
    const cause = causeText(error);
    const code = codeOf(error);
    const suppressRestarts = exitCode !== JOB_EXIT.failed;
    const report = {
      at: systemClock.now(),
      epoch: this.#epoch,
      cause,
      suppressRestarts,
      ...(exitCode === JOB_EXIT.invalid ? { isInvalid: true as const } : {}),
      ...(code === undefined ? {} : { code }),
    };
    await services.getLedgerStore().amend((ledger) => reportFailure(ledger, this.#order.attempt, report));
    const outcome = exitCode === JOB_EXIT.invalid ? 'invalid' : 'failed';
    return { exitCode, outcome, cause, ...(code === undefined ? {} : { code }) };
  }
}
