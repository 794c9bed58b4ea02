/**
 * How a job ended, kept with its handles and written before the lease is given back: whoever leads next and finds it has
 * nothing to run. absent → dirty (ended, not yet cleaned up) → clean. Follows Flink's JobResultStore.
 */
import { IllegalStateException, NoSuchElementException } from '../lib/java-errors.ts';
import { HaObjectCorruptException } from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { Entries } from './handle-backend.ts';
import { isJobResultKey, jobResultKey } from './keys.ts';
import { errorOf } from './outcome-error.ts';
import { NOTHING, put } from './state-handle-operations.ts';
import type { Verdict } from './write-batch.ts';

export type ApplicationStatus = 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';

/** The result, in the words of Flink's file. */
export interface JobResult {
  /** The job. */
  readonly id: string;
  readonly 'application-status': ApplicationStatus;
  /** Milliseconds the job ran. */
  readonly 'net-runtime': number;
  readonly 'failure-cause'?: { readonly class: string; readonly 'stack-trace': string };
  /** What people ask for once the checkpoints are removed. Not in Flink's file. */
  readonly summary?: JobSummary;
}

/** What a job had when it ended. */
export interface JobSummary {
  /** The last one completed. */
  readonly checkpoint?: {
    readonly id: number;
    /** When it was triggered. */
    readonly time: number;
    readonly bytes: number;
  };
  /** Of its vertices; several where they differ. */
  readonly maxParallelism: readonly number[];
}

export interface JobResultStore {
  /** IllegalStateException when the job has a result already. */
  createDirtyResult(result: JobResult): Promise<void>;
  /** NoSuchElementException when there is no result; nothing when it is clean already. */
  markResultAsClean(jobId: string): Promise<void>;
  hasJobResultEntry(jobId: string): Promise<boolean>;
  hasDirtyJobResultEntry(jobId: string): Promise<boolean>;
  hasCleanJobResultEntry(jobId: string): Promise<boolean>;
  getJobResult(jobId: string): Promise<JobResult | undefined>;
  getDirtyResults(): Promise<JobResult[]>;
}

interface StoredResult {
  readonly result: JobResult;
  readonly dirty: boolean;
  readonly version: 1;
}

/** A stack trace is cut to this many characters: the object of a job is small. */
const TRACE_LIMIT = 2_000;

export function jobResultStore(writer: FencedWriter): JobResultStore {
  const { backend } = writer;
  const entries = async (): Promise<Entries> => (await backend.read())?.entries ?? new Map<string, string>();
  const found = async (jobId: string): Promise<StoredResult | undefined> =>
    decoded(await entries(), jobResultKey(jobId), backend.name);

  const write = async (jobId: string, decide: (stored: StoredResult | undefined) => StoredResult | 'asIs' | Error) => {
    const key = jobResultKey(jobId);
    let refusal: Error | undefined;
    let text: string | undefined;
    const outcome = await writer.submit({
      grows: false,
      isApplied: (now) => text !== undefined && now.get(key) === text,
      decide: (now): Verdict => {
        // A request that was repeated on its way was refused the second time; the first has written this.
        if (text !== undefined && now.get(key) === text) return NOTHING;
        const next = decide(decoded(now, key, backend.name));
        refusal = next instanceof Error ? next : undefined;
        if (next instanceof Error) throw next;
        if (next === 'asIs') return NOTHING;
        text = JSON.stringify(next);
        return put(key, text);
      },
    });
    if (refusal !== undefined) throw refusal;
    if (outcome.outcome !== 'done') throw errorOf(outcome, `the result of job ${jobId}`, writer);
  };

  return {
    createDirtyResult: (result) =>
      write(result.id, (stored) =>
        stored === undefined
          ? { result: shortened(result), dirty: true, version: 1 }
          : new IllegalStateException(`There is a result of job ${result.id} already.`),
      ),

    markResultAsClean: (jobId) =>
      write(jobId, (stored) => {
        if (stored === undefined) return new NoSuchElementException(`There is no result of job ${jobId}.`);
        return stored.dirty ? { ...stored, dirty: false } : 'asIs';
      }),

    hasJobResultEntry: async (jobId) => (await found(jobId)) !== undefined,
    hasDirtyJobResultEntry: async (jobId) => (await found(jobId))?.dirty === true,
    hasCleanJobResultEntry: async (jobId) => (await found(jobId))?.dirty === false,
    getJobResult: async (jobId) => (await found(jobId))?.result,

    async getDirtyResults() {
      const all = await entries();
      return [...all.keys()]
        .filter(isJobResultKey)
        .map((key) => decoded(all, key, backend.name))
        .filter((stored) => stored?.dirty === true)
        .map((stored) => (stored as StoredResult).result);
    },
  };
}

/** How a job ended, as the object of it says; undefined: it has not, or nobody can tell. */
export function endOfJob(entries: Entries, jobId: string): ApplicationStatus | undefined {
  try {
    return decoded(entries, jobResultKey(jobId), '')?.result['application-status'];
  } catch {
    // An entry that cannot be read is the leader's to report; who only asks how it ended learns nothing from it.
    return undefined;
  }
}

function decoded(entries: Entries, key: string, store: string): StoredResult | undefined {
  const text = entries.get(key);
  if (text === undefined) return undefined;
  try {
    const stored = JSON.parse(text) as Partial<StoredResult> | null;
    if (stored?.version === 1 && typeof stored.dirty === 'boolean' && typeof stored.result?.id === 'string') {
      return stored as StoredResult;
    }
  } catch (error) {
    throw new HaObjectCorruptException(store, `${key} is not JSON`, { cause: error });
  }
  throw new HaObjectCorruptException(store, `${key} was not written by this version of the program`);
}

function shortened(result: JobResult): JobResult {
  const cause = result['failure-cause'];
  if (cause === undefined || cause['stack-trace'].length <= TRACE_LIMIT) return result;
  return { ...result, 'failure-cause': { ...cause, 'stack-trace': cause['stack-trace'].slice(0, TRACE_LIMIT) } };
}
