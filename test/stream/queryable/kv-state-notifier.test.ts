import { expect, test } from 'vitest';
import { IllegalStateException } from '../../../src/lib/java-errors.ts';
import {
  ACKNOWLEDGE,
  type KvStateHandle,
  KvStateNotifier,
  type KvStateRegistryGateway,
  NoExecutionGraphException,
} from '../../../src/stream/queryable/index.ts';
import { anImpatientClock, at, JOB, range } from './builders.ts';

const handle = (kvStateId: string): KvStateHandle => ({
  jobId: JOB,
  jobVertexId: 'v',
  keyGroupRange: range(0, 3),
  registrationName: 'state',
  kvStateId,
});

/** A gateway that fails as told, then confirms; it remembers what it confirmed. */
function aGateway(failures: Error[]) {
  const confirmed: string[] = [];
  const answer = (what: string) => {
    const failure = failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    confirmed.push(what);
    return Promise.resolve(ACKNOWLEDGE);
  };
  const gateway: KvStateRegistryGateway = {
    notifyKvStateRegistered: (job, { kvStateId, address }) =>
      answer(`${job === JOB ? '+' : '?'}${kvStateId}@${address.port}`),
    notifyKvStateUnregistered: (_, { kvStateId }) => answer(`-${kvStateId}`),
  };
  return { gateway, confirmed };
}

function aNotifier(failures: Error[]) {
  const { gateway, confirmed } = aGateway(failures);
  const clock = anImpatientClock();
  const refused: string[] = [];
  const onRefused = (_: KvStateHandle, error: Error) => refused.push(error.message);
  return { notifier: new KvStateNotifier({ gateway, address: at(7), clock, onRefused }), confirmed, refused, clock };
}

test('notifications arrive in order, each once', async () => {
  const { notifier, confirmed } = aNotifier([]);
  notifier.notifyKvStateRegistered(handle('a'));
  notifier.notifyKvStateUnregistered(handle('a'));
  notifier.notifyKvStateRegistered(handle('b'));
  await notifier.settled();
  expect(confirmed).toEqual(['+a@7', '-a', '+b@7']);
});

test('a notification that got lost, or came too early, is sent again with growing pauses', async () => {
  const lost = [new Error('lost'), new NoExecutionGraphException(JOB), new Error('lost'), new Error('lost')];
  const { notifier, confirmed, refused, clock } = aNotifier(lost);
  notifier.notifyKvStateRegistered(handle('a'));
  notifier.notifyKvStateUnregistered(handle('a'));
  await notifier.settled();
  expect(confirmed).toEqual(['+a@7', '-a']);
  expect(refused).toEqual([]);
  expect(clock.slept).toEqual([50, 100, 200, 400]);
});

test('the pause between tries ends at two seconds, the tries do not end', async () => {
  const { notifier, confirmed, clock } = aNotifier(Array.from({ length: 30 }, () => new Error('lost')));
  notifier.notifyKvStateRegistered(handle('a'));
  await notifier.settled();
  expect(confirmed).toEqual(['+a@7']);
  expect(Math.max(...clock.slept)).toBe(2_000);
});

test('a refusal is reported once, and the next notification goes on', async () => {
  const { notifier, confirmed, refused } = aNotifier([new IllegalStateException('Registration name clash.')]);
  notifier.notifyKvStateRegistered(handle('a'));
  notifier.notifyKvStateRegistered(handle('b'));
  await notifier.settled();
  expect(refused).toEqual(['Registration name clash.']);
  expect(confirmed).toEqual(['+b@7']);
});

test('closing gives up what is not confirmed', async () => {
  const clock = anImpatientClock();
  let tries = 0;
  const gateway: KvStateRegistryGateway = {
    notifyKvStateRegistered: () => {
      tries++;
      if (tries === 3) notifier.close();
      return Promise.reject(new Error('lost'));
    },
    notifyKvStateUnregistered: () => Promise.resolve(ACKNOWLEDGE),
  };
  const notifier = new KvStateNotifier({ gateway, address: at(7), clock, onRefused: () => undefined });
  notifier.notifyKvStateRegistered(handle('a'));
  await notifier.settled();
  expect(tries).toBe(3);
});
