import { expect, test } from 'vitest';
import type { OwnWrites, View } from '../../src/controller/own-writes.ts';
import { TrackedClient } from '../../src/controller/tracked-client.ts';
import {
  type ApiClient,
  ApiError,
  CONFIG_MAPS,
  defineResource,
  type KubeObject,
  LEASES,
  type Selection,
} from '../../src/kube/index.ts';
import { aMap } from './builders.ts';

const REF = { namespace: 'flights', name: 'a' };

/** What is remembered of one write whose answer is given. */
async function remembered(
  write: (client: TrackedClient) => Promise<unknown>,
  { answer, selection = {} }: { answer: () => Promise<unknown>; selection?: Selection },
): Promise<string[]> {
  const notes: string[] = [];
  const writes = {
    wrote: (owner: string, _: View, object: KubeObject) =>
      notes.push(`${owner} wrote ${object.metadata?.name} ${object.metadata?.resourceVersion}`),
    deleted: (owner: string, _: View, key: string, uid?: string) => notes.push(`${owner} deleted ${key} ${uid}`),
    unsure: (owner: string, _: View, key: string) => notes.push(`${owner} unsure of ${key}`),
  } as unknown as OwnWrites;
  const api = new Proxy({}, { get: () => answer }) as ApiClient;
  const view = { resource: CONFIG_MAPS, selection } as View;
  const { signal } = new AbortController();
  const client = new TrackedClient({ client: api, owner: 'flights/job', signal, writes, views: [view] });
  await write(client).catch((error) => notes.push(`threw ${error.code}`));
  return notes;
}

const failure = (outcome: 'unknown' | 'notApplied') => async () => {
  throw new ApiError({ code: 'KUBE_NO_ANSWER', call: 'x', why: 'y', outcome, retryable: true });
};

const WRITES: readonly [string, (client: TrackedClient) => Promise<unknown>][] = [
  ['create', (client) => client.create(CONFIG_MAPS, aMap('a', 1))],
  ['replace', (client) => client.replace(CONFIG_MAPS, aMap('a', 1))],
  ['apply', (client) => client.apply(CONFIG_MAPS, aMap('a', 1))],
  ['mergePatch', (client) => client.mergePatch(CONFIG_MAPS, REF, {})],
  ['jsonPatch', (client) => client.jsonPatch(CONFIG_MAPS, REF, [])],
];

for (const [verb, write] of WRITES) {
  test(`${verb} remembers the version that was answered, doubts a lost answer, and forgets a refusal`, async () => {
    expect(await remembered(write, { answer: async () => aMap('a', 7) })).toEqual(['flights/job wrote a 7']);
    expect(await remembered(write, { answer: failure('unknown') })).toEqual([
      'flights/job unsure of flights/a',
      'threw KUBE_NO_ANSWER',
    ]);
    expect(await remembered(write, { answer: failure('notApplied') })).toEqual(['threw KUBE_NO_ANSWER']);
  });
}

test('delete remembers the uid, also when nothing was there to delete', async () => {
  const write = (client: TrackedClient) => client.delete(CONFIG_MAPS, REF, { preconditions: { uid: 'u' } });
  for (const wasThere of [true, false])
    expect(await remembered(write, { answer: async () => wasThere })).toEqual(['flights/job deleted flights/a u']);
  expect(await remembered(write, { answer: failure('unknown') })).toContain('flights/job unsure of flights/a');
});

test('what no copy will tell of is not waited for: other kinds, other namespaces, dry runs', async () => {
  const answer = async () => aMap('a', 7);
  const others: ((client: TrackedClient) => Promise<unknown>)[] = [
    (client) => client.create(LEASES, { metadata: REF }),
    (client) => client.create(defineResource('v1', 'Service', 'services'), { metadata: REF }),
    (client) => client.create(CONFIG_MAPS, aMap('a', 1, { namespace: 'trains' })),
    (client) => client.apply(CONFIG_MAPS, aMap('a', 1), { dryRun: true }),
  ];
  for (const write of others)
    expect(await remembered(write, { answer, selection: { namespace: 'flights' } })).toEqual([]);
});

test('of several copies of one kind those are waited for that show the object', async () => {
  const write = (client: TrackedClient) => client.apply(CONFIG_MAPS, aMap('a', 1));
  const answer = async () => aMap('a', 7, { labels: { role: 'child' } });
  expect(await remembered(write, { answer, selection: { labelSelector: 'role=child' } })).toHaveLength(1);
  expect(await remembered(write, { answer, selection: { labelSelector: 'role=source' } })).toEqual([]);
});

test('reading is remembered by nobody', async () => {
  const read = (client: TrackedClient) => client.get(CONFIG_MAPS, REF);
  expect(await remembered(read, { answer: async () => aMap('a', 7) })).toEqual([]);
});
