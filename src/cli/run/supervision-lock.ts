/** One supervisor per local job: a second one would restart what the first restarts. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { currentProcess, livenessOf, type ProcessIdentity } from '../../ha/index.ts';
import { JobHomeError, type JobPlace, unwritableHome } from './job-home.ts';

/**
 * Takes the job for this process and returns what gives it back. A lock of a process that is gone is taken over.
 * @throws JobHomeError when another process supervises the job
 */
export function lockSupervision({ directory, name }: JobPlace): () => void {
  const lock = lockOf(directory);
  const mine = join(directory, `.supervisor.${process.pid}.json`);
  try {
    writeFileSync(mine, JSON.stringify({ ...currentProcess(), machine: hostname() } satisfies Holder));
  } catch (cause) {
    rmSync(mine, { force: true });
    throw unwritableHome(directory, cause);
  }
  try {
    for (let tries = 0; tries < 3; tries++) {
      if (tryLink(mine, lock)) return () => rmSync(lock, { force: true });
      const holder = readHolder(lock);
      if (holder !== undefined && !isGone(holder)) throw alreadySupervised(name, holder, lock);
      rmSync(lock, { force: true });
    }
    throw new JobHomeError('JOB_ALREADY_SUPERVISED', `job ${name} is being taken by another process. Try again.`);
  } finally {
    rmSync(mine, { force: true });
  }
}

/** The process that runs a job at this moment; undefined when none does. */
export function supervisorOf({ directory }: JobPlace): ProcessIdentity | undefined {
  const holder = readHolder(lockOf(directory));
  return holder === undefined || isGone(holder) ? undefined : holder;
}

/** Who holds a job. `machine` tells a process from before a restart of this machine from one on another. */
interface Holder extends ProcessIdentity {
  readonly machine?: string;
}

/** A process is gone when the machine says so, or when the machine itself has been restarted since. */
function isGone(holder: Holder): boolean {
  const isOfEarlierBoot = holder.machine === hostname() && bootOf(holder) !== bootOf(currentProcess());
  return isOfEarlierBoot || livenessOf(holder) === 'dead';
}

/** The boot comes first in the name of the place where a process number means something. */
function bootOf({ host }: ProcessIdentity): string {
  return host.split(' ', 1)[0] ?? '';
}

function alreadySupervised(name: string, holder: Holder, lock: string): JobHomeError {
  const remedy =
    livenessOf(holder) === 'alive'
      ? 'Stop that one first.'
      : `It is of another machine or container, so it cannot be seen from here: stop it there, or remove ${lock} when it is gone.`;
  return new JobHomeError('JOB_ALREADY_SUPERVISED', `job ${name} is already run by process ${holder.pid}. ${remedy}`);
}

function lockOf(directory: string): string {
  return join(directory, 'supervisor.json');
}

/** A link either succeeds or finds the lock taken; there is no moment in between. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(lock: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Holder;
  } catch (error) {
    // Given back just now: the next try takes it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
