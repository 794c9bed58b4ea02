/** Where a local job is in its life, in one word and in one line. Pure. */
import type { JobStatus } from '../../flink/index.ts';
import { type JobResult, type Ledger, nextAttemptAt, openAttemptOf } from '../../ha/index.ts';
import type { TerminationRecord } from '../../lib/exit-codes.ts';
import type { LocalJobRecord } from './local-job.ts';
import { gaveUpOf } from './restarts-in-force.ts';

/** Words of the resource's status, as far as a job on one machine has them, and `Stopped`: nobody runs it, and it can go on. */
export type LocalPhase = 'Starting' | 'Running' | 'Restarting' | 'Suspended' | 'Stopped' | 'Finished' | 'Failed';

/** What the phase follows from. */
export interface PhaseFacts {
  readonly ledger: Ledger;
  readonly isSupervised: boolean;
  /** As the running process says; undefined when none answers. */
  readonly running: JobStatus | undefined;
  readonly result: JobResult['application-status'] | undefined;
  /** What the last process of the open attempt said when it ended; undefined while it runs, and when it was killed. */
  readonly ended: Pick<TerminationRecord, 'outcome' | 'savepoint'> | undefined;
  /** Why it was given up, in plain words. @default the ledger's, which are Flink's */
  readonly gaveUp?: string | undefined;
}

export interface PhaseAnswer {
  readonly phase: LocalPhase;
  /** Why, or since what; absent where the word says it all. */
  readonly reason?: string;
  /** When the next attempt opens, while one is waited for. */
  readonly nextAt?: number;
}

/** The same of a job as it was found. `running`: as its process says; undefined when none answers. */
export function phaseOfJob(
  record: Pick<LocalJobRecord, 'ledger' | 'settings' | 'supervisorPid' | 'result' | 'ended'>,
  running: JobStatus | undefined,
): PhaseAnswer {
  const { ledger, supervisorPid, result, ended } = record;
  const status = result?.['application-status'];
  const isSupervised = supervisorPid !== undefined;
  return phaseOf({ ledger, isSupervised, running, result: status, ended, gaveUp: gaveUpOf(record) });
}

/** The first rule that speaks decides. */
export function phaseOf(facts: PhaseFacts): PhaseAnswer {
  return onceEnded(facts) ?? whileRunning(facts) ?? whileSupervised(facts) ?? whileNobodyRunsIt(facts);
}

/** The process has settled how the attempt ends, and its supervisor, where there is one, has yet to write it down. */
function onceEnded({ ledger, isSupervised, result, ended }: PhaseFacts): PhaseAnswer | undefined {
  const open = openAttemptOf(ledger);
  if (result === 'CANCELED') return { phase: 'Finished', reason: 'it was cancelled' };
  if (result !== undefined) return { phase: 'Finished' };
  if (open === undefined) return undefined;
  if (ended?.outcome === 'stoppedWithSavepoint') {
    return { phase: 'Suspended', reason: `stopped with savepoint ${ended.savepoint ?? ''}`.trim() };
  }
  if (!isSupervised) return undefined;
  if (open.reported !== undefined) {
    const { suppressRestarts, cause } = open.reported;
    return suppressRestarts === true ? { phase: 'Failed', reason: cause } : { phase: 'Restarting', reason: HAS_FAILED };
  }
  return ended?.outcome === 'failed' ? { phase: 'Restarting', reason: HAS_FAILED } : undefined;
}

const HAS_FAILED = 'the attempt has failed';

function whileRunning({ running, ledger }: PhaseFacts): PhaseAnswer | undefined {
  switch (running) {
    case undefined:
      return undefined;
    case 'FINISHED':
    case 'CANCELED':
    case 'FAILED':
    case 'SUSPENDED':
      // It has not written down yet how it ended; once the attempt is closed, the ledger says what follows.
      return openAttemptOf(ledger) === undefined ? undefined : { phase: 'Running', reason: 'it is ending' };
    case 'FAILING':
      return { phase: 'Restarting', reason: 'the attempt is failing' };
    case 'CANCELLING':
      return { phase: 'Running', reason: 'it is being cancelled' };
    case 'RUNNING':
      return { phase: 'Running' };
    case 'CREATED':
    case 'INITIALIZING':
    case 'RESTARTING':
    case 'RECONCILING':
      return starting(ledger);
  }
}

function whileSupervised({ isSupervised, ledger }: PhaseFacts): PhaseAnswer | undefined {
  if (!isSupervised) return undefined;
  if (openAttemptOf(ledger) !== undefined || ledger.attempts.length === 0) return starting(ledger);
  const nextAt = nextAttemptAt(ledger);
  return nextAt === undefined ? undefined : { phase: 'Restarting', nextAt };
}

/** An attempt after a failure is a restart; any other is a start. */
function starting(ledger: Ledger): PhaseAnswer {
  const before = ledger.attempts.findLast(({ end }) => end !== undefined);
  const isRestart = before?.end?.how === 'failed' || before?.end?.how === 'crashed';
  return { phase: isRestart ? 'Restarting' : 'Starting' };
}

function whileNobodyRunsIt({ ledger, gaveUp }: PhaseFacts): PhaseAnswer {
  const last = ledger.attempts.at(-1);
  if (ledger.gaveUp !== undefined) return { phase: 'Failed', reason: gaveUp ?? ledger.gaveUp.reason };
  if (last?.end?.how === 'finished') return { phase: 'Finished' };
  if (last?.end?.how === 'replaced') return { phase: 'Suspended', reason: last.end.cause };
  if (last === undefined) return { phase: 'Stopped', reason: 'it never started' };
  return { phase: 'Stopped', reason: 'nobody runs it; it goes on from its newest checkpoint' };
}
