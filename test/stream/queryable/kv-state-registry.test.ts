import { expect, test } from 'vitest';
import { IllegalStateException } from '../../../src/lib/java-errors.ts';
import {
  answerKvStateRequest,
  DEFAULT_JOB_ID,
  type KvStateHandle,
  KvStateRegistry,
  type KvStateRegistryListener,
  TaskKvStateRegistry,
} from '../../../src/stream/queryable/index.ts';
import { aState, idsInOrder, JOB, OTHER_JOB, range } from './builders.ts';

const offer = (jobId = JOB) => ({
  jobId,
  jobVertexId: 'v',
  keyGroupRange: range(0, 15),
  registrationName: 'state',
  state: aState(() => ({ found: false })),
});

function aListener() {
  const told: string[] = [];
  const listener: KvStateRegistryListener = {
    notifyKvStateRegistered: (handle) => told.push(`+${handle.kvStateId}`),
    notifyKvStateUnregistered: (handle) => told.push(`-${handle.kvStateId}`),
  };
  return { listener, told };
}

test('a registered state gets a new id and its listener is told', () => {
  const registry = new KvStateRegistry(idsInOrder());
  const { listener, told } = aListener();
  registry.registerListener(JOB, listener);
  const handle = registry.registerKvState(offer());
  expect(handle.kvStateId).toBe('kv-0');
  expect(registry.getKvState('kv-0')?.handle).toEqual(handle);
  registry.unregisterKvState(handle);
  expect(registry.getKvState('kv-0')).toBeNull();
  expect(told).toEqual(['+kv-0', '-kv-0']);
});

test('an id that is taken is an IllegalStateException, and the first state stays', () => {
  const registry = new KvStateRegistry(() => 'same');
  registry.registerKvState(offer());
  expect(() => registry.registerKvState(offer(OTHER_JOB))).toThrow(
    new IllegalStateException('State "state" (id=same) appears registered although it should not.'),
  );
  expect(registry.getKvState('same')?.handle.jobId).toBe(JOB);
});

test('unregistering an id that is not served is ignored and nobody is told', () => {
  const registry = new KvStateRegistry(idsInOrder());
  const { listener, told } = aListener();
  registry.registerListener(JOB, listener);
  const { state: _, ...place } = offer();
  registry.unregisterKvState({ ...place, kvStateId: 'unknown' });
  expect(told).toEqual([]);
});

test('each job has a listener of its own', () => {
  const registry = new KvStateRegistry(idsInOrder());
  const first = aListener();
  const second = aListener();
  registry.registerListener(JOB, first.listener);
  registry.registerListener(OTHER_JOB, second.listener);
  registry.registerKvState(offer(JOB));
  registry.registerKvState(offer(OTHER_JOB));
  expect([first.told, second.told]).toEqual([['+kv-0'], ['+kv-1']]);
});

test('a listener under the default job id goes before the job listener', () => {
  const registry = new KvStateRegistry(idsInOrder());
  const legacy = aListener();
  const own = aListener();
  registry.registerListener(DEFAULT_JOB_ID, legacy.listener);
  registry.registerListener(JOB, own.listener);
  registry.registerKvState(offer());
  expect([legacy.told, own.told]).toEqual([['+kv-0'], []]);
});

test('a second listener for a job is an IllegalStateException until the first is removed', () => {
  const registry = new KvStateRegistry(idsInOrder());
  registry.registerListener(JOB, aListener().listener);
  expect(() => registry.registerListener(JOB, aListener().listener)).toThrow(IllegalStateException);
  registry.unregisterListener(JOB);
  const { listener, told } = aListener();
  registry.registerListener(JOB, listener);
  registry.registerKvState(offer());
  expect(told).toEqual(['+kv-0']);
});

test("disposing a task's keyed state takes back exactly its registrations", () => {
  const registry = new KvStateRegistry(idsInOrder());
  const task = new TaskKvStateRegistry(registry, JOB, 'v');
  const others = registry.registerKvState(offer(OTHER_JOB));
  const mine = [0, 1].map((i) => {
    const { jobId: _, jobVertexId: __, ...rest } = offer();
    return task.registerKvState({ ...rest, registrationName: `state-${i}` });
  });
  task.unregisterAll();
  task.unregisterAll();
  expect(mine.map(({ kvStateId }) => registry.getKvState(kvStateId))).toEqual([null, null]);
  expect(registry.getKvState(others.kvStateId)).not.toBeNull();
});

