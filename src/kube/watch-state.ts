/**
 * Watching as a state machine: what to do next, and what whoever watches is told, from what has just happened. Pure; the
 * connections are in watch.ts.
 *
 *                 ┌─────────────────────────── 410, silence ──────────────────────────────┐
 *                 ▼                                                                       │
 *     list ──► listing ──last page──► watching ──event, bookmark──► watching ──┬──────────┘
 *                 │  ▲                   ▲  ▲                                  │ end, cut, 429, 5xx
 *             fail│  │waited       waited│  └── ended in order ────────────────┤
 *                 ▼  │                   │                                     ▼
 *              waiting to list        waiting to watch ◄───────────────────────┘
 *
 * Promises: the first event is `init`, and each list is `init`, its objects, `initDone`; after it every change is told in
 * the server's order, none twice, none left out unless a new `init` tells all again. An object that vanished while nobody
 * looked is missing between `init` and `initDone`; whoever keeps a copy replaces it at `initDone`.
 */
import { assertNever } from '../lib/assert-never.ts';
import type { Instant } from '../lib/clock.ts';
import type { KubeObject } from './resource.ts';

/** What whoever watches is told. */
export type WatchEvent<T> =
  /** All objects follow. What was told before and does not come again is gone. */
  | { readonly type: 'init' }
  | { readonly type: 'initApply'; readonly object: T }
  /** All objects were told, as they were at this version. */
  | { readonly type: 'initDone'; readonly resourceVersion: string }
  /** Made or changed. */
  | { readonly type: 'apply'; readonly object: T }
  /** Deleted; the object as it was last. */
  | { readonly type: 'delete'; readonly object: T }
  /** The server's progress, where nothing changed for this selection. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  /** Nothing can be seen for now; it goes on by itself. */
  | {
      readonly type: 'interrupted';
      readonly reason: InterruptReason;
      readonly error?: Error;
      readonly pauseMs: number;
    };

/** Why watching paused; names of a metric's label. */
export type InterruptReason =
  | 'listFailed'
  | 'watchFailed'
  | 'expired'
  | 'staleList'
  | 'silent'
  | 'garbled'
  | 'serverError'
  | 'endedAtOnce';

/** One line of a watch. */
export interface WatchLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject & {
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly details?: { readonly retryAfterSeconds?: number };
  };
}

/** A failure, as far as decisions need it. */
export interface WatchFailure {
  readonly error: Error;
  readonly isExpired: boolean;
  readonly retryAfterMs: number | undefined;
}

/** What has happened. */
export type WatchInput =
  | {
      readonly got: 'page';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
      readonly next: string | undefined;
    }
  | { readonly got: 'listFailed'; readonly failure: WatchFailure }
  | { readonly got: 'opened' }
  | { readonly got: 'line'; readonly line: WatchLine }
  /** A line that is not JSON, or not a watch's. */
  | { readonly got: 'garbage' }
  /** The stream ended in order. */
  | { readonly got: 'end' }
  /** It broke, or could not be opened. */
  | { readonly got: 'watchFailed'; readonly failure: WatchFailure }
  /** Nothing came for too long. */
  | { readonly got: 'silence' }
  | { readonly got: 'waited' };

/** What to do now. */
export type WatchAction =
  | { readonly do: 'list'; readonly limit: number; readonly next: string | undefined }
  | { readonly do: 'open'; readonly resourceVersion: string; readonly timeoutSeconds: number }
  | { readonly do: 'read' }
  | { readonly do: 'wait'; readonly ms: number };

interface Pauses {
  /** Pauses in a row. */
  readonly count: number;
  /** When the last one was asked for. */
  readonly at: Instant;
}

interface Listing {
  readonly at: 'listing';
  readonly next: string | undefined;
  /** Pages of one list expire; then all is asked for at once. */
  readonly inOnePiece: boolean;
  /** The newest version that was told, which a list must not go behind. */
  readonly known: string | undefined;
  readonly staleLists: number;
}

interface Watching {
  readonly at: 'watching';
  readonly resourceVersion: string;
  readonly openedAt: Instant | undefined;
  readonly sawEvent: boolean;
}

/** Where the machine stands. */
export interface WatchState {
  readonly now: Listing | Watching;
  /** Whether `now` begins only after a pause. */
  readonly isWaiting: boolean;
  readonly pauses: Pauses;
}

