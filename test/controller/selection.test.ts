import { expect, test } from 'vitest';
import { isSelected } from '../../src/controller/selection.ts';
import { aMap } from './builders.ts';

const object = aMap('a', 1, { labels: { 'app.kubernetes.io/name': 'flights', tier: 'x', empty: '' } });

test('an object is selected by its namespace and by labels that are equal', () => {
  for (const labelSelector of ['tier=x', 'tier == x', 'app.kubernetes.io/name=flights, tier=x', 'empty=', ''])
    expect([labelSelector, isSelected({ namespace: 'flights', labelSelector }, object)]).toEqual([labelSelector, true]);
  for (const labelSelector of ['tier=y', 'tier=x,other=1', 'missing='])
    expect([labelSelector, isSelected({ labelSelector }, object)]).toEqual([labelSelector, false]);
  expect(isSelected({ namespace: 'trains' }, object)).toBe(false);
});

test('what only the server knows is taken for met', () => {
  for (const labelSelector of ['tier in (a,b)', '!tier', 'tier!=x', 'tier notin (x, y)', 'other'])
    expect([labelSelector, isSelected({ labelSelector }, object)]).toEqual([labelSelector, true]);
});
