/**
 * Tells handlers what changed. One that throws harms nobody else: it is told again of that key, after a pause that doubles,
 * until it has taken something newer of the same key or this.
 */
import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import type { ObjectKey } from './object-key.ts';
import type { StoreChange } from './store.ts';

/** Who is told. Synchronous and quick: the next event waits. */
export interface Handler<T> {
  /** `isInitial`: it was there before anybody looked. */
  onAdd(object: T, isInitial: boolean): void;
  onUpdate(old: T, object: T): void;
  /** `finalStateUnknown`: nobody saw the end, and `last` is how it was last seen. */
  onDelete(last: T, finalStateUnknown: boolean): void;
}

/** A change, and whether it belongs to the first list. */
export interface Notification<T> {
  readonly key: ObjectKey;
  readonly change: StoreChange<T>;
  readonly isInitial: boolean;
}

interface Retry {
  readonly tries: number;
  readonly cancel: () => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export class Handlers<T> {
  private readonly clock: Clock;
  private readonly trouble: (error: Error) => void;
  private readonly retries = new Map<Handler<T>, Map<ObjectKey, Retry>>();

  constructor(clock: Clock, trouble: (error: Error) => void) {
    this.clock = clock;
    this.trouble = trouble;
  }

  /** From now on; the result ends it. */
  add(handler: Handler<T>): () => void {
    this.retries.set(handler, new Map());
    return () => {
      for (const { cancel } of this.retries.get(handler)?.values() ?? []) cancel();
      this.retries.delete(handler);
    };
  }

  tellAll(notification: Notification<T>): void {
    for (const handler of [...this.retries.keys()]) this.tell(handler, notification);
  }

  tell(handler: Handler<T>, notification: Notification<T>): void {
    const retries = this.retries.get(handler);
    if (retries === undefined) return;
    const before = retries.get(notification.key);
    before?.cancel();
    try {
      call(handler, notification);
      retries.delete(notification.key);
    } catch (error) {
      const tries = (before?.tries ?? 0) + 1;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
      const cancel = this.clock.setTimer(pauseMs, () => this.tell(handler, notification));
      retries.set(notification.key, { tries, cancel });
      this.trouble(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** No further tries. */
  close(): void {
    for (const retries of this.retries.values()) {
      for (const { cancel } of retries.values()) cancel();
      retries.clear();
    }
  }
}

function call<T>(handler: Handler<T>, { change, isInitial }: Notification<T>): void {
  switch (change.type) {
    case 'added':
      handler.onAdd(change.object, isInitial);
      return;
    case 'updated':
      handler.onUpdate(change.old, change.object);
      return;
    case 'deleted':
      handler.onDelete(change.object, change.finalStateUnknown);
      return;
    default:
      assertNever(change);
  }
}
