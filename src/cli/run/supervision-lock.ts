/**
 * One supervisor per local job: a second one would restart what the first restarts.
 *
 * The lock is a value that is changed by compare-and-set (VersionedFile), never a file that is deleted and made again: of
 * several that find its holder dead, each computes the next version from the same one, and one of them gets it. A crash
 * leaves a lock whose holder is gone, which is as good as none.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { currentProcess, livenessOf, type ProcessIdentity, VersionedFile } from '../../ha/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { causeChain } from '../../lib/errors.ts';
import { errnoOf } from '../../storage/index.ts';
import { JobHomeError, type JobPlace, unwritableHome } from './job-home.ts';

/**
 * Takes the job for this process and resolves with what gives it back. A lock of a process that is gone is taken over.
 * Giving it back twice, or after somebody else has taken it, does nothing.
 * @throws JobHomeError when another process supervises the job
 */
export async function lockSupervision({ directory, name }: JobPlace): Promise<() => Promise<void>> {
  const lock = lockIn(directory);
  const mine: Holder = { ...currentProcess(), machine: hostname(), term: randomUUID() };
  let refused: unknown;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const found = await lock.read().catch((cause: unknown) => {
      throw unwritableHome(directory, cause);
    });
    const holder = found?.value;
    // The answer of the last try was lost, and it had come through.
    if (holder?.term === mine.term) return () => release(lock, mine);
    if (holder !== undefined && !isFree(holder)) throw alreadySupervised(name, holder, lock.directory);
    const answer = await lock.compareAndSet(found, mine);
    if (answer.answer === 'failed') throw unwritableHome(directory, systemErrorIn(answer.cause));
    if (answer.answer === 'done') {
      await lock.sweepTemporary(systemClock.now() - ABANDONED_AFTER_MS);
      return () => release(lock, mine);
    }
    refused = answer.answer === 'unknown' ? systemErrorIn(answer.cause) : undefined;
  }
  // Not somebody else, but the file system: it does not let a file have a second name.
  if (errnoOf(refused) !== undefined) throw unwritableHome(directory, refused);
  throw new JobHomeError('JOB_ALREADY_SUPERVISED', `job ${name} is being taken by another process. Try again.`);
}

/** The process that runs a job at this moment; undefined when none does. */
export async function supervisorOf({ directory }: JobPlace): Promise<ProcessIdentity | undefined> {
  const holder = (await lockIn(directory).read())?.value;
  return holder === undefined || isFree(holder) ? undefined : holder;
}

/** What the system said, below our own words for it. */
function systemErrorIn(error: unknown): unknown {
  return causeChain(error).at(-1);
}

/** Each failed try means that somebody else has taken or given back the job meanwhile. */
const MOST_TRIES = 10;
/** Temporary files older than this are of processes that were killed while they wrote. */
const ABANDONED_AFTER_MS = 60_000;

/** Who holds a job. `machine` tells a process from before a restart of this machine from one on another. */
interface Holder extends ProcessIdentity {
  readonly machine: string;
  /** Unique to one taking. Empty: it was given back. */
  readonly term: string;
}

function lockIn(directory: string): VersionedFile<Holder> {
  return new VersionedFile({
    directory: join(directory, 'supervisor'),
    parse: parseHolder,
    newId: randomUUID,
    // A power failure ends the holder as well.
    durable: false,
    keep: 4,
  });
}

function parseHolder(json: unknown): Holder | undefined {
  const { pid, startedAt, host, machine, term } = (json ?? {}) as Partial<Record<keyof Holder, unknown>>;
  const words = [startedAt, host, machine, term];
  return Number.isInteger(pid) && words.every((each) => typeof each === 'string') ? (json as Holder) : undefined;
}

/** Only while it is still this taking that holds: the next holder's lock is none of our business. */
async function release(lock: VersionedFile<Holder>, mine: Holder): Promise<void> {
  const found = await lock.read();
  // One that could not be given back is that of a process which ends now, and is free by that.
  if (found?.value?.term === mine.term) await lock.compareAndSet(found, { ...mine, term: '' });
}

/** Given back, or its process is gone: the machine says so, or the machine itself has been restarted since. */
function isFree(holder: Holder): boolean {
  const isOfEarlierBoot = holder.machine === hostname() && bootOf(holder) !== bootOf(currentProcess());
  return holder.term === '' || isOfEarlierBoot || livenessOf(holder) === 'dead';
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
