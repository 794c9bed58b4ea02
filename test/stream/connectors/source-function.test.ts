import { expect, onTestFinished, test } from 'vitest';
import { CounterSource } from '../../../examples/counter-source.ts';
import {
  ParallelSourceFunction,
  RichParallelSourceFunction,
  type SourceContext,
  SourceFunction,
} from '../../../src/stream/connectors/source.ts';
import { SourceFunctionReader } from '../../../src/stream/connectors/source-function-reader.ts';
import type { RuntimeContext } from '../../../src/stream/functions/runtime-context.ts';
import { CheckpointLock } from '../../../src/stream/task/checkpoint-lock.ts';
import {
  anInitializationContext,
  OperatorStateDouble,
  type StoredCapture,
  shareOfCapture,
} from '../../builders/operator-state.ts';

/** A task of one source function: steps and captures under the lock, as the runtime does them. */
class SourceTask<T> {
  readonly records: unknown[] = [];
  readonly failures: unknown[] = [];
  readonly idle: boolean[] = [];
  readonly lock = new CheckpointLock();
  readonly reader: SourceFunctionReader<T>;
  readonly store: OperatorStateDouble;
  #taken: (() => void)[] = [];
  #room: number;

  private constructor(source: SourceFunction<T>, store: OperatorStateDouble, room: number) {
    this.#room = room;
    this.store = store;
    this.reader = new SourceFunctionReader(source, {
      name: 'numbers',
      lock: this.lock,
      output: {
        collect: (value, timestamp) => {
          this.records.push(timestamp === undefined ? value : { value, timestamp });
          this.#room--;
        },
        collectSide: () => {},
        emitWatermark: (watermark) => void this.records.push({ watermark }),
        emitIdle: (idle) => void this.idle.push(idle),
      },
      outputAvailable: () => this.#room > 0,
      whenOutputAvailable: () => new Promise((resolve) => this.#taken.push(resolve)),
      failTask: (error) => void this.failures.push(error),
    });
  }

  static async start<T>(
    source: SourceFunction<T>,
    { restoreFrom, room = Number.POSITIVE_INFINITY, index = 0, parallelism = 1 }: StartOptions = {},
  ): Promise<SourceTask<T>> {
    const store = new OperatorStateDouble(restoreFrom && shareOfCapture(restoreFrom, index, parallelism));
    const task = new SourceTask<T>(source, store, room);
    await task.reader.initializeState(anInitializationContext(store, restoreFrom?.checkpointId));
    const context = { indexOfThisSubtask: index, numberOfParallelSubtasks: parallelism };
    await task.reader.open(context as unknown as RuntimeContext);
    onTestFinished(() => task.reader.close());
    return task;
  }

  step(): Promise<string> {
    return this.lock.withLock(() => this.reader.poll());
  }

  /** Steps until the loop has ended. */
  async toEnd(): Promise<unknown[]> {
    while ((await this.step()) !== 'end') await this.reader.whenAvailable();
    return this.records;
  }

  /** Downstream has taken records. */
  makeRoom(count: number): void {
    this.#room = count;
    for (const resolve of this.#taken.splice(0)) resolve();
  }

  /** How many records were out when the capture was taken, and what was stored. */
  capture(checkpointId: number): Promise<StoredCapture & { emitted: number }> {
    return this.lock.withCapture(async () => {
      const emitted = this.records.length;
      await new Promise((resolve) => setImmediate(resolve));
      await this.reader.snapshotState({ checkpointId, checkpointTimestamp: 0 });
      expect(this.records.length).toBe(emitted);
      return { checkpointId, emitted, subtasks: [this.store.store()] };
    });
  }
}

interface StartOptions {
  readonly restoreFrom?: StoredCapture;
  readonly room?: number;
  readonly index?: number;
  readonly parallelism?: number;
}

/** Counts under the lock; `until` ends it by itself. */
class Numbers extends RichParallelSourceFunction<number> {
  offset = 0;
  running = true;
  readonly log: string[] = [];
  readonly until: number;
  constructor(until = Number.POSITIVE_INFINITY) {
    super();
    this.until = until;
  }
  override open(): void {
    this.log.push('open');
  }
  override async run(context: SourceContext<number>): Promise<void> {
    this.log.push('run');
    while (this.running && this.offset < this.until) {
      await context.withCheckpointLock(async () => {
        context.collect(this.offset);
        // An await inside the section: record and position would part without the lock.
        await Promise.resolve();
        this.offset++;
      });
    }
  }
  override cancel(): void {
    this.running = false;
  }
  override close(): void {
    this.log.push('close');
  }
  snapshotState(): number[] {
    return [this.offset];
  }
  restoreState(state: number[]): void {
    this.log.push('restore');
    for (const offset of state) this.offset = offset;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What is emitted when a task is captured and restored so often, each time after other turns of the event loop. */
async function keptOverRestores<T>(newSource: () => SourceFunction<T>, turnsOfEach: readonly number[]) {
  let restoreFrom: StoredCapture | undefined;
  const kept: unknown[] = [];
  for (const [index, turns] of turnsOfEach.entries()) {
    const task = await SourceTask.start(newSource(), restoreFrom ? { restoreFrom } : {});
    await task.step();
    for (let left = turns; left > 0; left--) await turn();
    const capture = await task.capture(index + 1);
    kept.push(...task.records.slice(0, capture.emitted));
    await turn();
    expect(task.failures).toEqual([]);
    await task.reader.close();
    restoreFrom = capture;
  }
  return kept;
}

test('captures at any instant and restores from them give every number once', async () => {
  const kept = await keptOverRestores(
    () => new Numbers(),
    Array.from({ length: 20 }, (_, index) => (index + 1) % 5),
  );
  expect(kept.length).toBeGreaterThan(100);
  expect(kept).toEqual(kept.map((_, index) => index));
});

test('the example that counts does so without gap or repeat over captures and restores', async () => {
  const kept = await keptOverRestores(() => new CounterSource(1_000_000n), [1, 2, 3, 4, 5]);
  expect(kept.length).toBeGreaterThan(100);
  expect(kept).toEqual(kept.map((_, index) => BigInt(index)));
});

test('the function is restored before it is opened, runs after that, and is closed when its loop has ended', async () => {
  const first = await SourceTask.start(new Numbers());
  const restoreFrom = await first.capture(1);
  const source = new Numbers();
  const task = await SourceTask.start(source, { restoreFrom });
  expect(source.log).toEqual(['restore', 'open']);
  await task.step();
  await task.reader.close();
  expect(source.log).toEqual(['restore', 'open', 'run', 'close']);
  expect(source.running).toBe(false);
});

test('a loop that awaits nothing but the lock lets timers and messages of the thread through', async () => {
  const task = await SourceTask.start(new Numbers());
  await task.step();
  let fired = false;
  setImmediate(() => {
    fired = true;
  });
  for (let microtasks = 0; microtasks < 10_000 && !fired; microtasks++) await Promise.resolve();
  await turn();
  expect(fired).toBe(true);
});

test('the loop waits while the outputs can take no more', async () => {
  const task = await SourceTask.start(new Numbers(), { room: 3 });
  await task.step();
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(task.records).toEqual([0, 1, 2]);
  task.makeRoom(2);
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(task.records).toEqual([0, 1, 2, 3, 4]);
});

test('a loop that waits for outputs or for the lock ends when the source is closed, even by the holder of the lock', async () => {
  const blocked = await SourceTask.start(new Numbers(), { room: 1 });
  await blocked.step();
  await turn();
  await blocked.reader.close();
  const locked = await SourceTask.start(new Numbers());
  await locked.step();
  await locked.lock.withLock(async () => {
    await turn();
    await locked.reader.close();
  });
  expect(locked.failures).toEqual([]);
  expect(await locked.lock.withLock(() => 'free')).toBe('free');
});

test('a loop that returns ends the source, and a restore from a capture behind its end does not run it again', async () => {
  const task = await SourceTask.start(new Numbers(5));
  expect(await task.toEnd()).toEqual([0, 1, 2, 3, 4]);
  const restoreFrom = await task.capture(3);
  const source = new Numbers(5);
  const again = await SourceTask.start(source, { restoreFrom });
  expect(await again.toEnd()).toEqual([]);
  expect(source.log).not.toContain('run');
});

test('a loop that returned because it was cancelled has not ended: a restore runs it again', async () => {
  class Waiting extends SourceFunction<number> {
    running = true;
    override async run(context: SourceContext<number>): Promise<void> {
      context.collect(1);
      while (this.running) await turn();
    }
    override cancel(): void {
      this.running = false;
    }
  }
  const task = await SourceTask.start(new Waiting());
  await task.step();
  await task.reader.close();
  await task.reader.snapshotState({ checkpointId: 1, checkpointTimestamp: 0 });
  const restoreFrom = { checkpointId: 1, subtasks: [task.store.store()] };
  const again = await SourceTask.start(new Waiting(), { restoreFrom });
  expect(await again.step()).toBe('idle');
  expect(again.records).toEqual([1]);
});

test('what the loop throws fails the task', async () => {
  class Broken extends SourceFunction<number> {
    override async run(context: SourceContext<number>): Promise<void> {
      await context.withCheckpointLock(() => context.collect(1));
      throw new Error('the feed is gone');
    }
    override cancel(): void {}
  }
  const task = await SourceTask.start(new Broken());
  await task.step();
  await task.reader.whenAvailable();
  await expect(task.step()).rejects.toThrow('the feed is gone');
  expect(task.failures).toEqual([new Error('the feed is gone')]);
  expect(task.records).toEqual([1]);
});

/** Runs `loop` as a source. */
class Looping extends ParallelSourceFunction<number> {
  readonly #loop: (context: SourceContext<number>) => Promise<void>;
  constructor(loop: (context: SourceContext<number>) => Promise<void>) {
    super();
    this.#loop = loop;
  }
  override run(context: SourceContext<number>): Promise<void> {
    return this.#loop(context);
  }
  override cancel(): void {}
}

test('a collect without the lock goes out at once; timestamps, watermarks and idleness too', async () => {
  const task = await SourceTask.start(
    new Looping(async (context) => {
      context.collect(1);
      context.collectWithTimestamp(2, 20);
      context.emitWatermark(20);
      context.markAsTemporarilyIdle();
      context.markAsTemporarilyIdle();
      context.collect(3);
    }),
  );
  expect(await task.toEnd()).toEqual([1, { value: 2, timestamp: 20 }, { watermark: 20 }, 3]);
  expect(task.idle).toEqual([true, false]);
});

test('a collect in the middle of a capture, without the lock, is refused: it would be lost or come twice', async () => {
  let running = true;
  const task = await SourceTask.start(
    new Looping(async (context) => {
      for (; running; await turn()) context.collect(1);
    }),
  );
  await task.step();
  await task.lock.withCapture(async () => {
    for (let turns = 0; turns < 3; turns++) await turn();
  });
  running = false;
  await task.reader.whenAvailable();
  await expect(task.step()).rejects.toThrow('emitted while a checkpoint was being taken');
});

test('taking the lock inside itself is refused instead of waiting for ever', async () => {
  const task = await SourceTask.start(
    new Looping((context) => context.withCheckpointLock(() => context.withCheckpointLock(() => {}))),
  );
  await task.step();
  await task.reader.whenAvailable();
  await expect(task.step()).rejects.toThrow('withCheckpointLock was called inside itself');
});

test('the signal of the loop is aborted when the source is closed', async () => {
  let aborted = false;
  const task = await SourceTask.start(
    new Looping(
      (context) =>
        new Promise((resolve) => {
          context.signal.addEventListener('abort', () => {
            aborted = true;
            resolve();
          });
        }),
    ),
  );
  await task.step();
  await task.reader.close();
  expect(aborted).toBe(true);
});

test('a function with both checkpointing interfaces is refused', () => {
  const both = Object.assign(new Numbers(), { initializeState: () => {} });
  expect(() => new SourceFunctionReader(both, {} as never)).toThrow(
    'User functions are not allowed to implement CheckpointedFunction AND ListCheckpointed.',
  );
});
