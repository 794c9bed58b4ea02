/** What is recorded of a failure, from the error that it ended with. Pure. */
import { causeChain, messageOf } from '../../lib/errors.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import { SuppressRestartsException } from '../../lib/java-errors.ts';
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
