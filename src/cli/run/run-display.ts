/**
 * What `flinkjob run` shows: on a terminal one line that is rewritten (records per second by vertex, checkpoints,
 * restarts), elsewhere plain lines. Everything goes to stderr; stdout belongs to the job.
 */

import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import type { JobEvent } from '../../stream/index.ts';
import type { CliIo } from '../command.ts';
import type { FromJobProcess } from '../job-process/messages.ts';
import { countersText } from '../output/counters-text.ts';
import { counted } from '../output/units.ts';
import type { SupervisorEvent } from './supervisor.ts';

/** Plain progress lines come at most this often. */
const PLAIN_EVERY_MS = 2_000;
/** The rewritten line changes at most this often. */
const LIVE_EVERY_MS = 200;

interface VertexCount {
  readonly name: string;
  readonly records: number;
}

export class RunDisplay {
  readonly #name: string;
  readonly #title: string;
  readonly #io: CliIo;
  readonly #clock: Clock;
  readonly #live: boolean;
  #lineLength = 0;
  #shownAt: number;
  #counted: { readonly at: number; readonly vertices: readonly VertexCount[] } | undefined;
  #checkpoints = 0;
  #restarts = 0;
  #lastCheckpointMs = 0;
  #counters: Readonly<Record<string, number>> = {};
  #url: string | undefined;
  #jobId: string | undefined;

  /** `title` is what other commands call the job: `[namespace/]name`. */
  constructor({ name, title }: { readonly name: string; readonly title: string }, io: CliIo, clock: Clock) {
    this.#name = name;
    this.#title = title;
    this.#io = io;
    this.#clock = clock;
    this.#live = io.isTty && process.stderr.isTTY === true;
    this.#shownAt = clock.monotonic();
  }

  /** Where the running process serves REST, once it does. */
  get serving(): { readonly url: string | undefined; readonly jobId: string | undefined } {
    return { url: this.#url, jobId: this.#jobId };
  }

  onMessage(message: FromJobProcess): void {
    switch (message.type) {
      case 'leading':
        return;
      case 'serving':
        this.#url = message.url;
        this.#jobId = message.jobId;
        this.say(`REST API at ${message.url}`);
        return;
      case 'event':
        this.#onJobEvent(message.event);
        return;
      case 'log': {
        const cause = message.facts?.['cause'];
        this.say(
          `${message.level === 'warn' ? 'warning: ' : ''}${message.message}${cause === undefined ? '' : `: ${String(cause)}`}`,
        );
        return;
      }
      default:
        assertNever(message);
    }
  }

  /** What a job process writes to stderr is passed on as it is. */
  onStderr(text: string): void {
    this.#clearLine();
    this.#io.stderr.write(text);
  }

  onSupervisorEvent(event: SupervisorEvent): void {
    switch (event.event) {
      case 'attemptOpened':
        this.say(`attempt ${event.attempt}`);
        return;
      case 'processStarted':
        this.#url = undefined;
        this.#counted = undefined;
        this.#counters = {};
        return;
      case 'processReplaced':
        this.say(`attempt ${event.attempt} goes on in a new process: ${event.cause}`);
        return;
      case 'attemptFailed':
        this.#restarts++;
        this.say(
          `attempt ${event.attempt} ${event.how}: ${event.cause}; restarting in ${formatDurationMs(event.restartInMs)}`,
        );
        return;
      case 'waiting':
        this.say(
          `its restart strategy lets it run again in ${formatDurationMs(event.restartInMs)}, after: ${event.cause}`,
        );
        return;
      case 'triedAgain':
        this.say(
          `was given up at ${new Date(event.gaveUpAt).toISOString()}, after: ${event.cause}; it is tried once more`,
        );
        return;
      case 'gaveUp':
        return;
      case 'finished':
        this.say(`finished after ${counted(this.#restarts, 'restart')}${this.#countersText()}`);
        return;
      case 'stoppedWithSavepoint':
        this.say(
          `stopped with savepoint ${event.savepoint}; flinkjob resume ${this.#title} goes on from it${this.#countersText()}`,
        );
        return;
      default:
        assertNever(event);
    }
  }

  /** A line that stays. */
  say(text: string): void {
    this.#clearLine();
    this.#io.stderr.write(`${this.#name}: ${text}\n`);
  }

  error(text: string): void {
    this.#clearLine();
    this.#io.stderr.write(`error: ${text}\n`);
  }

  close(): void {
    this.#clearLine();
  }

  #onJobEvent(event: JobEvent): void {
    switch (event.event) {
      case 'restoring':
        this.say(`restoring checkpoint ${event.checkpointId} from ${event.from}`);
        return;
      case 'running':
        this.say(`running on ${counted(event.workers, 'worker')}`);
        return;
      case 'checkpointCompleted':
        this.#checkpoints++;
        this.#lastCheckpointMs = event.tookMs;
        return;
      case 'checkpointFailed':
        this.say(
          `${event.checkpointId === undefined ? 'a checkpoint' : `checkpoint ${event.checkpointId}`} failed: ${event.reason}`,
        );
        return;
      case 'progress':
        this.#counters = event.counters;
        this.#onProgress(event.vertices);
        return;
      default:
        assertNever(event);
    }
  }

  #onProgress(vertices: Extract<JobEvent, { event: 'progress' }>['vertices']): void {
    const now = this.#clock.monotonic();
    if (now - this.#shownAt < (this.#live ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return;
    const counts = vertices.map(({ name, recordsIn }) => ({ name, records: recordsIn }));
    const before = this.#counted;
    this.#counted = { at: now, vertices: counts };
    this.#shownAt = now;
    if (before === undefined) return;
    const seconds = (now - before.at) / 1_000;
    const rates = counts.map(({ name, records }, index) => {
      const rate = (records - (before.vertices[index]?.records ?? 0)) / seconds;
      return `${shortName(name)} ${compact(Math.max(0, rate))}/s`;
    });
    const checkpoint =
      this.#checkpoints === 0
        ? ''
        : ` · ${counted(this.#checkpoints, 'checkpoint')} (last ${Math.round(this.#lastCheckpointMs)} ms)`;
    const restarts = this.#restarts === 0 ? '' : ` · ${counted(this.#restarts, 'restart')}`;
    this.#progressLine(`${this.#name}: ${rates.join(' · ')}${checkpoint}${restarts}`);
  }

  /** What functions counted, where they did; after a restart only what was counted since. */
  #countersText(): string {
    const text = countersText(this.#counters);
    if (text === '') return '';
    return this.#restarts === 0 ? `; ${text}` : `; since the last restart: ${text}`;
  }

  #progressLine(text: string): void {
    if (!this.#live) {
      this.#io.stderr.write(`${text}\n`);
      return;
    }
    const width = process.stderr.columns ?? 80;
    const line = text.length < width ? text : `${text.slice(0, width - 2)}…`;
    this.#io.stderr.write(`\r${line}${' '.repeat(Math.max(0, this.#lineLength - line.length))}`);
    this.#lineLength = line.length;
  }

  #clearLine(): void {
    if (this.#lineLength === 0) return;
    this.#io.stderr.write(`\r${' '.repeat(this.#lineLength)}\r`);
    this.#lineLength = 0;
  }
}

/** The head of a chain names it well enough on one line. */
function shortName(name: string): string {
  return name.split(' -> ', 1)[0] ?? name;
}

function compact(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)}k`;
  return count.toFixed(0);
}
