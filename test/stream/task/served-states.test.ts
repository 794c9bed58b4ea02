import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { KvStateHandle } from '../../../src/stream/queryable/index.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  ValueStateDescriptor,
} from '../../../src/stream/state/descriptors.ts';
import { createKeyedStateBackend } from '../../../src/stream/state/keyed-state-backend.ts';
import { ServedStates } from '../../../src/stream/task/served-states.ts';
import type { Subtask } from '../../../src/stream/task/subtask.ts';
import { Types } from '../../../src/stream/types/index.ts';

const JOB = 'a'.repeat(32);

/** A subtask with one keyed operator, and everything it announces. */
function served() {
  const backend = createKeyedStateBackend({
    keyType: Types.STRING,
    maxParallelism: 128,
    firstKeyGroup: 0,
    lastKeyGroup: 127,
    clock: systemClock,
  });
  const announced: { registered: boolean; handle: KvStateHandle }[] = [];
  const states = new ServedStates(JOB, ({ registered, handle }) => announced.push({ registered, handle }));
  const operators = [{ node: { operatorId: 'operator' }, backend }];
  states.watch({ vertex: { id: 'vertex' }, chain: { operators } } as unknown as Subtask);
  const ask = (key: unknown, namespace?: unknown) =>
    states.answer({ kvStateId: announced.at(-1)?.handle.kvStateId ?? 'nobody', key, namespace });
  return { backend, announced, states, ask };
}

test('a state is announced once, when it is first made, with its key groups', () => {
  const { backend, announced } = served();
  const descriptor = new ValueStateDescriptor('count', Types.INT).setQueryable('counts');
  backend.getState(new ValueStateDescriptor('private', Types.INT));
  expect(announced).toEqual([]);
  backend.getState(descriptor);
  backend.getState(descriptor);
  expect(announced).toEqual([
    {
      registered: true,
      handle: {
        jobId: JOB,
        jobVertexId: 'vertex',
        operatorId: 'operator',
        keyGroupRange: { startKeyGroup: 0, endKeyGroup: 127 },
        registrationName: 'counts',
        kvStateId: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    },
  ]);
});

test('a query leaves the current key alone and gives the default where there is no entry', () => {
  const { backend, ask } = served();
  const state = backend.getState(new ValueStateDescriptor('count', Types.INT, 9).setQueryable('counts'));
  backend.setCurrentKey('here');
  state.update(1);
  expect([ask('here'), ask('there')]).toEqual([
    { kind: 'found', value: 1 },
    { kind: 'notFound', default: 9 },
  ]);
  expect(backend.getCurrentKey()).toBe('here');
});

test('an aggregating state answers with its result', () => {
  const { backend, ask } = served();
  const mean = {
    createAccumulator: (): [number, number] => [0, 0],
    add: (value: number, [sum, count]: [number, number]): [number, number] => [sum + value, count + 1],
    getResult: ([sum, count]: [number, number]) => sum / count,
    merge: (left: [number, number]) => left,
  };
  const type = Types.TUPLE(Types.DOUBLE, Types.INT);
  const state = backend.getAggregatingState(new AggregatingStateDescriptor('mean', mean, type).setQueryable('mean'));
  backend.setCurrentKey('k');
  state.add(1);
  state.add(2);
  expect(ask('k')).toEqual({ kind: 'found', value: 1.5 });
});

test('a state inside windows is read for one window, and for nothing else', () => {
  const { backend, ask } = served();
  const state = backend.getWindowListState(new ListStateDescriptor('seen', Types.STRING).setQueryable('seen'));
  backend.setCurrentKey('k');
  state.setWindow(0, 1_000);
  state.add('a');
  expect(ask('k', { start: 0, end: 1_000 })).toEqual({ kind: 'found', value: ['a'] });
  expect(ask('k', { start: 1_000, end: 2_000 })).toMatchObject({ kind: 'notFound' });
  expect(ask('k')).toMatchObject({ kind: 'badRequest', message: expect.stringContaining('namespace=START,END') });
});

test('a state without windows refuses a window', () => {
  const { backend, ask } = served();
  backend.getState(new ValueStateDescriptor('count', Types.INT).setQueryable('counts'));
  expect(ask('k', { start: 0, end: 1 })).toMatchObject({ kind: 'badRequest' });
});

test('what is taken back is announced and no longer served', () => {
  const { backend, announced, states, ask } = served();
  backend.getState(new ValueStateDescriptor('count', Types.INT).setQueryable('counts'));
  states.unregisterAll();
  expect(announced.map(({ registered }) => registered)).toEqual([true, false]);
  expect(ask('k')).toMatchObject({ kind: 'unknownKvStateId' });
});

test('two states of one operator cannot be queryable under one name, now or after a restart', () => {
  const { backend } = served();
  backend.getState(new ValueStateDescriptor('first', Types.INT).setQueryable('latest'));
  const second = new ValueStateDescriptor('second', Types.INT).setQueryable('latest');
  expect(() => backend.getState(second)).toThrow(
    expect.objectContaining({
      code: 'SUPPRESS_RESTARTS',
      cause: expect.objectContaining({ message: expect.stringContaining('Registration name clash.') }),
    }),
  );
});
