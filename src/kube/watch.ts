/**
 * Watches a selection of objects for as long as one likes: lists, watches, and comes back after whatever ends a watch. What
 * is told, and when it is asked again, is decided in watch-state.ts; here are the connections.
 */
import { assertNever } from '../lib/assert-never.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { waitFor } from '../lib/waiting.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './errors.ts';
import { LineSplitter } from './lines.ts';
import type { KubeObject, ResourceDef } from './resource.ts';
import type { HttpStream } from './transport.ts';
import type { Selection } from './verb-options.ts';
import {
  firstWatchStep,
  type WatchAction,
  type WatchEvent,
  type WatchFailure,
  type WatchInput,
  type WatchLine,
  watchStep,
} from './watch-state.ts';

/** What to watch, and how patiently. */
export interface WatchOptions extends Selection {
  readonly signal: AbortSignal;
  /** A stream without a byte for so long is cut and opened again. Bookmarks come about once a minute or two. @default 180000 */
  readonly silenceMs?: number;
  /** For opening a watch and for each page of a list. @default 30000 */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
}

const DEFAULT_SILENCE_MS = 180_000;
/** A server that does not end a watch when it said it would is not waited for longer than this. */
const OVERTIME_MS = 30_000;

/**
 * Tells of a selection's objects: `init`, each object, `initDone`, then each change in the server's order. Ends only when
 * the signal fires, and throws only what whoever reads it throws; failures are `interrupted` events, and are overcome. The
 * next event is asked for when the last one was dealt with, so a slow reader slows the server and loses nothing.
 */
export async function* watch<T extends KubeObject>(
  client: ApiClient,
  def: ResourceDef<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const facts = () => ({ now: clock.monotonic(), random: random() });
  const link = new Link(client, def, { ...options, clock });
  try {
    let { state, action } = firstWatchStep<T>(facts());
    while (!options.signal.aborted) {
      const input = await link.carryOut(action);
      if (options.signal.aborted) return;
      const step = watchStep<T>(state, input, facts());
      state = step.state;
      action = step.action;
      for (const event of step.events) {
        yield event;
        if (options.signal.aborted) return;
      }
    }
  } finally {
    link.close();
  }
}

/** The connection of one watch. */
class Link {
  private readonly client: ApiClient;
  private readonly def: ResourceDef;
  private readonly options: WatchOptions & { readonly clock: Clock };
  private stream: OpenStream | undefined;

  constructor(client: ApiClient, def: ResourceDef, options: WatchOptions & { readonly clock: Clock }) {
    this.client = client;
    this.def = def;
    this.options = options;
  }

  /** Does what was decided, and says what came of it. Never throws. */
  async carryOut(action: WatchAction): Promise<WatchInput> {
    switch (action.do) {
      case 'list':
        return this.list(action);
      case 'open':
        return this.open(action);
      case 'read':
        return (await this.stream?.next()) ?? { got: 'end' };
      case 'wait':
        this.close();
        await waitFor(this.options.clock, action.ms, this.options.signal);
        return { got: 'waited' };
      default:
        return assertNever(action);
    }
  }

  close(): void {
    this.stream?.close();
    this.stream = undefined;
  }

  private async list({ limit, next }: Extract<WatchAction, { do: 'list' }>): Promise<WatchInput> {
    try {
      const page = await this.client.listPage(this.def, {
        ...this.options,
        limit,
        ...(next !== undefined && { next }),
      });
      return { got: 'page', items: page.items, resourceVersion: page.resourceVersion, next: page.next };
    } catch (error) {
      return { got: 'listFailed', failure: failureOf(error) };
    }
  }

  private async open({ resourceVersion, timeoutSeconds }: Extract<WatchAction, { do: 'open' }>): Promise<WatchInput> {
    this.close();
    try {
      const http = await this.client.openWatch(this.def, { ...this.options, resourceVersion, timeoutSeconds });
      this.stream = new OpenStream(http, {
        signal: this.options.signal,
        clock: this.options.clock,
        silenceMs: this.options.silenceMs ?? DEFAULT_SILENCE_MS,
        longestMs: timeoutSeconds * 1000 + OVERTIME_MS,
      });
      return { got: 'opened' };
    } catch (error) {
      return { got: 'watchFailed', failure: failureOf(error) };
    }
  }
}

interface StreamLimits {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly silenceMs: number;
  readonly longestMs: number;
}

/** A watch's lines, and the clock that notices when none come. */
class OpenStream {
  private readonly http: HttpStream;
  private readonly chunks: AsyncIterator<Buffer>;
  private readonly limits: StreamLimits;
  private readonly splitter = new LineSplitter();
  private readonly opened: number;
  private readonly cut: () => void;
  private lines: string[] = [];
  private isSilent = false;

  constructor(http: HttpStream, limits: StreamLimits) {
    this.http = http;
    this.limits = limits;
    this.chunks = http.chunks[Symbol.asyncIterator]();
    this.opened = limits.clock.monotonic();
    this.cut = () => http.cut();
    limits.signal.addEventListener('abort', this.cut, { once: true });
    if (limits.signal.aborted) this.cut();
  }

  async next(): Promise<WatchInput> {
    for (;;) {
      const line = this.lines.shift();
      if (line !== undefined) return parsed(line);
      const { value, done } = await this.chunk();
      if (this.isSilent) return { got: 'silence' };
      if (value instanceof Error) return { got: 'watchFailed', failure: failureOf(value) };
      // What is left without a line end was cut off by the server's end.
      if (done === true) return { got: 'end' };
      this.lines = this.splitter.push(value);
    }
  }

  close(): void {
    this.limits.signal.removeEventListener('abort', this.cut);
    this.http.cut();
  }

  private async chunk(): Promise<IteratorResult<Buffer | Error>> {
    const { clock, silenceMs, longestMs } = this.limits;
    const patience = Math.min(silenceMs, this.opened + longestMs - clock.monotonic());
    const cancel = clock.setTimer(Math.max(0, patience), () => {
      this.isSilent = true;
      this.http.cut();
    });
    try {
      return await this.chunks.next();
    } catch (error) {
      return { value: error instanceof Error ? error : new Error(String(error)), done: false };
    } finally {
      cancel();
    }
  }
}

const LINE_TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'];

function parsed(text: string): WatchInput {
  try {
    const line = JSON.parse(text) as WatchLine;
    if (LINE_TYPES.includes(line.type) && typeof line.object === 'object' && line.object !== null)
      return { got: 'line', line };
  } catch {
    // Not JSON: said below.
  }
  return { got: 'garbage' };
}

function failureOf(error: unknown): WatchFailure {
  if (error instanceof ApiError) {
    const isExpired = error.isExpired || error.isTooLargeResourceVersion;
    return { error, isExpired, retryAfterMs: error.retryAfterMs };
  }
  return {
    error: error instanceof Error ? error : new Error(String(error)),
    isExpired: false,
    retryAfterMs: undefined,
  };
}
