import type { Clock } from '../../../src/lib/clock.ts';
import type { SuppressRestartsException } from '../../../src/lib/java-errors.ts';
import {
  type EventQueue,
  type JobVertices,
  KvStateLocationRegistry,
  type KvStateRead,
  type QueryableKvState,
} from '../../../src/stream/queryable/index.ts';

export const JOB = 'a'.repeat(32);
export const OTHER_JOB = 'b'.repeat(32);

/** The vertices of a job, remembering which were failed and why. */
export function someVertices(maxParallelism: Record<string, number>) {
  const failed: { vertex: string; cause: SuppressRestartsException }[] = [];
  const vertices: JobVertices = {
    maxParallelismOf: (vertex) => maxParallelism[vertex],
    failVertex: (vertex, cause) => failed.push({ vertex, cause }),
  };
  return { vertices, failed };
}

export function aRegistry(maxParallelism: Record<string, number>, options: { upstreamCompat?: boolean } = {}) {
  const { vertices, failed } = someVertices(maxParallelism);
  return { registry: new KvStateLocationRegistry(JOB, vertices, options), failed };
}

export const range = (startKeyGroup: number, endKeyGroup: number) => ({ startKeyGroup, endKeyGroup });

export const at = (port: number) => ({ host: 'localhost', port });

/** Runs events one after the other, each in a turn of its own. */
export function anEventQueue(): EventQueue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<T>(event: () => T): Promise<T> {
      const result = last.then(event);
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** A clock whose timers fire at once; it counts what was slept. */
export function anImpatientClock(): Clock & { slept: number[] } {
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    now: () => now,
    monotonic: () => now,
    setTimer(delayMs, callback) {
      let cancelled = false;
      // A macrotask, so that an answer which is there already comes before a timeout.
      setImmediate(() => {
        if (cancelled) return;
        now += delayMs;
        slept.push(delayMs);
        callback();
      });
      return () => {
        cancelled = true;
      };
    },
  };
}

/** A state that answers from a function. */
export function aState(read: (key: unknown, namespace: unknown) => KvStateRead): QueryableKvState {
  return { newReader: () => ({ read }) };
}

export function idsInOrder(prefix = 'kv') {
  let next = 0;
  return () => `${prefix}-${next++}`;
}
