/**
 * Runs one operator without a task: records, watermarks and time are pushed in by hand, what comes out is recorded.
 * Captures are encoded to bytes and restored from them, at any parallelism, so that nothing survives by reference.
 *
 *     const harness = await openHarness(() => new MyOperator(), { keyType: Types.INT });
 *     harness.process(['a', 1], 100);
 *     harness.watermark(200);
 *     expect(harness.values()).toEqual([...]);
 */
import type { Clock } from '../../src/lib/clock.ts';
import { NO_TIMESTAMP } from '../../src/stream/exchange/channel.ts';
import type { OutputTag } from '../../src/stream/functions/output-tag.ts';
import {
  defaultMaxParallelism,
  keyGroupOf,
  keyGroupRange,
  operatorIndexForKeyGroup,
} from '../../src/stream/key-groups.ts';
import type {
  KeySelection,
  OneInputOperator,
  OperatorContext,
  OperatorMetrics,
  OperatorRestore,
  OperatorSnapshot,
  OperatorStatePart,
  Output,
  TwoInputOperator,
} from '../../src/stream/operators/operator.ts';
import type { KeyedStateBackend, KeyedStateSnapshot, RestoredKeyedState } from '../../src/stream/state/backend.ts';
import { createKeyedStateBackend } from '../../src/stream/state/keyed-state-backend.ts';
import { TaskProcessingTime } from '../../src/stream/task/processing-time.ts';
import { DataOutput } from '../../src/stream/types/data-output.ts';
import type { TypeInformation } from '../../src/stream/types/type-information.ts';
import type { AnyTypeInformation } from '../../src/stream/types/types.ts';

/** A clock that stands still until it is moved. */
export class StandingClock implements Clock {
  #now: number;
  constructor(now = 0) {
    this.#now = now;
  }
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  setTimer(): () => void {
    throw new Error('operators set timers through their ProcessingTimeService');
  }
  moveTo(now: number): void {
    this.#now = now;
  }
}

export interface RecordedElement<T = unknown> {
  readonly value: T;
  /** Undefined for a record without one. */
  readonly timestamp: number | undefined;
}

/** An output that keeps everything. */
export class RecordingOutput implements Output {
  readonly elements: RecordedElement[] = [];
  readonly side = new Map<string, RecordedElement[]>();
  readonly watermarks: number[] = [];
  readonly idle: boolean[] = [];

  collect(value: unknown, timestamp: number): void {
    this.elements.push(element(value, timestamp));
  }
  collectSide(tag: OutputTag<unknown>, value: unknown, timestamp: number): void {
    this.side.set(tag.id, [...(this.side.get(tag.id) ?? []), element(value, timestamp)]);
  }
  emitWatermark(timestamp: number): void {
    this.watermarks.push(timestamp);
  }
  emitIdle(idle: boolean): void {
    this.idle.push(idle);
  }
}

/** What one subtask stored, as bytes. */
export interface SubtaskCapture {
  readonly checkpointId: number;
  readonly keyed: RestoredKeyedState | undefined;
  readonly operatorState: readonly OperatorStatePart[];
}

export interface HarnessOptions {
  readonly keyType?: AnyTypeInformation;
  /** @default 0 */
  readonly subtaskIndex?: number;
  /** @default 1 */
  readonly parallelism?: number;
  readonly maxParallelism?: number;
  /** Processing time at the start. @default 0 */
  readonly now?: number;
  /** Captures of all subtasks of the run before. */
  readonly restore?: readonly SubtaskCapture[];
}

/** One subtask of one operator. */
export class OperatorHarness<O extends OneInputOperator | TwoInputOperator = OneInputOperator> {
  readonly operator: O;
  readonly output = new RecordingOutput();
  readonly clock: StandingClock;
  readonly processingTime: TaskProcessingTime;
  readonly backend: KeyedStateBackend | undefined;
  readonly metrics: OperatorMetrics = { recordsIn: 0, recordsOut: 0, lateRecordsDropped: 0, user: new Map() };
  /** What the operator gave to failTask. */
  readonly failures: unknown[] = [];
  readonly #options: Required<Pick<HarnessOptions, 'subtaskIndex' | 'parallelism' | 'maxParallelism'>>;
  readonly #restore: readonly SubtaskCapture[] | undefined;

