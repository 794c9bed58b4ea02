/** Counts and history of checkpoints as REST and the progress display show them. Follows Flink's CheckpointStatsTracker. */
import type { Instant } from '../../lib/clock.ts';
import type { CheckpointKind } from '../exchange/channel.ts';
import type { CheckpointsView, CheckpointView, RestoredView, SubtaskAckView } from '../rest/job-view.ts';
import { isSavepoint, isStop } from './checkpoint-requests.ts';
import type { Acknowledgement } from './coordinator-events.ts';

/** Flink's default for the length of the history. */
export const HISTORY_LENGTH = 10;

/** Where a checkpoint stands while it is counted; a `CheckpointView` at any time. */
interface Entry {
  view: CheckpointView;
  readonly acks: Record<string, (SubtaskAckView | null)[]>;
}

/** Keeps the statistics of one execution. Not shared: one coordinator writes it. */
export class CheckpointStatistics {
  readonly #historyLength: number;
  #history: Entry[] = [];
  #counts = { restored: 0, inProgress: 0, completed: 0, failed: 0 };
  #completed: Entry | undefined;
  #savepoint: Entry | undefined;
  #failed: Entry | undefined;
  #restored: RestoredView | undefined;

  constructor(historyLength: number = HISTORY_LENGTH) {
    this.#historyLength = historyLength;
  }

  restored(view: RestoredView): void {
    this.#counts.restored++;
    this.#restored = view;
  }

  triggered(id: number, kind: CheckpointKind, triggerTime: Instant, parallelism: ReadonlyMap<string, number>): void {
    const acks = Object.fromEntries([...parallelism].map(([vertex, count]) => [vertex, Array(count).fill(null)]));
    const type = isStop(kind) ? 'SYNC_SAVEPOINT' : isSavepoint(kind) ? 'SAVEPOINT' : 'CHECKPOINT';
    this.#counts.inProgress++;
    this.#history.unshift({ acks, view: { id, status: 'IN_PROGRESS', type, triggerTime, acks } });
    this.#history = this.#history.filter(
      ({ view }, index) => index < this.#historyLength || view.status === 'IN_PROGRESS',
    );
  }

  acknowledged(ack: Acknowledgement, ackTime: Instant): void {
    const acks = this.#find(ack.checkpointId)?.acks[ack.vertexId];
    if (acks === undefined) return;
    const size = ack.result.file?.sizeBytes ?? 0;
    const { syncMs, asyncMs, alignmentMs } = ack;
    acks[ack.subtaskIndex] = {
      ackTime,
      checkpointedSize: size,
      stateSize: size,
      syncMs: Math.round(syncMs),
      asyncMs: Math.round(asyncMs),
      alignmentMs: Math.round(alignmentMs),
      startDelayMs: 0,
    };
  }

  completed(id: number, location: string, lastSubsumedId: number | undefined): void {
    const entry = this.#find(id);
    if (entry === undefined) return;
    this.#end('completed');
    entry.view = { ...entry.view, status: 'COMPLETED', location, discarded: false };
    if (entry.view.type === 'CHECKPOINT') this.#completed = entry;
    else this.#savepoint = entry;
    if (lastSubsumedId !== undefined) this.#markDiscarded(lastSubsumedId);
  }

  failed(id: number, time: Instant, message: string): void {
    const entry = this.#find(id);
    if (entry === undefined) return;
    this.#end('failed');
    entry.view = { ...entry.view, status: 'FAILED', failure: { time, message } };
    this.#failed = entry;
  }

  /** A plain record that later events do not change. */
  view(): CheckpointsView {
    const shown = (entry: Entry): CheckpointView => ({
      ...entry.view,
      acks: Object.fromEntries(Object.entries(entry.acks).map(([vertex, acks]) => [vertex, [...acks]])),
    });
    const completed = this.#completed;
    return {
      counts: { ...this.#counts },
      history: this.#history.map(shown),
      latest: {
        ...(completed === undefined ? {} : { completed: shown(completed) }),
        ...(this.#savepoint === undefined ? {} : { savepoint: shown(this.#savepoint) }),
        ...(this.#failed === undefined ? {} : { failed: shown(this.#failed) }),
        ...(this.#restored === undefined ? {} : { restored: this.#restored }),
      },
    };
  }

  #end(how: 'completed' | 'failed'): void {
    this.#counts.inProgress--;
    this.#counts[how]++;
  }

  #find(id: number): Entry | undefined {
    return this.#history.find(({ view }) => view.id === id);
  }

  #markDiscarded(lastSubsumedId: number): void {
    for (const entry of this.#history) {
      const { id, status, type } = entry.view;
      if (id <= lastSubsumedId && status === 'COMPLETED' && type === 'CHECKPOINT') {
        entry.view = { ...entry.view, discarded: true };
      }
    }
  }
}
