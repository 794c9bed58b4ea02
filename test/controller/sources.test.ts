import { expect, test } from 'vitest';
import type { Handler } from '../../src/controller/handlers.ts';
import type { Informer } from '../../src/controller/informer.ts';
import { intentChanged } from '../../src/controller/predicates.ts';
import { mapped, objectsOf, ownersOf, type Source } from '../../src/controller/sources.ts';
import { type ConfigMap, defineResource, type KubeObject } from '../../src/kube/index.ts';
import { aMap } from './builders.ts';

const JOBS = defineResource<KubeObject>('flinkjob.dev/v1', 'FlinkJob', 'flinkjobs');

/** Starts a source over an informer that a test speaks for; the keys it gave. */
function started(make: (informer: Informer<ConfigMap>) => Source) {
  const handlers: Handler<ConfigMap>[] = [];
  const informer = {
    whenSynced: Promise.resolve(),
    addHandler: (handler: Handler<ConfigMap>) => {
      handlers.push(handler);
      return () => handlers.pop();
    },
  } as unknown as Informer<ConfigMap>;
  const keys: string[] = [];
  const stop = make(informer).start((key, priority) => keys.push(priority === 0 ? key : `${key} ${priority}`));
  return { keys, stop, handlers, tell: handlers[0]! };
}

const ownedBy = (name: string, { kind = 'FlinkJob', apiVersion = 'flinkjob.dev/v1', controller = true } = {}) => ({
  ownerReferences: [{ apiVersion, kind, name, uid: `uid-of-${name}`, controller }],
});

test('objects give their own keys; what was there all along is less urgent', () => {
  const { keys, tell } = started((informer) => objectsOf(informer));
  tell.onAdd(aMap('a', 1), true);
  tell.onAdd(aMap('b', 2), false);
  tell.onUpdate(aMap('b', 2), aMap('b', 3));
  tell.onDelete(aMap('b', 4), false);
  expect(keys).toEqual(['flights/a -100', 'flights/b', 'flights/b', 'flights/b']);
});

test('an update that is not worth a look gives nothing', () => {
  const { keys, tell } = started((informer) => objectsOf(informer, intentChanged));
  tell.onUpdate(aMap('a', 1, { generation: 1 }), aMap('a', 2, { generation: 1 }));
  expect(keys).toEqual([]);
});

test('owned objects give the key of the owner that controls them, in their namespace, whatever version of its kind', () => {
  const { keys, tell } = started((informer) => ownersOf(informer, JOBS));
  tell.onAdd(aMap('a', 1, ownedBy('job')), false);
  tell.onAdd(aMap('b', 1, ownedBy('job', { apiVersion: 'flinkjob.dev/v2' })), false);
  tell.onAdd(aMap('c', 1, ownedBy('job', { apiVersion: 'other.dev/v1' })), false);
  tell.onAdd(aMap('d', 1, ownedBy('job', { kind: 'Other' })), false);
  tell.onAdd(aMap('e', 1, ownedBy('job', { controller: false })), false);
  tell.onAdd(aMap('f', 1), false);
  expect(keys).toEqual(['flights/job', 'flights/job']);
});

test('an object that changes hands gives both keys', () => {
  const { keys, tell } = started((informer) => ownersOf(informer, JOBS));
  tell.onUpdate(aMap('a', 1, ownedBy('old')), aMap('a', 2, ownedBy('new')));
  tell.onUpdate(aMap('a', 2, ownedBy('new')), aMap('a', 3, ownedBy('new')));
  expect(keys).toEqual(['flights/old', 'flights/new', 'flights/new']);
});

test('any function can find the keys, and a source that was stopped listens no longer', () => {
  const { keys, tell, stop, handlers } = started((informer) => mapped(informer, ({ data }) => [data?.v ?? '']));
  tell.onAdd(aMap('a', 1, { v: 'flights/x' }), false);
  expect(keys).toEqual(['flights/x']);
  stop();
  expect(handlers).toEqual([]);
});