/** What comes from outside into a decision. */
export interface WatchFacts {
  /** Monotonic. */
  readonly now: Instant;
  /** From 0 to 1. */
  readonly random: number;
}

/** The state after an input, what is told, what to do. */
export interface WatchStep<T> {
  readonly state: WatchState;
  readonly events: readonly WatchEvent<T>[];
  readonly action: WatchAction;
}

/** A page is read in one turn of the event loop, in which no probe is answered and no lease renewed. */
const PAGE_SIZE = 100;
const FIRST_PAUSE_MS = 800;
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a pause the next one is a first one again. */
const FORGET_PAUSES_MS = 120_000;
/** A watch that ends sooner, without an event, is not asked for again at once. */
const TOO_SHORT_MS = 1_000;
const SHORTEST_WATCH_S = 300;
const LONGEST_WATCH_S = 600;
/** A server restored from a backup stays behind for good; after so many looks it is believed. */
const BELIEVED_STALE_LISTS = 5;

const FRESH_LIST: Listing = { at: 'listing', next: undefined, inOnePiece: false, known: undefined, staleLists: 0 };

/** The beginning: list everything. */
export function firstWatchStep<T extends KubeObject>(facts: WatchFacts): WatchStep<T> {
  const state: WatchState = { now: FRESH_LIST, isWaiting: false, pauses: { count: 0, at: facts.now } };
  return { state, events: [], action: actionFor(state, facts) };
}

/** What follows from an input. Inputs that do not belong to the state are a broken driver, and throw. */
export function watchStep<T extends KubeObject>(state: WatchState, input: WatchInput, facts: WatchFacts): WatchStep<T> {
  if (input.got === 'waited') return goOn({ ...state, isWaiting: false }, [], facts);
  const { now } = state;
  return now.at === 'listing' ? listStep(state, now, input, facts) : streamStep(state, now, input, facts);
}

/** Whether one version is newer than another: longer, or of one length and later in the alphabet. */
export function isNewer(version: string, than: string): boolean {
  return version.length === than.length ? version > than : version.length > than.length;
}

function listStep<T extends KubeObject>(
  state: WatchState,
  now: Listing,
  input: WatchInput,
  facts: WatchFacts,
): WatchStep<T> {
  if (input.got === 'page') return pageStep(state, now, input, facts);
  if (input.got !== 'listFailed') throw new Error(`the watch got ${input.got} while it lists`);
  const { failure } = input;
  // Told objects are told again, after another `init`.
  const again: Listing = { ...now, next: undefined, inOnePiece: now.inOnePiece || failure.isExpired };
  return pause(state, again, { reason: failure.isExpired ? 'expired' : 'listFailed', failure }, facts);
}

function pageStep<T extends KubeObject>(
  state: WatchState,
  now: Listing,
  page: Extract<WatchInput, { got: 'page' }>,
  facts: WatchFacts,
): WatchStep<T> {
  const { known, staleLists } = now;
  const isStale = known !== undefined && isNewer(known, page.resourceVersion) && staleLists < BELIEVED_STALE_LISTS;
  if (isStale)
    return pause(state, { ...now, next: undefined, staleLists: staleLists + 1 }, { reason: 'staleList' }, facts);
  const events: WatchEvent<T>[] = now.next === undefined ? [{ type: 'init' }] : [];
  for (const item of page.items) events.push({ type: 'initApply', object: item as T });
  if (page.next !== undefined) return goOn({ ...state, now: { ...now, next: page.next } }, events, facts);
  events.push({ type: 'initDone', resourceVersion: page.resourceVersion });
  return goOn({ ...state, now: watchingFrom(page.resourceVersion) }, events, facts);
}

