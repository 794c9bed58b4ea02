/**
 * Tells people what happened, as events of events.k8s.io, without ever being in the way of what happens.
 *
 *     event ──► said before? ──► yes: counted; its series is written after a pause of 1 s that grows to 5 min
 *                           └──► no: allowed? ──► queue (1000) ──► one writer: create, or the series of the one that is there
 *                                      └─ no: dropped, counted
 *
 * Promises: `event` returns at once and never throws. What is the same (object, type, reason, action, note) is one event with a
 * count, also across processes: its name follows from what it says, so that a new leader counts on where the last one ended.
 * What the server refuses, and what cannot be written after several tries, is dropped and counted; nothing waits for it.
 *
 * What a crash leaves: events that were in the queue are lost, and counts that were not written yet.
 */
import type { Clock } from '../lib/clock.ts';
import { type Counter, type Metrics, noMetrics } from '../lib/metrics.ts';
import { waitFor, waitUntil } from '../lib/waiting.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './errors.ts';
import {
  EVENTS,
  type EventRecorder,
  type EventType,
  type EventWords,
  eventName,
  eventNamespace,
  eventTime,
  fittingWords,
  type KubeEvent,
  kindOfEvent,
  type ObjectReferenceLike,
  objectOf,
} from './event.ts';
import { DEFAULT_EVENT_LIMITS, EventBudget, type EventLimits, remember } from './event-budget.ts';

/** What a recorder is made of. */
export interface ApiEventRecorderOptions {
  /** Not gated: what happened may be told also by who does not lead any more. */
  readonly client: ApiClient;
  /** @default flinkjob.dev/operator */
  readonly controller?: string;
  /** This process among others of its kind. */
  readonly instance: string;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** @default nobody looks */
  readonly metrics?: Metrics;
  /** Told of what was dropped because it could not be written. */
  readonly trouble?: (error: Error) => void;
  /** @default those of client-go */
  readonly limits?: EventLimits;
  /** Events that wait to be written. @default 1000 */
  readonly mostWaiting?: number;
}

/** Something that happened, once or more often. */
interface Entry extends EventWords {
  readonly key: string;
  readonly name: string;
  readonly firstAt: number;
  lastAt: number;
  /** Told here since the server knew of all of them. */
  unwritten: number;
  /** What the server knows of; undefined before the event was created. */
  written: number | undefined;
  isWaiting: boolean;
  tries: number;
  /** Until the next writing of the series. */
  pauseMs: number;
  cancelPause: (() => void) | undefined;
}

const CONTROLLER = 'flinkjob.dev/operator';
const MOST_WAITING = 1_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
const PAUSE_GROWTH = 4;
const DEADLINE_MS = 5_000;
const MOST_TRIES = 5;
const FIRST_RETRY_MS = 500;

/** Why an event was not told. */
type Drop = 'queueFull' | 'tooMany' | 'refused' | 'unreachable';

export class ApiEventRecorder implements EventRecorder {
  private readonly options: ApiEventRecorderOptions;
  private readonly limits: EventLimits;
  private readonly budget: EventBudget;
  private readonly entries = new Map<string, Entry>();
  private readonly counts: EventCounts;
  private readonly waiting: Entry[] = [];
  private isWriting = false;
  private isFlushing = false;
  private changed = Promise.withResolvers<void>();

  constructor(options: ApiEventRecorderOptions) {
    this.options = options;
    this.limits = options.limits ?? DEFAULT_EVENT_LIMITS;
    this.budget = new EventBudget(this.limits);
    this.counts = new EventCounts(options.metrics ?? noMetrics);
  }

  event(regarding: ObjectReferenceLike, type: EventType, reason: string, action: string, note: string): void {
    const words = fittingWords({ regarding, type, reason, action, note });
    const now = this.options.clock.monotonic();
    const kind = kindOfEvent(words);
    const own = this.entries.get(`${kind}${words.note}`);
    const isOneOfMany = own === undefined && this.budget.isOneOfMany(kind, words.note, now);
    const known = isOneOfMany ? this.entries.get(kind) : own;
    if (known !== undefined) this.again(known);
    else if (isOneOfMany) this.first(kind, withOthers(words), now);
    else this.first(`${kind}${words.note}`, words, now);
  }

