import { HaObjectMissingException } from './errors.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { Entries } from './handle-backend.ts';
import { isGloballyTerminal, type JobStatus } from './job-status.ts';
import { COUNTER_KEY } from './keys.ts';
import { errorOf } from './outcome-error.ts';
import { type AttachedChange, NOTHING, put, putOperation } from './state-handle-operations.ts';

/** The id of the first checkpoint of a job. */
export const INITIAL_CHECKPOINT_ID = 1;

/**
 * Ids of checkpoints: each greater than the one before, none given twice, also after a crash or a lost answer; those may
 * skip some. Follows Flink's CheckpointIDCounter. Writes throw NotLeaderException when this process does not lead.
 */
export interface CheckpointIdCounter {
  start(): Promise<void>;
  /**
   * The next id; the one after it is stored before this one is handed out, in a write of its own or in the one that added
   * the checkpoint before.
   */
  getAndIncrement(): Promise<number>;
  /** The next id, without using it. */
  get(): Promise<number>;
  /** Makes the next id `checkpointId`. After a restore it must exceed every stored id. */
  setCount(checkpointId: number): Promise<void>;
  /** Forgets the count when the job has ended for good. May be repeated until it succeeds. */
  shutdown(status: JobStatus): Promise<void>;
}

/**
 * The id that a completed checkpoint has reserved for the next one, in the write that added it: handing it out costs no
 * write. A leader that ends leaves it unused.
 */
export class CheckpointIdReserve {
  private readonly writer: FencedWriter;
  private reserved: number | undefined;
  /** The highest id handed out: a lower one that was reserved meanwhile is not used. */
  private given = 0;

  constructor(writer: FencedWriter) {
    this.writer = writer;
  }

  /** The reserved id, where there is one that this process may use. */
  get id(): number | undefined {
    return this.reserved !== undefined && this.reserved > this.given && this.writer.leads ? this.reserved : undefined;
  }

  /** Reserves the next id; `keep` is called once the write is done. Reserves nothing while an id is in reserve. */
  reservation(): AttachedChange & { keep(): void } {
    let next: number | undefined;
    return {
      decide: (entries) => {
        next = this.id === undefined ? countIn(entries) : undefined;
        return next === undefined ? NOTHING : put(COUNTER_KEY, String(next + 1));
      },
      keep: () => {
        this.reserved = next ?? this.reserved;
      },
    };
  }

  /** Notes what was handed out. */
  gave(id: number): number {
    this.given = Math.max(this.given, id);
    return id;
  }

  /** Forgets everything: the count begins anew. */
  clear(): void {
    this.reserved = undefined;
    this.given = 0;
  }
}

/** The counter of one job, kept in its object. */
export function checkpointIdCounter(
  writer: FencedWriter,
  reserve: CheckpointIdReserve = new CheckpointIdReserve(writer),
): CheckpointIdCounter {
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
      const reserved = reserve.id;
      if (reserved !== undefined) return reserve.gave(reserved);
      let id = INITIAL_CHECKPOINT_ID;
      await demand(
        writer.submit({
          grows: false,
          // Only the leader counts, one write at a time: a count beyond this id is the one written here. After another
          // leader has come it may be that one's, and so may the id.
          isApplied: (entries, { isSameTerm }) => isSameTerm && countIn(entries) > id,
          decide: (entries) => {
            id = countIn(entries);
            return put(COUNTER_KEY, String(id + 1));
          },
        }),
      );
      return reserve.gave(id);
    },

    async get() {
      const snapshot = await writer.backend.read();
      if (snapshot === undefined) throw new HaObjectMissingException(writer.backend.name);
      return reserve.id ?? countIn(snapshot.entries);
    },

    async setCount(checkpointId) {
      reserve.clear();
      try {
        await demand(writer.submit(putOperation(COUNTER_KEY, String(checkpointId), { grows: false })));
      } finally {
        // Once more: a checkpoint that was added meanwhile may have reserved an id of the count before.
        reserve.clear();
      }
    },

    async shutdown(status) {
      if (!isStarted) return;
      reserve.clear();
      if (isGloballyTerminal(status))
        await demand(writer.submit(putOperation(COUNTER_KEY, undefined, { grows: false })));
      // Only now: a shutdown that failed must not turn its repeat into nothing.
      isStarted = false;
    },
  };
}

/** The id that the next checkpoint gets. */
export function countIn(entries: Entries): number {
  const count = Number(entries.get(COUNTER_KEY) ?? INITIAL_CHECKPOINT_ID);
  return Number.isSafeInteger(count) && count >= INITIAL_CHECKPOINT_ID ? count : INITIAL_CHECKPOINT_ID;
}
