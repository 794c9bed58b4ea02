/**
 * Writes each record as a line to standard output. At-least-once: what was printed cannot be taken back, so after a
 * restart the records since the last checkpoint are printed again. Follows Flink's PrintSinkFunction.
 */
import { writeSync } from 'node:fs';
import { SinkFunction } from '../functions/functions.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';
import { StandardOutputError, systemCodeOf } from './errors.ts';

export interface PrintSinkOptions<T> {
  /** Put before each line, with `:` and, at a parallelism above 1, the number of the subtask. @default '' */
  readonly prefix?: string;
  /** @default strings as they are, everything else as JSON; bigints with an n */
  readonly format?: (value: T) => string;
  /** Takes the lines. @default standard output */
  readonly write?: (text: string) => void;
}

export class PrintSink<T> extends SinkFunction<T> {
  readonly #options: PrintSinkOptions<T>;
  #start = '';

  constructor(options: PrintSinkOptions<T> = {}) {
    super();
    this.#options = options;
  }

  override open(context: RuntimeContext): void {
    const { prefix = '' } = this.#options;
    const subtask = context.numberOfParallelSubtasks > 1 ? `${context.indexOfThisSubtask + 1}` : '';
    const start = [prefix, subtask].filter((part) => part.length > 0).join(':');
    this.#start = start.length > 0 ? `${start}> ` : '';
  }

  override invoke(value: T): void {
    const { format = readable, write = toStandardOutput } = this.#options;
    write(`${this.#start}${format(value)}\n`);
  }
}

const STANDARD_OUTPUT = 1;
/** Until a reader that is slower than the job has made room. */
const PAUSE_MS = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Written when it returns: what is still on its way to the main thread when a checkpoint completes, or when the process
 * ends, would be lost. A slow reader slows the job.
 */
function toStandardOutput(text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== 'EAGAIN') throw new StandardOutputError(error);
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}

function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  return (
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
  );
}
