import { expect, test } from 'vitest';
import type { ControllerRevision } from '../../../src/kube/index.ts';
import {
  controllerRevision,
  obsoleteRevisions,
  revisionName,
  revisionOnRecord,
} from '../../../src/reconcilers/flinkjob/revisions.ts';
import { UID } from '../../builders/flinkjob-facts.ts';

const record = { name: 'flights-1', number: 3, semantic: { args: ['a'] }, image: 'example.org/a:1' };
const kept = controllerRevision({ name: 'flights', namespace: 'default', uid: UID }, record);

test('the same spec has the same name, in whatever order it is written', () => {
  const name = revisionName('flights', { a: 1, b: { c: [1, 2], d: null } });
  expect(name).toMatch(/^flights-[0-9a-f]{10}$/);
  expect(revisionName('flights', { b: { d: null, c: [1, 2] }, a: 1 })).toBe(name);
  expect(revisionName('flights', { a: 1, b: { c: [2, 1], d: null } })).not.toBe(name);
});

test('what is kept is read back as it was, and goes with the job', () => {
  expect(revisionOnRecord(kept)).toEqual(record);
  expect(kept).toMatchObject({
    kind: 'ControllerRevision',
    revision: 3,
    metadata: { name: 'flights-1', ownerReferences: [{ uid: UID, controller: true }] },
  });
});

test.each([
  ['no data', { ...kept, data: undefined }],
  ['no image', { ...kept, data: { spec: {} } }],
  ['no spec', { ...kept, data: { image: 'a' } }],
  ['a spec that is none', { ...kept, data: { spec: null, image: 'a' } }],
  ['no name', { ...kept, metadata: {} }],
  ['nothing', {}],
])('what somebody has changed is not read: %s', (_what, revision) => {
  expect(revisionOnRecord(revision as ControllerRevision)).toBeUndefined();
});

test('a revision without a number is the oldest', () => {
  const { revision: _, ...unnumbered } = kept;
  expect(revisionOnRecord(unnumbered as ControllerRevision)?.number).toBe(0);
});

test('the oldest that nobody needs go, as many as there are too many', () => {
  const revisions = new Map(
    [5, 1, 4, 2, 3].map((number) => [`r${number}`, { ...record, name: `r${number}`, number }] as const),
  );
  expect(obsoleteRevisions(revisions, new Set(), 3)).toEqual(['r1', 'r2']);
  expect(obsoleteRevisions(revisions, new Set(['r1', 'r5', undefined]), 2)).toEqual(['r2', 'r3', 'r4']);
  expect(obsoleteRevisions(revisions, new Set(), 10)).toEqual([]);
});
