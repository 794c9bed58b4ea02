/** The object of a job on a real API server that has no time, or after somebody has edited it by hand. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import {
  FencedWriter,
  LeaseElectionDriver,
  type StateHandleStore,
  stateHandleStore,
  stateStorage,
} from '../../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../../src/ha/kubernetes/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Elector } from '../../../src/lib/elector.ts';
import { aClient, aProxy, tokenConnection } from '../../builders/kube.ts';
import { clusterForTests } from '../../cluster/index.ts';
import type { ApiProxy } from '../../faults/api/api-proxy.ts';
import { type CountingStorage, countingStorage } from '../../faults/counting-storage.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

interface World {
  readonly proxy: ApiProxy;
  readonly path: string;
  readonly storage: CountingStorage;
  readonly writer: FencedWriter;
  readonly store: StateHandleStore<string>;
}

/** A process that leads, on a ConfigMap of its own behind a proxy. */
async function leading(): Promise<World> {
  const [proxy, namespace] = await Promise.all([aProxy(cluster!), cluster!.namespace()]);
  const name = `job-${randomBytes(4).toString('hex')}-ha`;
  const client = aClient(tokenConnection(cluster!, { server: proxy.url }));
  const backend = new ConfigMapHandleBackend({ client, namespace, name, deadlineMs: 1_000 });
  const writer = new FencedWriter({ backend, clock: systemClock, random: () => 0.01, retries: 5 });
  const storage = countingStorage();
  const newId = (): string => randomBytes(8).toString('hex');
  const files = stateStorage<string>({ storage, directory: 'ha', kind: 'state', epoch: () => writer.epoch, newId });
  const store = stateHandleStore({ writer, storage: files, keyFilter: (key) => key.startsWith('state-') });
  await backend.create(0);
  expect(await writer.takeOver({ identity: 'process', atLeast: 0 })).toMatchObject({ taken: true });
  return { proxy, storage, writer, store, path: `/api/v1/namespaces/${namespace}/configmaps/${name}` };
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const patchesOf = ({ proxy }: World): number[] =>
  proxy.requests.filter(({ verb }) => verb === 'patch').map(({ receivedAtMs }) => receivedAtMs);

test('a server that asks to be left alone for a while is left alone for that long, however often it asks', async () => {
  const world = await leading();
  world.proxy.inject({ verb: 'patch', fault: { do: 'answer', status: 429, retryAfterS: 0.1 }, times: 6 });
  await world.store.addAndLock('state-1', 'one');
  const times = patchesOf(world).slice(1);
  const pauses = times.slice(1).map((at, index) => at - times[index]!);
  expect(pauses).toHaveLength(6);
  expect(Math.min(...pauses)).toBeGreaterThan(95);
});

test('a server that asks to be left alone for longer than a write may take ends the write, in its own words', async () => {
  const world = await leading();
  const rule = world.proxy.inject({
    verb: 'patch',
    fault: { do: 'answer', status: 429, retryAfterS: 30 },
    times: Number.POSITIVE_INFINITY,
  });
  const error = await failureOf(world.store.addAndLock('state-1', 'one'));
  expect(error).toMatchObject({ code: 'HA_STORE', message: expect.stringContaining('answered 429') });
  expect(rule.hits).toBe(1);
  expect(world.storage.deleted).toEqual(world.storage.written);
});

test('a server that is busy for too long is named as the reason', async () => {
  const world = await leading();
  world.proxy.inject({ verb: 'patch', fault: { do: 'answer', status: 429 }, times: Number.POSITIVE_INFINITY });
  const error = await failureOf(world.store.addAndLock('state-1', 'one'));
  expect(error).toMatchObject({ code: 'HA_STORE', message: expect.stringContaining('answered 429') });
});

test('an object that somebody has emptied is said to be so; nothing is written to it, and nobody leads it', async () => {
  const world = await leading();
  await world.store.addAndLock('state-1', 'one');
  await cluster!.call('PATCH', world.path, { data: null }, 'application/merge-patch+json');
  const error = await failureOf(world.store.addAndLock('state-2', 'two'));
  expect(error).toMatchObject({ code: 'HA_STORE', message: expect.stringContaining('its entry layout is missing') });
  expect(world.storage.written.length - world.storage.deleted.length).toBe(1);
  expect(patchesOf(world)).toHaveLength(3);
});

/** A process that wins the lease of this object: what it is told, and what came of it. */
function contending({ writer }: World) {
  const [failed, granted] = [Promise.withResolvers<Error>(), Promise.withResolvers<unknown>()];
  const warnings: string[] = [];
  const elector = new HeldElector();
  const driver = new LeaseElectionDriver({
    writer,
    elector,
    identity: 'next',
    attempt: undefined,
    clock: systemClock,
    newSessionId: () => 'session',
    listener: {
      granted: granted.resolve,
      revoked: () => {},
      informationChanged: () => {},
      failed: failed.resolve,
    },
    warn: (message) => void warnings.push(message),
  });
  onTestFinished(() => driver.close());
  driver.start();
  return { granted: granted.promise, failed: failed.promise, elector, warnings };
}

/** The error it ends with, once it has given the lease back. */
async function failedLeader(world: World): Promise<Error> {
  const { failed, elector } = contending(world);
  const error = await failed;
  expect(elector.isReleased).toBe(true);
  return error;
}

const SOON = { timeout: 20_000 };

test(
  'whoever wins the lease of an object that cannot be read gives it back and says so, instead of asking for ever',
  SOON,
  async () => {
    const world = await leading();
    await cluster!.call('PATCH', world.path, { metadata: { annotations: null } }, 'application/merge-patch+json');
    expect(await failedLeader(world)).toMatchObject({ code: 'HA_OBJECT_CORRUPT' });
  },
);

test('whoever wins the lease and has no right to change the object gives it back and says so', SOON, async () => {
  const world = await leading();
  const fault = { do: 'answer', status: 403 } as const;
  const rule = world.proxy.inject({ verb: 'patch', fault, times: Number.POSITIVE_INFINITY });
  const error = await failedLeader(world);
  expect(error).toMatchObject({ code: 'HA_STORE', message: expect.stringMatching(/^raising the epoch failed .* 403/) });
  expect(rule.hits).toBe(1);
});

test('whoever wins the lease while the object cannot be had says so, and leads once it can', SOON, async () => {
  const world = await leading();
  const fault = { do: 'answer', status: 500 } as const;
  world.proxy.inject({ verb: 'get', resource: 'configmaps', fault, times: 5 });
  const { granted, warnings } = contending(world);
  expect(await granted).toMatchObject({ epoch: 2 });
  expect(warnings).toEqual([
    expect.stringMatching(/^the lease is held, and the epoch of ConfigMap .* not raised yet: .* 500/),
  ]);
});

/** A lease that nobody else wants. */
class HeldElector implements Elector {
  isReleased = false;
  async acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    return signal.aborted ? undefined : { transitions: 0 };
  }
  hold(signal: AbortSignal): Promise<undefined> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  }
  isHeld = (): boolean => true;
  async release(): Promise<void> {
    this.isReleased = true;
  }
}