  constructor(operator: O, options: HarnessOptions = {}) {
    const { keyType, subtaskIndex = 0, parallelism = 1, now = 0, restore } = options;
    const maxParallelism = options.maxParallelism ?? defaultMaxParallelism(parallelism);
    this.operator = operator;
    this.#options = { subtaskIndex, parallelism, maxParallelism };
    this.#restore = restore;
    this.clock = new StandingClock(now);
    this.processingTime = new TaskProcessingTime(this.clock);
    const { start, end } = keyGroupRange(subtaskIndex, parallelism, maxParallelism);
    this.backend =
      keyType === undefined
        ? undefined
        : createKeyedStateBackend({
            keyType: keyType as unknown as TypeInformation<unknown>,
            maxParallelism,
            firstKeyGroup: start,
            lastKeyGroup: end,
            clock: this.clock,
          });
  }

  /** Setup, initializeState, open. */
  async open(): Promise<this> {
    const { subtaskIndex, parallelism, maxParallelism } = this.#options;
    const context: OperatorContext = {
      subtask: {
        jobId: 'a-job',
        jobName: 'a job',
        attempt: 1,
        epoch: 1,
        origin: { from: 'nothing' },
        args: [],
        vertexId: 'a-vertex',
        taskName: 'a task',
        subtaskIndex,
        parallelism,
        maxParallelism,
      },
      uid: 'an-operator',
      operatorId: 'an-operator-id',
      name: 'an operator',
      output: this.output,
      clock: this.clock,
      processingTime: this.processingTime,
      metrics: this.metrics,
      keyedBackend: this.backend,
      failTask: (error) => this.failures.push(error),
      runOnTask: (action) => action(),
    };
    this.operator.setup(context);
    const restored = this.#restore && shareOf(this.#restore, subtaskIndex, parallelism, maxParallelism);
    await this.operator.initializeState({ restored });
    await this.operator.open();
    return this;
  }

  process(this: OperatorHarness<OneInputOperator>, value: unknown, timestamp: number = NO_TIMESTAMP): void {
    this.operator.processElement(value, timestamp);
  }

  watermark(this: OperatorHarness<OneInputOperator>, timestamp: number): void {
    this.operator.processWatermark(timestamp);
  }

  /** Moves processing time and fires what is due. */
  moveProcessingTimeTo(now: number): void {
    this.clock.moveTo(now);
    this.processingTime.fireDue();
  }

  /** Emitted records without their timestamps. */
  values<T = unknown>(): T[] {
    return this.output.elements.map(({ value }) => value as T);
  }

  /** Emitted records since the last call. */
  take<T = unknown>(): RecordedElement<T>[] {
    return this.output.elements.splice(0) as RecordedElement<T>[];
  }

  sideValues<X>(tag: OutputTag<X>): X[] {
    return (this.output.side.get(tag.id) ?? []).map(({ value }) => value as X);
  }

  /** A whole capture: synchronous part, then the bytes. */
  async capture(checkpointId = 1): Promise<SubtaskCapture> {
    this.operator.prepareSnapshotPreBarrier(checkpointId);
    const request = { checkpointId, timestamp: this.clock.now(), kind: 'checkpoint' as const };
    return written(checkpointId, await this.operator.snapshotState(request));
  }

  async close(): Promise<void> {
    await this.operator.close();
    this.backend?.dispose();
  }
}

/** An opened harness around one subtask. */
export function openHarness<O extends OneInputOperator | TwoInputOperator>(
  create: () => O,
  options: HarnessOptions = {},
): Promise<OperatorHarness<O>> {
  return new OperatorHarness<O>(create(), options).open();
}

/** All subtasks of a keyed operator: records go to the owner of their key. */
export class ParallelHarness<T, K> {
  readonly subtasks: readonly OperatorHarness<OneInputOperator>[];
  readonly #key: KeySelection<T, K>;
  readonly #maxParallelism: number;

  private constructor(
    subtasks: readonly OperatorHarness<OneInputOperator>[],
    key: KeySelection<T, K>,
    maxParallelism: number,
  ) {
    this.subtasks = subtasks;
    this.#key = key;
    this.#maxParallelism = maxParallelism;
  }

