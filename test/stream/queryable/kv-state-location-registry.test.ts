import { expect, test } from 'vitest';
import {
  IllegalArgumentException,
  IllegalStateException,
  IndexOutOfBoundsException,
  NullPointerException,
  SuppressRestartsException,
} from '../../../src/lib/java-errors.ts';
import { KvStateLocationRegistry } from '../../../src/stream/queryable/index.ts';
import { thrownBy } from '../../builders/failure-of.ts';
import { aRegistry, at, JOB, range, someVertices } from './builders.ts';

const offer = (jobVertexId: string, start: number, end: number, more: Record<string, unknown> = {}) => ({
  jobVertexId,
  keyGroupRange: range(start, end),
  registrationName: 'state',
  kvStateId: 'id',
  address: at(1),
  ...more,
});

const withdrawal = (jobVertexId: string, start: number, end: number, more: Record<string, unknown> = {}) => ({
  jobVertexId,
  keyGroupRange: range(start, end),
  registrationName: 'state',
  ...more,
});

test('job id and vertices are required', () => {
  const { vertices } = someVertices({});
  expect(() => new KvStateLocationRegistry(null as unknown as string, vertices)).toThrow(
    new NullPointerException('JobID'),
  );
  expect(() => new KvStateLocationRegistry(JOB, null as unknown as typeof vertices)).toThrow(
    new NullPointerException('Job vertices'),
  );
});

test('two operators with maximum parallelism 32 and 13 register one group at a time and take each back', () => {
  const { registry } = aRegistry({ first: 32, second: 13 });
  for (const [vertex, groups] of [
    ['first', 32],
    ['second', 13],
  ] as const) {
    for (let group = 0; group < groups; group++) {
      const id = `${vertex}-${group}`;
      registry.notifyKvStateRegistered(
        offer(vertex, group, group, { registrationName: vertex, kvStateId: id, address: at(group) }),
      );
    }
    const location = registry.getKvStateLocation(vertex);
    expect(location).toMatchObject({ jobId: JOB, jobVertexId: vertex, registrationName: vertex, numKeyGroups: groups });
    expect(location?.numRegisteredKeyGroups).toBe(groups);
    expect(location?.getKvStateId(groups - 1)).toBe(`${vertex}-${groups - 1}`);
    expect(location?.getKvStateServerAddress(0)).toEqual(at(0));
  }
  for (const [vertex, groups] of [
    ['first', 32],
    ['second', 13],
  ] as const) {
    for (let group = 0; group < groups; group++) {
      expect(registry.getKvStateLocation(vertex)).not.toBeNull();
      registry.notifyKvStateUnregistered(withdrawal(vertex, group, group, { registrationName: vertex }));
    }
    expect(registry.getKvStateLocation(vertex)).toBeNull();
  }
});

test('an unknown name has no location', () => {
  expect(aRegistry({}).registry.getKvStateLocation('nobody')).toBeNull();
});

test('a vertex that is not of this job is refused', () => {
  const { registry } = aRegistry({ v: 4 });
  expect(() => registry.notifyKvStateRegistered(offer('stranger', 0, 0))).toThrow(
    new IllegalArgumentException('Unknown JobVertexID stranger'),
  );
  expect(registry.getKvStateLocation('state')).toBeNull();
});

test('a name held by another vertex fails the newcomer for good and keeps the holder', async () => {
  const { registry, failed } = aRegistry({ first: 4, second: 4 });
  registry.notifyKvStateRegistered(offer('first', 0, 0));
  const clash = await thrownBy(() => registry.notifyKvStateRegistered(offer('second', 0, 0, { kvStateId: 'other' })));
  expect(clash).toBeInstanceOf(IllegalStateException);
  expect(clash.message).toBe(
    "Registration name clash. KvState with name 'state' has already been registered by another operator (first).",
  );
  expect(failed).toHaveLength(1);
  expect(failed[0]?.vertex).toBe('second');
  expect(failed[0]?.cause).toBeInstanceOf(SuppressRestartsException);
  expect(failed[0]?.cause.cause).toBe(clash);
  expect(registry.getKvStateLocation('state')?.getKvStateId(0)).toBe('id');
});

test('a clash caused by an unknown vertex fails nobody', () => {
  const { registry, failed } = aRegistry({ first: 4 });
  registry.notifyKvStateRegistered(offer('first', 0, 0));
  expect(() => registry.notifyKvStateRegistered(offer('stranger', 0, 0))).toThrow(IllegalStateException);
  expect(failed).toEqual([]);
});

test('unregistering an unknown name is refused', () => {
  expect(() => aRegistry({ v: 4 }).registry.notifyKvStateUnregistered(withdrawal('v', 0, 0))).toThrow(
    new IllegalArgumentException("Unknown registration name 'state'. Probably registration/unregistration race."),
  );
});

test('unregistering [2,2] after registering [0,0] is refused', () => {
  const { registry } = aRegistry({ v: 4 });
  registry.notifyKvStateRegistered(offer('v', 0, 0));
  expect(() => registry.notifyKvStateUnregistered(withdrawal('v', 2, 2))).toThrow(
    new IllegalArgumentException('Not registered. Probably registration/unregistration race.'),
  );
  expect(registry.getKvStateLocation('state')?.numRegisteredKeyGroups).toBe(1);
});

