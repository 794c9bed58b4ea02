/**
 * Somebody takes away, again and again, what is made again and again: a controller that wants an object otherwise, a policy that
 * deletes pods. What is put back too often is put back later and later, so that two who disagree do not keep a server busy.
 */
import type { Step } from './step.ts';

/** So often nothing is held against it. */
const FREE = 4;
/** Then it waits so long, doubled each time. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** What was done longer ago says nothing about now. */
const FORGOTTEN_MS = 600_000;
const MOST_KEPT = 16;

/** How often the steps that put something back were done of late. Of one job; safe to lose. */
export class Repeats {
  private readonly times = new Map<string, readonly number[]>();

  /** When a step may be done; 0: now. */
  dueAt(step: Step, now: number): number {
    const times = this.recent(step, now);
    const last = times.at(-1);
    if (last === undefined || times.length < FREE) return 0;
    // By a clock that was set back it is not later than by the one that goes.
    return Math.min(last, now) + Math.min(LONGEST_MS, FIRST_MS * 2 ** (times.length - FREE));
  }

  /** It was done. */
  did(step: Step, now: number): void {
    const what = putBackBy(step);
    if (what === undefined) return;
    for (const [name, times] of this.times) {
      if ((times.at(-1) ?? 0) < now - FORGOTTEN_MS) this.times.delete(name);
    }
    this.times.set(what, [...this.recent(step, now), now].slice(-MOST_KEPT));
  }

  private recent(step: Step, now: number): readonly number[] {
    const times = this.times.get(putBackBy(step) ?? '') ?? [];
    return times.filter((time) => time > now - FORGOTTEN_MS);
  }
}

/** What a step makes that was there before, if it makes such a thing. Another attempt has other pods. */
function putBackBy(step: Step): string | undefined {
  switch (step.do) {
    case 'addFinalizer':
    case 'createHandles':
      return step.do;
    case 'recordRevision':
      return `${step.do} ${step.revision.name}`;
    case 'makeChildren':
      return `${step.do} ${step.names.join(' ')}`;
    case 'makePods':
      return `${step.do} ${step.attempt}`;
    default:
      return undefined;
  }
}
