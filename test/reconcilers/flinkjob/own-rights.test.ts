/** What is written to the operator's own Role and RoleBinding, and when nothing is. */
import { expect, test } from 'vitest';
import type { TrackedClient } from '../../../src/controller/index.ts';
import type { KubeObject, ResourceDef } from '../../../src/kube/index.ts';
import { keepRights } from '../../../src/reconcilers/flinkjob/own-rights.ts';

const REF = { namespace: 'flights', name: 'flinkjob-operator' };
const OURS = 'flinkjob.dev/jobs-left';

/** Keeps rights on a server that has these metadata in both objects; answers what was written. */
async function written(metadata: NonNullable<KubeObject['metadata']> | undefined, hasJobs: boolean) {
  const patches: unknown[] = [];
  const client = {
    get: async () =>
      metadata === undefined ? undefined : { metadata: { uid: 'u', resourceVersion: '7', ...metadata } },
    jsonPatch: async ({ kind }: ResourceDef, ref: unknown, patch: unknown) => void patches.push([kind, ref, patch]),
  };
  await keepRights(client as unknown as TrackedClient, REF, hasJobs);
  return patches;
}

const both = (...operations: readonly object[]) =>
  ['Role', 'RoleBinding'].map((kind) => [
    kind,
    REF,
    [{ op: 'test', path: '/metadata/uid', value: 'u' }, ...operations],
  ]);

test('both are held while there are jobs, beside what others have put there', async () => {
  const path = '/metadata/finalizers';
  expect(await written({}, true)).toEqual(both({ op: 'add', path, value: [OURS] }));
  expect(await written({ finalizers: ['theirs'] }, true)).toEqual(both({ op: 'add', path: `${path}/-`, value: OURS }));
});

test('both are let go of when no job is left, also while they are being deleted', async () => {
  const deletionTimestamp = '2026-11-21T10:00:00Z';
  const path = '/metadata/finalizers/1';
  const released = both({ op: 'test', path, value: OURS }, { op: 'remove', path });
  expect(await written({ finalizers: ['theirs', OURS], deletionTimestamp }, false)).toEqual(released);
});

test('nothing is written where all is as it should be, where nothing is there, and where it is too late to hold it', async () => {
  expect(await written({ finalizers: [OURS] }, true)).toEqual([]);
  expect(await written({}, false)).toEqual([]);
  expect(await written(undefined, true)).toEqual([]);
  expect(await written({ deletionTimestamp: '2026-11-21T10:00:00Z' }, true)).toEqual([]);
});
