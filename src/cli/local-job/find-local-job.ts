/** Finds a local job by name, and its running process where there is one. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FlinkClient, FlinkResponseError, FlinkRestError, FlinkUnreachableError } from '../../flink/index.ts';
import {
  decodeLeaderInformation,
  decodeLedger,
  embeddedBackend,
  type HaSnapshot,
  type JobResult,
  jobResultKey,
  LEDGER_KEY,
  leaderKey,
  livenessOf,
  openAttemptOf,
  readEmbeddedLease,
} from '../../ha/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { TerminationRecord } from '../../lib/exit-codes.ts';
import { localStorageUri, settingsOf } from '../run/job-file.ts';
import { findJobHome, type JobHome } from '../run/job-home.ts';
import { readTermination, terminationLogOf } from '../run/job-process-handle.ts';
import { readLastRun } from '../run/last-run.ts';
import { supervisorOf } from '../run/supervision-lock.ts';
import type { LocalJob, LocalJobRecord, RunningLeader } from './local-job.ts';

const DEFAULT_NAMESPACE = 'default';
/** A process of this machine answers at once or not at all. */
const ANSWER_WITHIN_MS = 5_000;
/** What Kubernetes allows as a name; everything else would lead out of the directory. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * The job `[namespace/]name` below `home`.
 * @throws JobHomeError, HaError when what is kept of it is damaged
 */
export async function findLocalJob(wanted: string, home: string): Promise<LocalJob> {
  const found = homeOf(wanted, home);
  if (found === undefined) return { is: 'notFound', wanted, home, known: knownJobs(home) };
  const record = await readRecord(found);
  const leader = await leaderOf(record);
  // Nobody answers: what was written before the last process fell silent may be newer than what was read before it did.
  if (leader === undefined) return { is: 'notRunning', record: await readRecord(found) };
  return { is: 'running', record, leader };
}

/** Whether there is a job of this name below `home`; one whose record is damaged is there. Nothing is asked. */
export function hasLocalJob(wanted: string, home: string): boolean {
  try {
    return homeOf(wanted, home) !== undefined;
  } catch {
    return true;
  }
}

/** What is kept of a job. */
async function readRecord(home: JobHome): Promise<LocalJobRecord> {
  const { jobId, haDirectory } = home;
  const { handles } = embeddedBackend({ directory: haDirectory, jobId, clock: systemClock, newId: () => '' });
  const snapshot = await handles.read();
  const lastRun = readLastRun(home);
  const settings = lastRun === undefined ? undefined : settingsOf(lastRun.file);
  const ledger = decodeLedger(snapshot?.entries.get(LEDGER_KEY), handles.name);
  return {
    home,
    title: titleOf(home.namespace, home.name),
    lastRun,
    settings,
    ledger,
    snapshot,
    result: resultIn(snapshot, jobId),
    ended: endedIn(home, openAttemptOf(ledger)?.number),
    supervisorPid: (await supervisorOf(home))?.pid,
    storageUri: settings === undefined ? home.storageUri : localStorageUri(settings, home, lastRun?.storage),
  };
}

function resultIn(snapshot: HaSnapshot | undefined, jobId: string): JobResult | undefined {
  const text = snapshot?.entries.get(jobResultKey(jobId));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as { result?: JobResult }).result;
  } catch {
    // Damaged: the ledger still says that the job ended.
    return undefined;
  }
}

function endedIn(home: JobHome, attempt: number | undefined): TerminationRecord | undefined {
  const record = attempt === undefined ? undefined : readTermination(terminationLogOf(home, attempt));
  return record?.attempt === attempt ? record : undefined;
}

/** Names of all jobs below a home, as they are to be typed. */
function knownJobs(home: string): string[] {
  return foldersOf(resolve(home))
    .flatMap((namespace) =>
      foldersOf(join(resolve(home), namespace))
        .filter((name) => isJob(home, namespace, name))
        .map((name) => titleOf(namespace, name)),
    )
    .sort();
}

function homeOf(wanted: string, home: string): JobHome | undefined {
  const [name = '', namespace = DEFAULT_NAMESPACE, ...rest] = wanted.split('/').reverse();
  if (rest.length > 0 || !NAME.test(name) || !NAME.test(namespace)) return undefined;
  return findJobHome(home, namespace, name);
}

/** One whose record is damaged is a job too: it is to be found, and said to be damaged. */
function isJob(home: string, namespace: string, name: string): boolean {
  try {
    return NAME.test(namespace) && NAME.test(name) && findJobHome(home, namespace, name) !== undefined;
  } catch {
    return true;
  }
}

function titleOf(namespace: string, name: string): string {
  return namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;
}

function foldersOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // No such directory, or not one that can be listed: there are no jobs to name.
    return [];
  }
}

async function leaderOf({ home, snapshot }: LocalJobRecord): Promise<RunningLeader | undefined> {
  const { jobId, haDirectory } = home;
  const url = addressIn(snapshot, jobId);
  const lease = await readEmbeddedLease({ directory: haDirectory, jobId });
  if (url === undefined || lease === undefined || lease.holder === '' || livenessOf(lease.process) === 'dead') {
    return undefined;
  }
  const probe = new FlinkClient(url, { timeoutMs: ANSWER_WITHIN_MS });
  try {
    const details = await probe.job(jobId);
    return { pid: lease.process.pid, url, client: new FlinkClient(url), details };
  } catch (error) {
    // Nobody there, or somebody else, or a process that is starting or ending: it does not serve the job.
    const isAnswer = error instanceof FlinkRestError || error instanceof FlinkResponseError;
    if (isAnswer || error instanceof FlinkUnreachableError) return undefined;
    throw error;
  }
}

function addressIn(snapshot: HaSnapshot | undefined, jobId: string): string | undefined {
  return decodeLeaderInformation(snapshot?.entries.get(leaderKey(`job-${jobId}`)))?.address;
}