test('10 query workers get 10 distinct equal readers, each always the same', () => {
  const registry = new KvStateRegistry(idsInOrder());
  const state = {
    newReader: () => ({
      serializers: ['int', 'void', 'long'],
      read: aState(() => ({ found: false })).newReader().read,
    }),
  };
  const read = state.newReader().read;
  const handle = registry.registerKvState({ ...offer(), state: { newReader: () => ({ ...state.newReader(), read }) } });
  const entry = registry.getKvState(handle.kvStateId);
  const workers = Array.from({ length: 10 }, (_, i) => `worker-${i}`);
  const readers = workers.map((worker) => entry!.readerFor(worker));
  expect(new Set(readers).size).toBe(10);
  for (const reader of readers) expect(reader).toEqual(readers[0]);
  expect(workers.map((worker) => entry!.readerFor(worker))).toEqual(readers);
  expect(entry!.readerFor('worker-3')).toBe(readers[3]);
});

function aServer(read: Parameters<typeof aState>[0]) {
  const registry = new KvStateRegistry(idsInOrder());
  const handle = registry.registerKvState({ ...offer(), state: aState(read) });
  const ask = (key: unknown, kvStateId = handle.kvStateId) =>
    answerKvStateRequest(registry, { kvStateId, key }, 'worker-0');
  return { registry, handle, ask };
}

const lookup = (entries: Map<unknown, unknown>) => (key: unknown) =>
  entries.has(key) ? { found: true as const, value: entries.get(key) } : { found: false as const };

test('key 99812822 answers 712828289 and key 1238283 has no entry', () => {
  const { ask } = aServer(lookup(new Map([[99812822, 712828289]])));
  expect(ask(99812822)).toEqual({ kind: 'found', value: 712828289 });
  expect(ask(1238283)).toEqual({ kind: 'notFound' });
});

test('a state with a default says so for a key without an entry', () => {
  expect(aServer(() => ({ found: false, default: 42 })).ask(1)).toEqual({ kind: 'notFound', default: 42 });
});

test('an id that is not served is named', () => {
  const { ask, registry, handle } = aServer(() => ({ found: true, value: 1 }));
  expect(ask(1, 'gone')).toEqual({ kind: 'unknownKvStateId', message: 'No registered state with ID gone.' });
  registry.unregisterKvState(handle as KvStateHandle);
  expect(ask(1)).toEqual({ kind: 'unknownKvStateId', message: `No registered state with ID ${handle.kvStateId}.` });
});

test('a throwing state is the answer "failed", and the server lives on', () => {
  let healthy = false;
  const { ask } = aServer(() => {
    if (!healthy) throw new Error('expected failure');
    return { found: true, value: 'fine' };
  });
  expect(ask(1)).toEqual({ kind: 'failed', cause: 'expected failure' });
  healthy = true;
  expect(ask(1)).toEqual({ kind: 'found', value: 'fine' });
});

test('a key of another kind is the answer "failed" with the reason', () => {
  const { ask } = aServer((key) => {
    if (typeof key !== 'number') throw new Error(`key must be int, not ${typeof key}`);
    return { found: true, value: key };
  });
  expect(ask('text')).toEqual({ kind: 'failed', cause: 'key must be int, not string' });
});

test('an empty key is a key; a missing one is not', () => {
  const { ask } = aServer((key) => ({ found: true, value: key }));
  expect(ask('')).toEqual({ kind: 'found', value: '' });
  expect(ask(new Uint8Array())).toEqual({ kind: 'found', value: new Uint8Array() });
  for (const missing of [null, undefined]) expect(ask(missing)).toMatchObject({ kind: 'failed' });
});

test('an empty list is found, as []', () => {
  expect(aServer(() => ({ found: true, value: [] })).ask(1)).toEqual({ kind: 'found', value: [] });
});
