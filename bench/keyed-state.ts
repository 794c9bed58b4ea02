/**
 * What keyed state costs: per record (set the key, read, write), per capture (pause and whole), per restore, per key of
 * memory. Run with `node --expose-gc bench/keyed-state.ts`; without --expose-gc memory is not shown.
 */
import { systemClock } from '../src/lib/clock.ts';
import type { KeyedStateBackend, RestoredKeyedState } from '../src/stream/state/backend.ts';
import { ValueStateDescriptor } from '../src/stream/state/descriptors.ts';
import { createKeyedStateBackend } from '../src/stream/state/keyed-state-backend.ts';
import { DataOutput, type TypeInformation, Types } from '../src/stream/types/index.ts';

const MAX_PARALLELISM = 128;
const COUNT = new ValueStateDescriptor('count', Types.DOUBLE);

function backendOf<K>(keyType: TypeInformation<K>): KeyedStateBackend<K> {
  return createKeyedStateBackend({
    keyType,
    maxParallelism: MAX_PARALLELISM,
    firstKeyGroup: 0,
    lastKeyGroup: MAX_PARALLELISM - 1,
    clock: systemClock,
  });
}

/** Every key once, in an order that no prefetcher guesses and that is the same in every run. */
function scatteredKeys<K>(count: number, keyOf: (index: number) => K): K[] {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  let random = 1;
  for (let index = count - 1; index > 0; index--) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const other = Math.floor((random / 4_294_967_296) * (index + 1));
    const held = order[index] as number;
    order[index] = order[other] as number;
    order[other] = held;
  }
  return Array.from(order, keyOf);
}

/** Milliseconds of this thread's CPU, in steps of some: what others on the machine take does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function steps<K>(backend: KeyedStateBackend<K>, records: readonly K[], rounds: number): number {
  const state = backend.getState(COUNT);
  const started = cpuMs();
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < records.length; index++) {
      backend.setCurrentKey(records[index] as K);
      state.update((state.value() ?? 0) + 1);
    }
  }
  return ((cpuMs() - started) * 1e6) / (rounds * records.length);
}

interface CaptureFigures {
  readonly syncMs: number;
  readonly totalMs: number;
  readonly longestSliceMs: number;
  readonly bytes: number;
  readonly handle: RestoredKeyedState;
}

function capture<K>(backend: KeyedStateBackend<K>): CaptureFigures {
  const startedCpu = cpuMs();
  const started = performance.now();
  const snapshot = backend.snapshot(1);
  const syncMs = performance.now() - started;
  if (snapshot === undefined) throw new Error('nothing to capture');
  const out = new DataOutput(1 << 20);
  const blocks: { stateIndex: number; keyGroup: number; bytes: Uint8Array }[] = [];
  let current = { stateIndex: 0, keyGroup: 0 };
  const writing = snapshot.write({
    beginBlock(stateIndex, keyGroup) {
      current = { stateIndex, keyGroup };
      out.reset();
      return out;
    },
    endBlock: () => void blocks.push({ ...current, bytes: out.toBytes() }),
  });
  let longestSliceMs = 0;
  for (let done = false; !done; ) {
    const slice = performance.now();
    done = writing.next().done === true;
    longestSliceMs = Math.max(longestSliceMs, performance.now() - slice);
  }
  snapshot.release();
  const totalMs = cpuMs() - startedCpu;
  const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
  return {
    syncMs,
    totalMs,
    longestSliceMs,
    bytes,
    handle: { keyType: snapshot.keyType, states: snapshot.states, blocks },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? 0;
}

function memoryInUse(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function measure<K>(name: string, type: TypeInformation<K>, count: number, keyOf: (index: number) => K): void {
  const records = scatteredKeys(count, keyOf);
  const before = memoryInUse();
  const backend = backendOf(type);
  const filling = steps(backend, records, 1);
  const perKey = (memoryInUse() - before) / count;
  const rounds = Math.max(1, Math.round(5_000_000 / count));
  const perStep = median(Array.from({ length: 5 }, () => steps(backend, records, rounds)));
  const captures = Array.from({ length: 7 }, () => capture(backend));
  const handle = captures[0]?.handle;
  const restores = Array.from({ length: 3 }, () => {
    const started = cpuMs();
    const target = backendOf(type);
    target.restore(handle === undefined ? [] : [handle]);
    target.getState(COUNT);
    return cpuMs() - started;
  });
  const figures = [
    `${perStep.toFixed(1)} ns/step (${filling.toFixed(0)} while filling)`,
    `capture: pause ${median(captures.map((each) => each.syncMs)).toFixed(2)} ms`,
    `whole ${median(captures.map((each) => each.totalMs)).toFixed(1)} ms`,
    `longest slice ${median(captures.map((each) => each.longestSliceMs)).toFixed(1)} ms`,
    `${((captures[0]?.bytes ?? 0) / 1e6).toFixed(1)} MB`,
    `restore ${median(restores).toFixed(1)} ms`,
    globalThis.gc === undefined ? 'memory: needs --expose-gc' : `${perKey.toFixed(0)} B/key`,
  ];
  console.log(`${name.padEnd(24)} ${figures.join(', ')}`);
}

const asText = (index: number): string => `key-${index}`;
const sizes: readonly number[] = [100_000, 1_000_000];
for (const size of sizes) measure(`int keys, ${size}`, Types.INT, size, (index) => index);
for (const size of sizes) measure(`string keys, ${size}`, Types.STRING, size, asText);
for (const size of sizes) measure(`double keys, ${size}`, Types.DOUBLE, size, (index) => index + 0.5);