test("unregistering another vertex's state is refused", () => {
  const { registry } = aRegistry({ first: 4, second: 4 });
  registry.notifyKvStateRegistered(offer('first', 0, 0));
  expect(() => registry.notifyKvStateUnregistered(withdrawal('second', 0, 0))).toThrow(
    new IllegalArgumentException("Another operator (first) registered the KvState under 'state'."),
  );
  expect(registry.getKvStateLocation('state')?.numRegisteredKeyGroups).toBe(1);
});

test('a name is free for another operator once its last key group is gone', () => {
  const { registry } = aRegistry({ first: 4, second: 8 });
  registry.notifyKvStateRegistered(offer('first', 0, 3));
  registry.notifyKvStateUnregistered(withdrawal('first', 0, 3));
  registry.notifyKvStateRegistered(offer('second', 0, 7));
  expect(registry.getKvStateLocation('state')?.jobVertexId).toBe('second');
});

test('a first registration out of bounds leaves no name behind; in Flink it does', () => {
  const ours = aRegistry({ v: 4 }).registry;
  expect(() => ours.notifyKvStateRegistered(offer('v', 0, 4))).toThrow(IndexOutOfBoundsException);
  expect(ours.getKvStateLocation('state')).toBeNull();

  const upstream = aRegistry({ v: 4 }, { upstreamCompat: true }).registry;
  expect(() => upstream.notifyKvStateRegistered(offer('v', 0, 4))).toThrow(IndexOutOfBoundsException);
  expect(upstream.getKvStateLocation('state')?.numRegisteredKeyGroups).toBe(0);
});

test('an empty range registers nothing, not even the name', () => {
  const { registry } = aRegistry({ v: 4 });
  registry.notifyKvStateRegistered(offer('v', 0, -1));
  expect(registry.getKvStateLocation('state')).toBeNull();
});

test('a failing unregistration removes nothing; in Flink it removes a part', () => {
  for (const [upstreamCompat, left] of [
    [false, 2],
    [true, 0],
  ] as const) {
    const { registry } = aRegistry({ v: 4 }, { upstreamCompat });
    registry.notifyKvStateRegistered(offer('v', 0, 1));
    expect(() => registry.notifyKvStateUnregistered(withdrawal('v', 0, 2))).toThrow(IllegalArgumentException);
    expect(registry.getKvStateLocation('state')?.numRegisteredKeyGroups).toBe(left);
  }
});

test('a late unregistration does not erase the entry of a newer attempt; in Flink it does', () => {
  for (const [upstreamCompat, id] of [
    [false, 'new'],
    [true, undefined],
  ] as const) {
    const { registry } = aRegistry({ v: 4 }, { upstreamCompat });
    registry.notifyKvStateRegistered(offer('v', 0, 3, { kvStateId: 'old' }));
    registry.notifyKvStateRegistered(offer('v', 0, 3, { kvStateId: 'new' }));
    registry.notifyKvStateUnregistered(withdrawal('v', 0, 3, { kvStateId: 'old' }));
    expect(registry.getKvStateLocation('state')?.getKvStateId(2)).toBe(id);
  }
});

test('an unregistration that names its id can be repeated', () => {
  const { registry } = aRegistry({ v: 4 });
  registry.notifyKvStateRegistered(offer('v', 0, 1, { kvStateId: 'a' }));
  registry.notifyKvStateRegistered(offer('v', 2, 3, { kvStateId: 'b' }));
  for (let i = 0; i < 2; i++) registry.notifyKvStateUnregistered(withdrawal('v', 0, 1, { kvStateId: 'a' }));
  expect(registry.getKvStateLocation('state')?.numRegisteredKeyGroups).toBe(2);
});

test('two operators chained in one vertex clash under one name; in Flink the second overwrites', () => {
  const first = offer('v', 0, 3, { operatorId: 'op-1', kvStateId: 'one' });
  const second = offer('v', 0, 3, { operatorId: 'op-2', kvStateId: 'two' });

  const ours = aRegistry({ v: 4 });
  ours.registry.notifyKvStateRegistered(first);
  expect(() => ours.registry.notifyKvStateRegistered(second)).toThrow(
    'already been registered by another operator (op-1)',
  );
  expect(ours.failed.map(({ vertex }) => vertex)).toEqual(['v']);
  expect(() => ours.registry.notifyKvStateUnregistered(withdrawal('v', 0, 3, { operatorId: 'op-2' }))).toThrow(
    "Another operator (op-1) registered the KvState under 'state'.",
  );
  expect(ours.registry.getKvStateLocation('state')?.getKvStateId(0)).toBe('one');

  const upstream = aRegistry({ v: 4 }, { upstreamCompat: true });
  upstream.registry.notifyKvStateRegistered(first);
  upstream.registry.notifyKvStateRegistered(second);
  expect(upstream.registry.getKvStateLocation('state')?.getKvStateId(0)).toBe('two');
  expect(upstream.failed).toEqual([]);
});
