/**
 * Writes each record as a line to standard output. At-least-once: what was printed cannot be taken back, so after a
 * restart the records since the last checkpoint are printed again. Follows Flink's PrintSinkFunction.
 */
import { SinkFunction } from '../functions/functions.ts';
import type { RuntimeContext } from '../functions/runtime-context.ts';

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

function toStandardOutput(text: string): void {
  process.stdout.write(text);
}

function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  return (
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
  );
}
