/**
 * Takes a savepoint every so often and removes the oldest of those it took itself (`spec.savepoints`).
 *
 *     look at storage ──► due? ──► take ──► remove what is beyond the number retained ──► wait
 *
 * When the next one is due follows from the savepoints that lie in storage, not from when this process began: a job that
 * is restarted every hour still has its daily savepoint. Which of them are its own, their names say; what somebody asked
 * for by hand is never touched. A process that dies while it takes or removes one leaves files without a manifest, which
 * nobody takes for a savepoint; the next leader removes them. Pure decisions first, then who carries them out.
 */
import type { Clock, Instant } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { waitFor } from '../../lib/waiting.ts';
import type { Storage } from '../../storage/index.ts';
import { discardCheckpoint } from '../checkpoint/discard-checkpoint.ts';
import { CheckpointError } from '../checkpoint/errors.ts';
import { CheckpointException } from '../checkpoint/failure-reasons.ts';
import {
  automaticSavepointPrefix,
  directoryOfPointer,
  epochOfAutomaticSavepoint,
  MANIFEST_NAME,
  manifestPath,
} from '../checkpoint/locations.ts';
import type { CheckpointManifest } from '../checkpoint/manifest.ts';
import { readManifest } from '../checkpoint/manifest-codec.ts';
import type { JobLog } from './settings.ts';

/** When savepoints are taken and how many are kept. */
export interface SavepointSettings {
  readonly intervalMs: number;
  readonly retained: number;
  /** The first one is due an interval after this: when the job came into the world. Wall clock. */
  readonly since: Instant;
}

/** A savepoint that was taken automatically. */
export interface AutomaticSavepoint {
  readonly directory: string;
  readonly epoch: number;
  readonly checkpointId: number;
  /** When it was triggered: wall clock. */
  readonly timestamp: Instant;
}

/** What a decision is made from. */
export interface SavepointFacts {
  readonly now: Instant;
  readonly settings: SavepointSettings;
  /** In any order. */
  readonly taken: readonly AutomaticSavepoint[];
}

export type SavepointDecision = { readonly do: 'take' } | { readonly do: 'wait'; readonly untilMs: Instant };

/** Longest sleep, also after a failure: the wall clock may be set, and a machine may sleep. */
const LONGEST_WAIT_MS = 10 * 60_000;

/** Take one now, or look again later. Those that were missed are made up for by one. */
export function decideSavepoint({ now, settings, taken }: SavepointFacts): SavepointDecision {
  const { intervalMs, since } = settings;
  // A time to come is of a clock that was set back since: waiting for it could take years.
  const past = [since, ...taken.map(({ timestamp }) => timestamp)].filter((instant) => instant <= now);
  const untilMs = Math.max(...past) + intervalMs;
  return now >= untilMs || past.length === 0 ? { do: 'take' } : { do: 'wait', untilMs };
}

/** Those that make room for the newest `retained`. */
export function surplusSavepoints(taken: readonly AutomaticSavepoint[], retained: number): AutomaticSavepoint[] {
  return [...taken].sort((a, b) => b.epoch - a.epoch || b.checkpointId - a.checkpointId).slice(retained);
}

/** The automatic savepoints of a job that lie whole in the root of its storage. One that cannot be read is left alone. */
export async function automaticSavepoints(storage: Storage, jobId: string): Promise<AutomaticSavepoint[]> {
  const found: AutomaticSavepoint[] = [];
  for (const path of await storage.listBeginning(automaticSavepointPrefix(jobId))) {
    if (!path.endsWith(`/${MANIFEST_NAME}`)) continue;
    const directory = directoryOfPointer(path);
    const manifest = directory.includes('/') ? undefined : await manifestIn(storage, directory);
    if (manifest?.jobId === jobId) found.push(savepointOf(directory, manifest));
  }
  return found;
}

/**
 * Directories without a manifest that earlier leaders left: they died while they took an automatic savepoint, or while
 * they removed one. Those of this epoch and later ones are somebody's work under way. Pure.
 */
export function unfinishedSavepoints(paths: readonly string[], jobId: string, epoch: number): string[] {
  const present = new Set(paths);
  const directories = new Set(paths.flatMap((path) => (path.includes('/') ? [path.slice(0, path.indexOf('/'))] : [])));
  return [...directories].filter((directory) => {
    const written = epochOfAutomaticSavepoint(directory, jobId);
    return written !== undefined && written < epoch && !present.has(manifestPath(directory));
  });
}

/** What the savepoints of one attempt need. */
export interface PeriodicSavepointsOptions {
  readonly settings: SavepointSettings;
  readonly jobId: string;
  readonly epoch: number;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly log: JobLog;
  /** Takes one and answers its directory within the storage. */
  take(): Promise<string>;
}

/** Takes and removes savepoints until the signal fires. Never throws: a failure is said, and tried again. */
export async function takePeriodicSavepoints(options: PeriodicSavepointsOptions, signal: AbortSignal): Promise<void> {
  const { settings, jobId, epoch, clock, storage, log } = options;
  let taken: readonly AutomaticSavepoint[] | undefined;
  while (!signal.aborted) {
    try {
      if (taken === undefined) {
        const paths = await storage.listBeginning(automaticSavepointPrefix(jobId));
        const unfinished = unfinishedSavepoints(paths, jobId, epoch);
        for (const directory of unfinished) await storage.deleteTree(directory);
        taken = await withoutSurplus(storage, await automaticSavepoints(storage, jobId), settings.retained);
      }
      const decision = decideSavepoint({ now: clock.now(), settings, taken });
      if (decision.do === 'wait') {
        await sleep(clock, decision.untilMs - clock.now(), signal);
        continue;
      }
      const directory = await options.take();
      taken = [...taken, savepointOf(directory, await readManifest(storage, directory))];
      // At once, also when the job ends meanwhile: at rest there are never more than are to be kept.
      taken = await withoutSurplus(storage, taken, settings.retained);
      log.info(`took automatic savepoint ${storage.uri.replace(/\/+$/, '')}/${directory}`);
    } catch (error) {
      // The job ends: it takes no more savepoints of its own, and nothing has gone wrong.
      if (signal.aborted || isShutdown(error)) return;
      log.warn('an automatic savepoint was not taken, or an old one not removed; tried again later', {
        cause: messageOf(error),
      });
      await sleep(clock, settings.intervalMs, signal);
    }
  }
}

function isShutdown(error: unknown): boolean {
  return error instanceof CheckpointException && error.reason === 'CHECKPOINT_COORDINATOR_SHUTDOWN';
}

async function withoutSurplus(
  storage: Storage,
  taken: readonly AutomaticSavepoint[],
  retained: number,
): Promise<readonly AutomaticSavepoint[]> {
  const surplus = surplusSavepoints(taken, retained);
  for (const { directory } of surplus) await discardCheckpoint(storage, directory);
  return taken.filter((each) => !surplus.includes(each));
}

async function manifestIn(storage: Storage, directory: string): Promise<CheckpointManifest | undefined> {
  try {
    return await readManifest(storage, directory);
  } catch (error) {
    if (error instanceof CheckpointError) return undefined;
    throw error;
  }
}

function savepointOf(directory: string, { epoch, checkpointId, timestamp }: CheckpointManifest): AutomaticSavepoint {
  return { directory, epoch, checkpointId, timestamp };
}

function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return waitFor(clock, Math.min(LONGEST_WAIT_MS, Math.max(0, delayMs)), signal);
}