function streamStep<T extends KubeObject>(
  state: WatchState,
  now: Watching,
  input: WatchInput,
  facts: WatchFacts,
): WatchStep<T> {
  const again = watchingFrom(now.resourceVersion);
  switch (input.got) {
    case 'opened':
      return goOn({ ...state, now: { ...now, openedAt: facts.now } }, [], facts);
    case 'line':
      return lineStep(state, now, input.line, facts);
    case 'garbage':
      return pause(state, again, { reason: 'garbled' }, facts);
    case 'silence':
      // A server that was restored from a backup takes versions that it has not reached yet, and says nothing until it has.
      return pause(state, relistAfter(now), { reason: 'silent' }, facts);
    case 'end': {
      const isTooShort = now.openedAt === undefined || facts.now - now.openedAt < TOO_SHORT_MS;
      if (isTooShort && !now.sawEvent) return pause(state, again, { reason: 'endedAtOnce' }, facts);
      return goOn({ ...state, now: again }, [], facts);
    }
    case 'watchFailed': {
      const { failure } = input;
      if (failure.isExpired) return pause(state, relistAfter(now), { reason: 'expired', failure }, facts);
      return pause(state, again, { reason: 'watchFailed', failure }, facts);
    }
    case 'page':
    case 'listFailed':
    case 'waited':
      throw new Error(`the watch got ${input.got} while it watches`);
    default:
      return assertNever(input);
  }
}

function lineStep<T extends KubeObject>(
  state: WatchState,
  now: Watching,
  line: WatchLine,
  facts: WatchFacts,
): WatchStep<T> {
  if (line.type === 'ERROR') return errorStep(state, now, line.object, facts);
  const resourceVersion = line.object.metadata?.resourceVersion;
  if (resourceVersion === undefined)
    return pause(state, watchingFrom(now.resourceVersion), { reason: 'garbled' }, facts);
  // An answer from before what is known already: a proxy or another replica repeats itself.
  if (!isNewer(resourceVersion, now.resourceVersion)) return { state, events: [], action: { do: 'read' } };
  const after: WatchState = { ...state, now: { ...now, resourceVersion, sawEvent: true } };
  return { state: after, events: [eventOf<T>(line, resourceVersion)], action: { do: 'read' } };
}

function eventOf<T extends KubeObject>({ type, object }: WatchLine, resourceVersion: string): WatchEvent<T> {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'apply', object: object as T };
    case 'DELETED':
      return { type: 'delete', object: object as T };
    default:
      return { type: 'bookmark', resourceVersion };
  }
}

function errorStep<T extends KubeObject>(
  state: WatchState,
  now: Watching,
  status: WatchLine['object'],
  facts: WatchFacts,
): WatchStep<T> {
  const seconds = status.details?.retryAfterSeconds;
  const isExpired = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone';
  const failure: WatchFailure = {
    error: new Error(`the watch ended with ${status.code} ${status.reason}: ${status.message}`),
    isExpired,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  };
  if (isExpired) return pause(state, relistAfter(now), { reason: 'expired', failure }, facts);
  return pause(state, watchingFrom(now.resourceVersion), { reason: 'serverError', failure }, facts);
}

function watchingFrom(resourceVersion: string): Watching {
  return { at: 'watching', resourceVersion, openedAt: undefined, sawEvent: false };
}

function relistAfter(now: Watching): Listing {
  return { ...FRESH_LIST, known: now.resourceVersion };
}

function goOn<T>(state: WatchState, events: readonly WatchEvent<T>[], facts: WatchFacts): WatchStep<T> {
  return { state, events, action: actionFor(state, facts) };
}

function actionFor({ now }: WatchState, { random }: WatchFacts): WatchAction {
  if (now.at === 'listing') return { do: 'list', limit: now.inOnePiece ? 0 : PAGE_SIZE, next: now.next };
  if (now.openedAt !== undefined) return { do: 'read' };
  // Spread over time, so that what was opened together does not end together.
  const timeoutSeconds = Math.round(SHORTEST_WATCH_S + random * (LONGEST_WATCH_S - SHORTEST_WATCH_S));
  return { do: 'open', resourceVersion: now.resourceVersion, timeoutSeconds };
}

function pause<T>(
  state: WatchState,
  now: Listing | Watching,
  why: { readonly reason: InterruptReason; readonly failure?: WatchFailure },
  facts: WatchFacts,
): WatchStep<T> {
  const count = facts.now - state.pauses.at > FORGET_PAUSES_MS ? 0 : state.pauses.count;
  const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** count) * (1 + facts.random);
  const pauseMs = Math.max(backoff, why.failure?.retryAfterMs ?? 0);
  const { error } = why.failure ?? {};
  const event = { type: 'interrupted', reason: why.reason, pauseMs, ...(error !== undefined && { error }) } as const;
  const pauses = { count: Math.min(count + 1, 30), at: facts.now + pauseMs };
  return { state: { now, isWaiting: true, pauses }, events: [event], action: { do: 'wait', ms: pauseMs } };
}
