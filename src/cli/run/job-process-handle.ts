/** A job process seen from its supervisor: started, told to stop, and judged by what it leaves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeTerminationRecord, type TerminationRecord } from '../../lib/exit-codes.ts';
import { JOB_ORDER_VARIABLE, type JobOrder } from '../job-process/job-order.ts';
import type { FromJobProcess } from '../job-process/messages.ts';
import type { JobHome } from './job-home.ts';

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly termination: TerminationRecord | undefined;
}

export interface JobProcessHandle {
  readonly pid: number;
  readonly attempt: number;
  /** Resolves once; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Flags of Node.js for job processes. */
export const JOB_NODE_FLAGS: readonly string[] = ['--disable-warning=ExperimentalWarning'];

/** Starts the process of an attempt. Its stdout is ours, so that a job may print; its stderr goes to `onStderr`. */
export function startJobProcess(
  order: JobOrder,
  listener: { onMessage(message: FromJobProcess): void; onStderr(text: string): void },
): JobProcessHandle {
  // A record of an earlier process of the same attempt would be taken for this one's.
  rmSync(order.terminationLog, { force: true });
  const isSource = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(isSource ? '../job-process/entry.ts' : './job-process.js', import.meta.url));
  const child = spawn(process.execPath, [...JOB_NODE_FLAGS, entry], {
    cwd: order.program.workingDirectory,
    env: { ...process.env, [JOB_ORDER_VARIABLE]: JSON.stringify(order) },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // Ctrl-C on a terminal reaches the whole group: the supervisor alone decides how the job ends, else it would end here
    // and now, without its savepoint. When the supervisor is gone, the closed channel ends the process.
    detached: true,
  });
  child.on('message', (message) => listener.onMessage(message as FromJobProcess));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => listener.onStderr(text));
  return {
    pid: child.pid ?? -1,
    attempt: order.attempt,
    ended: endOf(child, order.terminationLog),
    kill: (signal) => void child.kill(signal),
  };
}

function endOf(child: ChildProcess, terminationLog: string): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.on('error', (error) =>
      resolve({ exitCode: undefined, signal: `failure to start: ${error.message}`, termination: undefined }),
    );
    child.on('close', (exitCode, signal) =>
      resolve({
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        termination: readTermination(terminationLog),
      }),
    );
  });
}

/** Where the process of an attempt leaves its termination record. */
export function terminationLogOf({ processDirectory }: Pick<JobHome, 'processDirectory'>, attempt: number): string {
  return join(processDirectory, `attempt-${attempt}.json`);
}

/** What a process left when it ended; undefined when it left nothing. */
export function readTermination(file: string): TerminationRecord | undefined {
  try {
    return decodeTerminationRecord(readFileSync(file, 'utf8'));
  } catch {
    // A process that was killed leaves none: that is what its end is judged by.
    return undefined;
  }
}