  /** Writes until the signal fires; once. */
  async run(signal: AbortSignal): Promise<void> {
    const stopCounting = this.counts.onRead(() => this.waiting.length);
    while (!signal.aborted) {
      const entry = this.waiting.shift();
      if (entry === undefined) {
        await this.change(signal);
        continue;
      }
      this.isWriting = true;
      const pauseMs = await this.write(entry, signal);
      this.isWriting = false;
      this.tellChange();
      if (pauseMs > 0) await waitFor(this.options.clock, pauseMs, signal);
    }
    for (const { cancelPause } of this.entries.values()) cancelPause?.();
    stopCounting();
  }

  /** Writes what waits, and what would have waited for its pause; ends when all is written, or the signal fires. */
  async flush(signal: AbortSignal): Promise<void> {
    this.isFlushing = true;
    for (const entry of this.entries.values()) if (entry.unwritten > 0) this.enqueue(entry);
    while (!signal.aborted && (this.isWriting || this.waiting.length > 0)) await this.change(signal);
    this.isFlushing = false;
  }

  private first(key: string, words: EventWords, now: number): void {
    const { mostWaiting = MOST_WAITING, clock } = this.options;
    const isFull = this.waiting.length >= mostWaiting;
    if (isFull || !this.budget.allows(objectOf(words.regarding), words.reason, now)) {
      this.counts.drop(isFull ? 'queueFull' : 'tooMany');
      return;
    }
    const at = clock.now();
    const entry: Entry = {
      ...words,
      key,
      name: eventName(words.regarding, key),
      firstAt: at,
      lastAt: at,
      unwritten: 1,
      written: undefined,
      isWaiting: false,
      tries: 0,
      pauseMs: FIRST_PAUSE_MS,
      cancelPause: undefined,
    };
    this.keep(entry);
    this.enqueue(entry);
  }

  private again(entry: Entry): void {
    entry.unwritten += 1;
    entry.lastAt = this.options.clock.now();
    this.keep(entry);
    this.later(entry);
  }

  private keep(entry: Entry): void {
    const forgotten = remember(this.entries, entry.key, entry, this.limits.mostRemembered);
    if (forgotten?.cancelPause !== undefined) this.enqueue(forgotten);
  }

  /** What happens again and again is told less and less often. */
  private later(entry: Entry): void {
    if (entry.isWaiting || entry.cancelPause !== undefined) return;
    if (this.isFlushing) this.enqueue(entry);
    else entry.cancelPause = this.options.clock.setTimer(entry.pauseMs, () => this.enqueue(entry));
  }

  private enqueue(entry: Entry): void {
    entry.cancelPause?.();
    entry.cancelPause = undefined;
    if (entry.isWaiting) return;
    entry.isWaiting = true;
    this.waiting.push(entry);
    this.tellChange();
  }

  /** Milliseconds to wait before anything else is written. */
  private async write(entry: Entry, signal: AbortSignal): Promise<number> {
    const count = entry.unwritten;
    entry.isWaiting = false;
    if (count === 0) return 0;
    try {
      if (entry.written === undefined) await this.create(entry, count, signal);
      else await this.count(entry, count, signal);
      entry.tries = 0;
      entry.unwritten -= count;
      // It happened again while it was written.
      if (entry.unwritten > 0) this.later(entry);
      return 0;
    } catch (error) {
      return signal.aborted ? 0 : this.failed(entry, error);
    }
  }

