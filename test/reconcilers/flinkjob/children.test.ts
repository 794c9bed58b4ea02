import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/index.ts';
import { belongsTo, childrenOf, covers, isAsMade, objectFacts } from '../../../src/reconcilers/flinkjob/children.ts';
import { aJob, JOB_ID, type JobStory, UID } from '../../builders/flinkjob-facts.ts';

const NETWORK = { operatorNamespace: 'operators', apiServer: [] };
const life = { jobId: JOB_ID, since: '2026-11-21T10:00:00Z' };
const factsOf = (story: JobStory) => {
  const { object, desired, revisions } = story.facts();
  const [revision] = revisions.values();
  if (revision === undefined) throw new TypeError('no revision');
  return objectFacts(object, desired, revision, life);
};

test('a job has one of each kind, and a budget where somebody stands by', () => {
  const alone = aJob().recorded();
  const names = childrenOf(factsOf(alone), NETWORK).map(({ name }) => name.split(' ')[0]);
  expect(names).toEqual(['ConfigMap', 'ServiceAccount', 'Role', 'RoleBinding', 'Service', 'NetworkPolicy']);
  expect(childrenOf(factsOf(alone), undefined)).toHaveLength(5);
  const both = childrenOf(factsOf(aJob({ highAvailability: { standbys: 1 } }).recorded()), NETWORK);
  expect(both.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^PodDisruptionBudget /));
  expect(new Set(both.map(({ name }) => name)).size).toBe(7);
});

test('each goes with the FlinkJob', () => {
  for (const { manifest } of childrenOf(factsOf(aJob().recorded()), NETWORK))
    expect(belongsTo(manifest as never, UID)).toBe(true);
});

test('objects are built from what was accepted, under the hot fields that hold now', () => {
  const story = aJob({ parallelism: 2 }).recorded();
  const later = story.spec({ parallelism: 4, restart: { none: {} } });
  expect(factsOf(later)).toMatchObject({
    revision: story.revision,
    image: 'example.org/runtime:1.0.0',
    job: { spec: { parallelism: 2, restart: { none: {} }, image: 'example.org/runtime:1.0.0' } },
  });
  expect(factsOf(later.invalid()).job.spec).toMatchObject({ parallelism: 2 });
  expect(factsOf(later.invalid()).job.spec.restart).toBeUndefined();
});

test.each([
  ['the same', { a: 1, b: ['x'] }, { a: 1, b: ['x'] }, true],
  ['something beside it', { a: 1, b: 2 }, { a: 1 }, true],
  ['another value', { a: 2 }, { a: 1 }, false],
  ['nothing in its place', {}, { a: 1 }, false],
  ['a list that is longer', { a: [1, 2] }, { a: [1] }, false],
  ['a list in another order', { a: [1, 2] }, { a: [2, 1] }, false],
  ['no list', { a: {} }, { a: [] }, false],
  ['objects in a list', { a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }, true],
  ['no object', { a: 'b' }, { a: { b: 1 } }, false],
  ['null', { a: null }, { a: { b: 1 } }, false],
  ['null as asked', { a: null }, { a: null }, true],
])('whether an object is as it should be: %s', (_what, live, asked, isCovered) => {
  expect(covers(live, asked)).toBe(isCovered);
});

test('an object from a list, which does not say of which type it is, is as it was made all the same', () => {
  for (const { manifest } of childrenOf(factsOf(aJob().recorded()), NETWORK)) {
    const { apiVersion: _, kind: __, ...listed } = manifest;
    expect(isAsMade(listed as KubeObject, manifest)).toBe(true);
    expect(isAsMade({ metadata: {} }, manifest)).toBe(false);
  }
});

test('an object belongs to a FlinkJob by its uid, not by its name', () => {
  const owner = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', name: 'flights', uid: 'another' };
  expect(belongsTo({ metadata: { ownerReferences: [owner] } }, UID)).toBe(false);
  expect(belongsTo({ metadata: {} }, UID)).toBe(false);
  expect(belongsTo({}, UID)).toBe(false);
});
