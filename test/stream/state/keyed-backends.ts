/** Keyed backends under a clock set by hand, their captures, and restores at any parallelism. */
import type { Clock } from '../../../src/lib/clock.ts';
import { keyGroupRange } from '../../../src/stream/key-groups.ts';
import type {
  KeyedStateBackend,
  KeyedStateSnapshot,
  RestoredKeyedState,
  StateBlockWriter,
} from '../../../src/stream/state/backend.ts';
import { createKeyedStateBackend } from '../../../src/stream/state/keyed-state-backend.ts';
import { DataOutput, type TypeInformation, Types } from '../../../src/stream/types/index.ts';

export class ManualClock implements Clock {
  time = 0;
  /** What `monotonic` moves by with every look at it. */
  tick = 0;
  #monotonic = 0;

  now(): number {
    return this.time;
  }
  monotonic(): number {
    this.#monotonic += this.tick;
    return this.#monotonic;
  }
  setTimer(): () => void {
    throw new Error('keyed state sets no timers');
  }
}

export interface Placement {
  readonly maxParallelism?: number;
  readonly parallelism?: number;
  readonly subtask?: number;
  readonly clock?: Clock;
}

export function backendFor<K>(keyType: TypeInformation<K>, placement: Placement = {}): KeyedStateBackend<K> {
  const { maxParallelism = 128, parallelism = 1, subtask = 0, clock = new ManualClock() } = placement;
  const { start, end } = keyGroupRange(subtask, parallelism, maxParallelism);
  return createKeyedStateBackend({ keyType, maxParallelism, firstKeyGroup: start, lastKeyGroup: end, clock });
}

export function stringBackend(placement?: Placement): KeyedStateBackend<string> {
  return backendFor(Types.STRING, placement);
}

type Block = { stateIndex: number; keyGroup: number; bytes: Uint8Array };

/** Collects blocks as the checkpoint writer would. */
export class BlockCollector implements StateBlockWriter {
  readonly blocks: Block[] = [];
  readonly #out = new DataOutput(16);
  #open: Omit<Block, 'bytes'> | undefined;

  beginBlock(stateIndex: number, keyGroup: number): DataOutput {
    if (this.#open !== undefined) throw new Error('a block is open');
    this.#open = { stateIndex, keyGroup };
    this.#out.reset();
    return this.#out;
  }

  endBlock(): void {
    if (this.#open === undefined) throw new Error('no block is open');
    this.blocks.push({ ...this.#open, bytes: this.#out.toBytes() });
    this.#open = undefined;
  }
}

/** A capture that is written step by step while the test goes on. */
export class CaptureInFlight {
  readonly snapshot: KeyedStateSnapshot;
  readonly #collector = new BlockCollector();
  readonly #writing: Generator<void, void, void>;

  constructor(backend: KeyedStateBackend<never>, checkpointId = 1) {
    const snapshot = backend.snapshot(checkpointId);
    if (snapshot === undefined) throw new Error('there is nothing to capture');
    this.snapshot = snapshot;
    this.#writing = snapshot.write(this.#collector);
  }

  /** Writes on until the next pause. Returns whether it is done. */
  step(): boolean {
    return this.#writing.next().done === true;
  }

  finish(): RestoredKeyedState {
    while (!this.step());
    this.snapshot.release();
    return handleOf(this.snapshot, this.#collector.blocks);
  }
}

export function captureOf<K>(backend: KeyedStateBackend<K>): RestoredKeyedState {
  return new CaptureInFlight(backend as unknown as KeyedStateBackend<never>).finish();
}

/** A new backend with what another one holds. */
export function restoredFrom<K>(backend: KeyedStateBackend<K>, placement: Placement = {}): KeyedStateBackend<K> {
  return restoredFor(backend.keyType, [captureOf(backend)], placement);
}

/** A new backend with the key groups it owns of these captures. */
export function restoredFor<K>(
  keyType: TypeInformation<K>,
  handles: readonly RestoredKeyedState[],
  placement: Placement = {},
): KeyedStateBackend<K> {
  const backend = backendFor(keyType, placement);
  backend.restore(handles.map((handle) => ownBlocks(handle, backend)));
  return backend;
}

function ownBlocks<K>(handle: RestoredKeyedState, backend: KeyedStateBackend<K>): RestoredKeyedState {
  const { firstKeyGroup, lastKeyGroup } = backend;
  const blocks = [...handle.blocks].filter(({ keyGroup }) => keyGroup >= firstKeyGroup && keyGroup <= lastKeyGroup);
  return { ...handle, blocks };
}

/** As the manifest keeps it: JSON. */
function handleOf({ keyType, states }: KeyedStateSnapshot, blocks: readonly Block[]): RestoredKeyedState {
  return { ...(JSON.parse(JSON.stringify({ keyType, states })) as Omit<RestoredKeyedState, 'blocks'>), blocks };
}