  static async open<T, K>(
    create: () => OneInputOperator,
    key: KeySelection<T, K>,
    options: { parallelism: number; maxParallelism: number; now?: number; restore?: readonly SubtaskCapture[] },
  ): Promise<ParallelHarness<T, K>> {
    const subtasks = Array.from({ length: options.parallelism }, (_, subtaskIndex) =>
      openHarness(create, { ...options, subtaskIndex, keyType: key.type as unknown as AnyTypeInformation }),
    );
    return new ParallelHarness(await Promise.all(subtasks), key, options.maxParallelism);
  }

  process(value: T, timestamp: number = NO_TIMESTAMP): void {
    const { select, type } = this.#key;
    const keyGroup = keyGroupOf(type.hash!(select(value)), this.#maxParallelism);
    this.subtasks[operatorIndexForKeyGroup(keyGroup, this.subtasks.length, this.#maxParallelism)]!.process(
      value,
      timestamp,
    );
  }

  watermark(timestamp: number): void {
    for (const subtask of this.subtasks) subtask.watermark(timestamp);
  }

  moveProcessingTimeTo(now: number): void {
    for (const subtask of this.subtasks) subtask.moveProcessingTimeTo(now);
  }

  /** What all subtasks emitted since the last call. */
  take<O>(): RecordedElement<O>[] {
    return this.subtasks.flatMap((subtask) => subtask.take<O>());
  }

  capture(checkpointId = 1): Promise<SubtaskCapture[]> {
    return Promise.all(this.subtasks.map((subtask) => subtask.capture(checkpointId)));
  }

  async close(): Promise<void> {
    for (const subtask of this.subtasks) await subtask.close();
  }
}

/** The bytes of a keyed capture. */
export function encodeKeyed(snapshot: KeyedStateSnapshot): RestoredKeyedState {
  const blocks: { stateIndex: number; keyGroup: number; bytes: Uint8Array }[] = [];
  const out = new DataOutput();
  let open: { stateIndex: number; keyGroup: number } | undefined;
  const writing = snapshot.write({
    beginBlock(stateIndex, keyGroup) {
      out.reset();
      open = { stateIndex, keyGroup };
      return out;
    },
    endBlock() {
      if (out.position > 0) blocks.push({ ...open!, bytes: out.toBytes() });
    },
  });
  for (const _ of writing);
  const { keyType, states } = structuredClone({ keyType: snapshot.keyType, states: snapshot.states });
  snapshot.release();
  return { keyType, states, blocks };
}

/** The blocks of the key groups between first and last (inclusive). */
export function keyGroupsOf(state: RestoredKeyedState, first: number, last: number): RestoredKeyedState {
  const blocks = [...state.blocks].filter(({ keyGroup }) => keyGroup >= first && keyGroup <= last);
  return { ...state, blocks };
}

function written(checkpointId: number, { keyed, operatorState }: OperatorSnapshot): SubtaskCapture {
  return { checkpointId, keyed: keyed === undefined ? undefined : encodeKeyed(keyed), operatorState };
}

function shareOf(
  captures: readonly SubtaskCapture[],
  subtaskIndex: number,
  parallelism: number,
  maxParallelism: number,
): OperatorRestore {
  const { start, end } = keyGroupRange(subtaskIndex, parallelism, maxParallelism);
  const keyed = captures.flatMap((capture) =>
    capture.keyed === undefined ? [] : [keyGroupsOf(capture.keyed, start, end)],
  );
  const operatorState = captures.flatMap((capture, old) =>
    capture.operatorState.map((part) => partFor(part, old, subtaskIndex, parallelism)),
  );
  return {
    checkpointId: captures[0]?.checkpointId ?? 0,
    keyed,
    operatorState,
    rawKeyed: new Map(),
    rawOperator: [],
  };
}

/** Union lists for everybody, one copy of a broadcast map, the elements of even-split lists in turn. */
function partFor(part: OperatorStatePart, old: number, subtaskIndex: number, parallelism: number): OperatorStatePart {
  if (part.mode === 'UNION') return part;
  const partitions = part.partitions.filter((_, index) =>
    part.mode === 'BROADCAST' ? old === 0 : (old + index) % parallelism === subtaskIndex,
  );
  return { ...part, partitions };
}

function element(value: unknown, timestamp: number): RecordedElement {
  return { value, timestamp: timestamp === NO_TIMESTAMP ? undefined : timestamp };
}
