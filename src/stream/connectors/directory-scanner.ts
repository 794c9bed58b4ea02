/** Says when it is time to look into a directory again: after an interval, or when the system reports a change. */
import { type FSWatcher, watch } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { namesIn } from './input-files.ts';

export interface DirectoryScannerOptions {
  readonly path: string;
  readonly pollIntervalMs: number;
  /** Whether to ask the system for changes as well. */
  readonly watch: boolean;
}

export class DirectoryScanner {
  readonly #options: DirectoryScannerOptions;
  readonly #clock: Clock;
  readonly #workingDirectory: string;
  readonly #wake: () => void;
  #watcher: FSWatcher | undefined;
  #cancelTimer: (() => void) | undefined;
  #due = false;

  /** @param wake called when it has become time */
  constructor(
    options: DirectoryScannerOptions,
    context: { readonly clock: Clock; readonly workingDirectory: string },
    wake: () => void,
  ) {
    this.#options = options;
    this.#clock = context.clock;
    this.#workingDirectory = context.workingDirectory;
    this.#wake = wake;
  }

  get isDue(): boolean {
    return this.#due;
  }

  /** Begins to watch; the first scan is due. @throws FileUnreadableError when the directory cannot be listed */
  async open(): Promise<void> {
    await namesIn(this.#options.path, this.#workingDirectory);
    if (this.#options.watch) this.#watch();
    this.#due = true;
  }

  /** The names in the directory, sorted. Changes during the listing make the next one due. */
  scan(): Promise<string[]> {
    this.#due = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    return namesIn(this.#options.path, this.#workingDirectory);
  }

  /** Makes a scan due after the interval; does nothing while one is waiting. */
  scheduleNext(): void {
    this.#cancelTimer ??= this.#clock.setTimer(this.#options.pollIntervalMs, () => {
      this.#cancelTimer = undefined;
      this.#setDue();
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #watch(): void {
    const unwatched = (): void => {
      this.#watcher?.close();
      this.#watcher = undefined;
    };
    try {
      const path = resolve(this.#workingDirectory, this.#options.path);
      this.#watcher = watch(path, { persistent: false }, () => this.#setDue());
      // Out of watches, or not offered by this file system: the interval finds everything, only later.
      this.#watcher.on('error', unwatched);
    } catch {
      unwatched();
    }
  }

  #setDue(): void {
    this.#due = true;
    this.#wake();
  }
}
