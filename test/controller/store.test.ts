import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byLabel, byOwnerUid, labelValue } from '../../src/controller/indexes.ts';
import { keyOf, refOf } from '../../src/controller/object-key.ts';
import { Store } from '../../src/controller/store.ts';
import type { ConfigMap } from '../../src/kube/index.ts';
import { aMap } from './builders.ts';

const aStore = () =>
  new Store<ConfigMap, 'owner' | 'job'>({ indexes: { owner: byOwnerUid, job: byLabel('job') }, freeze: true });
const ownedBy = (uid: string, controller = true) => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'Job', name: 'job', uid, controller }],
});
const names = (objects: readonly ConfigMap[]) => objects.map(({ metadata }) => metadata?.name);

test('a key is namespace and name, and leads back to both', () => {
  expect(keyOf(aMap('a', 1))).toBe('flights/a');
  expect(refOf('flights/a')).toEqual({ namespace: 'flights', name: 'a' });
  expect(keyOf({ metadata: { name: 'node' } })).toBe('node');
  expect(refOf('node')).toEqual({ name: 'node' });
});

test('says what became of a key: added, updated with the old one, deleted', () => {
  const store = aStore();
  const [first, second] = [aMap('a', 5, { v: '1' }), aMap('a', 7, { v: '2' })];
  expect(store.apply(first)).toEqual([{ type: 'added', object: first }]);
  expect(store.apply(second)).toEqual([{ type: 'updated', old: first, object: second }]);
  const last = aMap('a', 9, { v: '2' });
  expect(store.delete(last)).toEqual([{ type: 'deleted', object: last, finalStateUnknown: false }]);
  expect(store.size).toBe(0);
});

test('the same version again, or an older one, changes nothing', () => {
  const store = aStore();
  store.apply(aMap('a', 10, { v: 'new' }));
  expect(store.apply(aMap('a', 10, { v: 'same' }))).toEqual([]);
  // Shorter is older: versions are compared as numbers of any length.
  expect(store.apply(aMap('a', 9, { v: 'old' }))).toEqual([]);
  expect(store.delete(aMap('a', 9))).toEqual([]);
  expect(store.get('flights/a')?.data).toEqual({ v: 'new' });
});

test('a server that was set back is believed when it is said so', () => {
  const store = aStore();
  store.apply(aMap('a', 10, { v: 'new' }));
  expect(store.apply(aMap('a', 9, { v: 'old' }), { evenOlder: true })).toHaveLength(1);
  expect(store.apply(aMap('a', 9, { v: 'old' }), { evenOlder: true })).toEqual([]);
});

test('an object made anew under an old name is told as the end of the one and the beginning of the other', () => {
  const store = aStore();
  const [old, fresh] = [aMap('a', 5, { uid: 'first' }), aMap('a', 8, { uid: 'second' })];
  store.apply(old);
  expect(store.apply(fresh)).toEqual([
    { type: 'deleted', object: old, finalStateUnknown: true },
    { type: 'added', object: fresh },
  ]);
  // The end of the first comes late.
  expect(store.delete(aMap('a', 7, { uid: 'first' }))).toEqual([]);
  expect(store.get('flights/a')?.metadata?.uid).toBe('second');
});

test('what somebody saw to be gone does not come back with news from before', () => {
  const store = aStore();
  const old = aMap('a', 5);
  store.apply(old);
  expect(store.absent('flights/a')).toEqual([{ type: 'deleted', object: old, finalStateUnknown: true }]);
  expect(store.apply(aMap('a', 6))).toEqual([]);
  expect(store.delete(aMap('a', 7))).toEqual([]);
  expect(store.apply(aMap('a', 8, { uid: 'second' }))).toHaveLength(1);
});

test('what is missing from a list may come again: the list may have been of a server that was behind', () => {
  const store = aStore();
  store.apply(aMap('a', 5));
  expect(store.vanished('flights/a')).toHaveLength(1);
  expect(store.vanished('flights/a')).toEqual([]);
  expect(store.apply(aMap('a', 6))).toHaveLength(1);
});

test('managed fields are not kept', () => {
  const store = aStore();
  store.apply(aMap('a', 5, { managedFields: [{ manager: 'kubectl' }] }));
  expect(store.get('flights/a')?.metadata).not.toHaveProperty('managedFields');
});

test('objects are found by the owner that controls them and by label, and only in their own namespace', () => {
  const store = aStore();
  store.apply(aMap('a', 5, { ...ownedBy('owner-1'), labels: { job: 'x' } }));
  store.apply(aMap('b', 6, { ...ownedBy('owner-1'), namespace: 'trains', labels: { job: 'x' } }));
  store.apply(aMap('c', 7, ownedBy('owner-1', false)));
  expect(names(store.byIndex('owner', 'owner-1'))).toEqual(['a', 'b']);
  expect(names(store.byIndex('job', labelValue('flights', 'x')))).toEqual(['a']);
  expect(store.byIndex('owner', 'nobody')).toEqual([]);
});

test('whoever changes a stored object fails where it does so', () => {
  const store = aStore();
  store.apply(aMap('a', 5));
  const stored = store.get('flights/a') as { data: Record<string, string> };
  expect(() => {
    stored.data.v = 'changed';
  }).toThrow(TypeError);
});

test('whatever is applied, deleted and missed in whatever order, indexes agree with the objects and versions do not fall', () => {
  const step = fc.record({
    do: fc.constantFrom('apply', 'delete', 'absent', 'vanished'),
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('1', '2'),
    version: fc.integer({ min: 1, max: 120 }),
    owner: fc.constantFrom('x', 'y', undefined),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const store = aStore();
      for (const { do: what, name, uid, version, owner } of steps) {
        const object = aMap(name, version, { uid: `${name}-${uid}`, ...(owner !== undefined && ownedBy(owner)) });
        const before = store.get(keyOf(object));
        if (what === 'apply') store.apply(object);
        else if (what === 'delete') store.delete(object);
        else store[what as 'absent' | 'vanished'](keyOf(object));
        const after = store.get(keyOf(object));
        if (before !== undefined && after !== undefined)
          expect(Number(after.metadata?.resourceVersion)).toBeGreaterThanOrEqual(
            Number(before.metadata?.resourceVersion),
          );
        for (const value of ['x', 'y']) {
          const scanned = [...store.values()].filter((each) => byOwnerUid(each).includes(value));
          expect(new Set(store.byIndex('owner', value))).toEqual(new Set(scanned));
        }
      }
    }),
    { numRuns: 500 },
  );
});
