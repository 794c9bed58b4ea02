import { HaObjectMissingException } from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { Entries } from './handle-backend.ts';
import { isGloballyTerminal, type JobStatus } from './job-status.ts';
import { COUNTER_KEY } from './keys.ts';
import { put, putOperation } from './state-handle-operations.ts';
import { errorOf } from './state-handle-store.ts';

/** The id of the first checkpoint of a job. */
export const INITIAL_CHECKPOINT_ID = 1;

/**
 * Ids of checkpoints: each greater than the one before, none given twice, also after a crash or a lost answer; those may
 * skip some. Follows Flink's CheckpointIDCounter. Writes throw NotLeaderException when this process does not lead.
 */
export interface CheckpointIdCounter {
  start(): Promise<void>;
  /** The next id; the one after it is stored before this one is handed out. */
  getAndIncrement(): Promise<number>;
  /** The next id, without using it. */
  get(): Promise<number>;
  /** Makes the next id `checkpointId`. After a restore it must exceed every stored id. */
  setCount(checkpointId: number): Promise<void>;
  /** Forgets the count when the job has ended for good. May be repeated until it succeeds. */
  shutdown(status: JobStatus): Promise<void>;
}

/** The counter of one job, kept in its object. */
export function checkpointIdCounter(writer: FencedWriter): CheckpointIdCounter {
  let isStarted = false;
  const demand = async (outcome: ReturnType<FencedWriter['submit']>): Promise<void> => {
    const result = await outcome;
    if (result.outcome !== 'done') throw errorOf(result, 'the checkpoint counter', writer);
  };
  return {
    async start() {
      isStarted = true;
    },

    async getAndIncrement() {
      let id = INITIAL_CHECKPOINT_ID;
      await demand(
        writer.submit({
          grows: false,
          // Only the leader counts, one write at a time: a count beyond this id is the one written here.
          isApplied: (entries) => countIn(entries) > id,
          decide: (entries) => {
            id = countIn(entries);
            return put(COUNTER_KEY, String(id + 1));
          },
        }),
      );
      return id;
    },

    async get() {
      const snapshot = await writer.backend.read();
      if (snapshot === undefined) throw new HaObjectMissingException(writer.backend.name);
      return countIn(snapshot.entries);
    },

    setCount: (checkpointId) =>
      demand(writer.submit(putOperation(COUNTER_KEY, String(checkpointId), { grows: false }))),

    async shutdown(status) {
      if (!isStarted) return;
      if (isGloballyTerminal(status))
        await demand(writer.submit(putOperation(COUNTER_KEY, undefined, { grows: false })));
      // Only now: a shutdown that failed must not turn its repeat into nothing.
      isStarted = false;
    },
  };
}

function countIn(entries: Entries): number {
  const count = Number(entries.get(COUNTER_KEY) ?? INITIAL_CHECKPOINT_ID);
  return Number.isSafeInteger(count) && count >= INITIAL_CHECKPOINT_ID ? count : INITIAL_CHECKPOINT_ID;
}