  private async create(entry: Entry, count: number, signal: AbortSignal): Promise<void> {
    const { client } = this.options;
    const call = { signal, deadlineMs: DEADLINE_MS };
    try {
      await client.create(EVENTS, this.objectFor(entry, count), call);
      this.counts.written('create');
      entry.written = count;
    } catch (error) {
      if (!(error instanceof ApiError && error.isAlreadyExists)) throw error;
      const ref = { namespace: eventNamespace(entry.regarding), name: entry.name };
      const there = await client.get(EVENTS, ref, call);
      // Gone in between: as good as never there.
      if (there === undefined) return this.create(entry, count, signal);
      entry.written = there.series?.count ?? 1;
      // Made by the try before this one, whose answer was lost.
      if (there.eventTime === eventTime(entry.firstAt) && there.reportingInstance === this.options.instance) return;
      await this.count(entry, count, signal);
    }
  }

  private async count(entry: Entry, count: number, signal: AbortSignal): Promise<void> {
    const total = (entry.written ?? 0) + count;
    const series = { count: total, lastObservedTime: eventTime(entry.lastAt) };
    const ref = { namespace: eventNamespace(entry.regarding), name: entry.name };
    try {
      await this.options.client.mergePatch(EVENTS, ref, { series }, { signal, deadlineMs: DEADLINE_MS });
    } catch (error) {
      // Events are kept for an hour as a rule.
      if (!(error instanceof ApiError && error.isNotFound)) throw error;
      entry.written = undefined;
      return this.create(entry, count, signal);
    }
    this.counts.written('patch');
    entry.written = total;
    entry.pauseMs = Math.min(LONGEST_PAUSE_MS, entry.pauseMs * PAUSE_GROWTH);
  }

  private failed(entry: Entry, error: unknown): number {
    const isWorthATry = !(error instanceof ApiError) || error.retryable;
    entry.tries += 1;
    if (isWorthATry && entry.tries < MOST_TRIES) {
      entry.isWaiting = true;
      this.waiting.unshift(entry);
      const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
      return Math.max(asked ?? 0, FIRST_RETRY_MS * 2 ** (entry.tries - 1) * (0.5 + this.options.random()));
    }
    // Should it happen again, it is told as if for the first time.
    this.entries.delete(entry.key);
    this.counts.drop(isWorthATry ? 'unreachable' : 'refused');
    this.options.trouble?.(error instanceof Error ? error : new Error(String(error)));
    return 0;
  }

  private objectFor(entry: Entry, count: number): KubeEvent {
    const { regarding, type, reason, action, note, name, firstAt, lastAt } = entry;
    return {
      metadata: { namespace: eventNamespace(regarding), name },
      eventTime: eventTime(firstAt),
      // Once is no series.
      ...(count > 1 && { series: { count, lastObservedTime: eventTime(lastAt) } }),
      reportingController: this.options.controller ?? CONTROLLER,
      reportingInstance: this.options.instance,
      action,
      reason,
      regarding,
      note,
      type,
    };
  }

  private async change(signal: AbortSignal): Promise<void> {
    await waitUntil(signal, (done) => {
      void this.changed.promise.then(done);
      return () => {};
    });
  }

  private tellChange(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}

/** The first of those that are told together stands for all. */
function withOthers(words: EventWords): EventWords {
  return fittingWords({ ...words, note: `(combined from similar events): ${words.note}` });
}

/** What is counted of events. */
class EventCounts {
  private readonly metrics: Metrics;
  private readonly writes: Counter;
  private readonly drops: Counter;

  constructor(metrics: Metrics) {
    this.metrics = metrics;
    this.writes = metrics.counter({
      name: 'flinkjob_events_written_total',
      help: 'Events that were written, by how: create, or patch for one that happened again.',
      labels: ['verb'],
    });
    this.drops = metrics.counter({
      name: 'flinkjob_events_dropped_total',
      help: 'Events that were not written: queueFull, tooMany of one object, refused by the server, server unreachable.',
      labels: ['reason'],
    });
  }

  written(verb: 'create' | 'patch'): void {
    this.writes.add({ verb });
  }

  drop(reason: Drop): void {
    this.drops.add({ reason });
  }

  onRead(waiting: () => number): () => void {
    const gauge = this.metrics.gauge({ name: 'flinkjob_events_waiting', help: 'Events that wait to be written.' });
    return this.metrics.onRead(() => gauge.set(waiting()));
  }
}
