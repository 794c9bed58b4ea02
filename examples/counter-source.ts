// A source that is a loop of its own: it counts, and after a restart it goes on without gap or repeat.
// Arguments: the directory for the numbers, how many each subtask counts.
import { FileSink, type Job, type ListCheckpointed, RichParallelSourceFunction, type SourceContext } from 'flinkjob';

export class CounterSource extends RichParallelSourceFunction<bigint> implements ListCheckpointed<bigint> {
  readonly #limit: bigint;
  /** The next number. */
  #offset = 0n;
  #isRunning = true;

  constructor(limit: bigint) {
    super();
    this.#limit = limit;
  }

  override async run(context: SourceContext<bigint>): Promise<void> {
    while (this.#isRunning && this.#offset < this.#limit) {
      await context.withCheckpointLock(() => {
        // Under the lock no checkpoint comes in between: it has both the number and the new offset, or neither.
        context.collect(this.#offset);
        this.#offset += 1n;
      });
    }
  }

  override cancel(): void {
    this.#isRunning = false;
  }

  snapshotState(): bigint[] {
    return [this.#offset];
  }

  /** One offset per subtask that there was. Run it at the parallelism it was started with. */
  restoreState(state: bigint[]): void {
    for (const offset of state) this.#offset = offset;
  }
}

export const job: Job = (env) => {
  const [results = 'out', limit = '100000'] = env.args;
  env
    .addSource(() => new CounterSource(BigInt(limit)))
    .uid('counter')
    .addSink(new FileSink<bigint>({ path: results, encode: (number) => `${number}` }))
    .uid('numbers');
};
