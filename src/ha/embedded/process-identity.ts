import { readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../../storage/index.ts';

/** Which process this is, so that others on the machine can tell whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the words of the kernel; empty where those are not to be had. A number is reused, this is not. */
  readonly startedAt: string;
  /** Boot and process namespace: a number means nothing outside them. */
  readonly host: string;
}

/** alive and dead are certain; unknown is what another machine or container gets. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** The process that runs this. */
export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, startedAt: statusOf(process.pid)?.startedAt ?? '', host: currentHost() };
}

/**
 * Whether a process still runs. One that has ended but whose parent has not yet asked for its exit code is dead: it
 * writes nothing any more.
 */
export function livenessOf({ pid, startedAt, host }: ProcessIdentity): Liveness {
  if (host !== currentHost()) return 'unknown';
  const status = statusOf(pid);
  if (status !== undefined) {
    return status.startedAt !== startedAt || status.hasEnded ? 'dead' : 'alive';
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return 'dead';
  }
  // Without the start time a live number may be somebody else's: only its lease can tell.
  return 'unknown';
}

function currentHost(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `${process.platform} without /proc`;
  }
}

/** Fields 3 and 22 of /proc/<pid>/stat, counted after the name, which may contain blanks and brackets. */
function statusOf(pid: number): { readonly startedAt: string; readonly hasEnded: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? '';
    return { startedAt: fields[19] ?? '', hasEnded: state === 'Z' || state === 'X' };
  } catch {
    return undefined;
  }
}
