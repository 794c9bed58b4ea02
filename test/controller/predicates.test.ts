import { expect, test } from 'vitest';
import { anyChange, contentChanged, intentChanged } from '../../src/controller/predicates.ts';
import type { ObjectMeta } from '../../src/kube/index.ts';
import { aMap } from './builders.ts';

const meta = (more: ObjectMeta) => aMap('a', 5, { generation: 1, labels: { x: '1' }, ...more });

test('what somebody asks for is worth a look: spec, labels, annotations, deletion', () => {
  const old = meta({});
  expect(intentChanged(old, meta({ generation: 2 }))).toBe(true);
  expect(intentChanged(old, meta({ labels: { x: '2' } }))).toBe(true);
  expect(intentChanged(old, meta({ annotations: { trigger: 'now' } }))).toBe(true);
  expect(intentChanged(old, meta({ deletionTimestamp: '2026-11-21T10:00:00Z' }))).toBe(true);
});

test('a new version with the same intent is not: it was written by a controller', () => {
  const old = meta({ annotations: { a: '1', b: '2' } });
  const fresh = meta({ annotations: { b: '2', a: '1' }, resourceVersion: '6', finalizers: ['x'] });
  expect(intentChanged(old, fresh)).toBe(false);
  expect(anyChange(old, fresh)).toBe(true);
});

test('of what is only to be as it was made the status is not worth a look, everything else is', () => {
  const made = (more: ObjectMeta, minAvailable = 1, status = {}) => ({ ...meta(more), spec: { minAvailable }, status });
  const old = made({});
  expect(contentChanged(old, made({ resourceVersion: '6', generation: 2 }, 1, { currentHealthy: 2 }))).toBe(false);
  expect(contentChanged(old, made({}, 2))).toBe(true);
  expect(contentChanged(old, made({ labels: {} }))).toBe(true);
  expect(contentChanged(old, made({ ownerReferences: [] }))).toBe(true);
});
