import { expect, test } from 'vitest';
import { IllegalArgumentException, IllegalStateException } from '../../../src/lib/java-errors.ts';
import {
  ACKNOWLEDGE,
  FlinkJobNotFoundException,
  JobMasterKvStateGateway,
  type KvStateLocationRegistry,
  NoExecutionGraphException,
  UnknownKvStateLocation,
} from '../../../src/stream/queryable/index.ts';
import { thrownBy } from '../../builders/failure-of.ts';
import { anEventQueue, aRegistry, at, JOB, OTHER_JOB, range } from './builders.ts';

const aGateway = (registry: KvStateLocationRegistry | undefined, options: { upstreamCompat?: boolean } = {}) =>
  new JobMasterKvStateGateway({ jobId: JOB, eventQueue: anEventQueue(), registry: () => registry, ...options });

const twoVertices = () => aRegistry({ first: 16, second: 16 });

const registration = {
  jobVertexId: 'first',
  keyGroupRange: range(0, 0),
  registrationName: 'register-me',
  kvStateId: 'kv',
  address: at(1029),
};
const unregistration = {
  jobVertexId: 'first',
  keyGroupRange: range(0, 0),
  registrationName: 'register-me',
  kvStateId: 'kv',
};

test('"register-me" for [0,0] at port 1029 gives a location of 16 groups with 1 registered', async () => {
  const gateway = aGateway(twoVertices().registry);
  expect(await gateway.notifyKvStateRegistered(JOB, registration)).toBe(ACKNOWLEDGE);
  const location = await gateway.requestKvStateLocation(JOB, 'register-me');
  expect(location).toMatchObject({
    jobId: JOB,
    jobVertexId: 'first',
    registrationName: 'register-me',
    numKeyGroups: 16,
  });
  expect(location.numRegisteredKeyGroups).toBe(1);
  expect(location.getKvStateId(0)).toBe('kv');
  expect(location.getKvStateServerAddress(0)).toEqual(at(1029));
});

test('once unregistered, the name is unknown', async () => {
  const gateway = aGateway(twoVertices().registry);
  await gateway.notifyKvStateRegistered(JOB, registration);
  expect(await gateway.notifyKvStateUnregistered(JOB, unregistration)).toBe(ACKNOWLEDGE);
  expect(await thrownBy(() => gateway.requestKvStateLocation(JOB, 'register-me'))).toBeInstanceOf(
    UnknownKvStateLocation,
  );
});

test('an unknown name is an UnknownKvStateLocation', async () => {
  const error = await thrownBy(() => aGateway(twoVertices().registry).requestKvStateLocation(JOB, 'unknown'));
  expect(error).toBeInstanceOf(UnknownKvStateLocation);
  expect(error.message).toBe("No KvStateLocation found for KvState instance with name 'unknown'.");
});

test('any call for another job is a FlinkJobNotFoundException', async () => {
  const gateway = aGateway(twoVertices().registry);
  const calls = [
    () => gateway.notifyKvStateRegistered(OTHER_JOB, registration),
    () => gateway.notifyKvStateUnregistered(OTHER_JOB, unregistration),
    () => gateway.requestKvStateLocation(OTHER_JOB, 'register-me'),
  ];
  for (const call of calls) {
    const error = await thrownBy(call);
    expect(error).toBeInstanceOf(FlinkJobNotFoundException);
    expect(error.message).toBe(`Could not find Flink job (${OTHER_JOB})`);
  }
});

test('an error of the registry reaches the caller as it is', async () => {
  const gateway = aGateway(twoVertices().registry);
  const error = await thrownBy(() => gateway.notifyKvStateRegistered(JOB, { ...registration, jobVertexId: 'third' }));
  expect(error).toBeInstanceOf(IllegalArgumentException);
  expect(error.message).toBe('Unknown JobVertexID third');
});

test('two operators under one name fail the job and suppress its restart', async () => {
  const { registry, failed } = twoVertices();
  const gateway = aGateway(registry);
  await gateway.notifyKvStateRegistered(JOB, registration);
  const clash = await thrownBy(() => gateway.notifyKvStateRegistered(JOB, { ...registration, jobVertexId: 'second' }));
  expect(clash).toBeInstanceOf(IllegalStateException);
  expect(failed.map(({ vertex, cause }) => [vertex, cause.code])).toEqual([['second', 'SUPPRESS_RESTARTS']]);
});

test('without an execution graph a request is unknown and a notification is refused, to be sent again', async () => {
  const gateway = aGateway(undefined);
  expect(await thrownBy(() => gateway.requestKvStateLocation(JOB, 'x'))).toBeInstanceOf(UnknownKvStateLocation);
  for (const call of [
    () => gateway.notifyKvStateRegistered(JOB, registration),
    () => gateway.notifyKvStateUnregistered(JOB, unregistration),
  ]) {
    const error = await thrownBy(call);
    expect(error).toBeInstanceOf(NoExecutionGraphException);
    expect(error).toMatchObject({ retryable: true });
  }
});

test('without an execution graph Flink acknowledges and forgets', async () => {
  expect(await aGateway(undefined, { upstreamCompat: true }).notifyKvStateRegistered(JOB, registration)).toBe(
    ACKNOWLEDGE,
  );
});

test('an unregistration that names no id is refused, because it could erase a newer entry', async () => {
  const { registry } = twoVertices();
  const gateway = aGateway(registry);
  await gateway.notifyKvStateRegistered(JOB, registration);
  const { kvStateId: _, ...anonymous } = unregistration;
  expect(await thrownBy(() => gateway.notifyKvStateUnregistered(JOB, anonymous))).toBeInstanceOf(
    IllegalArgumentException,
  );
  expect(registry.getKvStateLocation('register-me')).not.toBeNull();

  expect(await aGateway(registry, { upstreamCompat: true }).notifyKvStateUnregistered(JOB, anonymous)).toBe(
    ACKNOWLEDGE,
  );
  expect(registry.getKvStateLocation('register-me')).toBeNull();
});

test('calls are carried out in the order they were made', async () => {
  const gateway = aGateway(twoVertices().registry);
  const outcomes = await Promise.allSettled([
    gateway.notifyKvStateRegistered(JOB, registration),
    gateway.requestKvStateLocation(JOB, 'register-me'),
    gateway.notifyKvStateUnregistered(JOB, unregistration),
    gateway.requestKvStateLocation(JOB, 'register-me'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
});
