/** What is recorded of a failure, from the error that it ended with. Pure. */
import { NotLeaderException } from '../../ha/index.ts';
import { causeChain, messageOf } from '../../lib/errors.ts';
import { JOB_EXIT, type TerminationRecord } from '../../lib/exit-codes.ts';
import { SuppressRestartsException } from '../../lib/java-errors.ts';
import { StorageError } from '../../storage/index.ts';
import { InvalidJobError, JobGraphError } from '../../stream/index.ts';

/** The messages of the chain as one text: outermost first, and none that one before it has said already. */
export function causeText(error: Error): string {
  const said: string[] = [];
  // That restarts are suppressed says nothing of why; the exit code says it already.
  const telling = causeChain(error).filter((each) => !(each instanceof SuppressRestartsException && each.cause));
  for (const message of telling.map(messageOf)) {
    if (!said.some((before) => before.includes(message))) said.push(message);
  }
  return said.map((message) => message.replace(/\.$/, '')).join(': ');
}

/** The exit code that a failure ends the process with. */
export function exitCodeOf(error: Error): number {
  const chain = causeChain(error);
  if (chain.some((each) => each instanceof InvalidJobError || each instanceof JobGraphError)) return JOB_EXIT.invalid;
  const isSuppressed = chain.some((each) => (each as { code?: unknown } | null)?.code === 'SUPPRESS_RESTARTS');
  return isSuppressed ? JOB_EXIT.suppressRestarts : JOB_EXIT.failed;
}

/** The outermost code that names a reason: wrappers that only say what follows from it are passed over. */
export function codeOf(error: Error): string | undefined {
  const codes = causeChain(error).map((each) => (each as { code?: unknown } | null)?.code);
  const isReason = (code: unknown): code is string =>
    typeof code === 'string' && /^[A-Z_]+$/.test(code) && !WRAPPING_CODES.has(code);
  return codes.find(isReason) ?? codes.find((code): code is string => typeof code === 'string');
}

const WRAPPING_CODES: ReadonlySet<string> = new Set(['SUPPRESS_RESTARTS', 'FLINK_RUNTIME', 'JOB_FAILED']);

/** How a process ends, without what it knows of itself. */
export type Ending = Omit<TerminationRecord, 'attempt' | 'epoch'>;

/**
 * What becomes of a process that stopped with an error which is not the job's: the storage or the HA directory is out of
 * reach, or a mistake of ours. A write that was refused because another leads is the loss of leadership, also where nobody
 * had been told of it yet: it is no failure of the job.
 */
export function endingOf(error: unknown): Ending {
  const chain = causeChain(error);
  const isLost = chain.some((each) => each instanceof NotLeaderException);
  const how = isLost
    ? ({ exitCode: JOB_EXIT.lostLeadership, outcome: 'lostLeadership' } as const)
    : ({ exitCode: JOB_EXIT.failed, outcome: 'failed' } as const);
  const address = chain.find((each) => each instanceof StorageError && each.code.startsWith('STORAGE_URI_'));
  if (address instanceof StorageError) {
    // No attempt comes further while the resource names this storage.
    return { exitCode: JOB_EXIT.suppressRestarts, outcome: 'failed', cause: messageOf(error), code: address.code };
  }
  return { ...how, cause: messageOf(error) };
}
