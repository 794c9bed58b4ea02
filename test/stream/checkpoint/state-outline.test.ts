import { expect, test } from 'vitest';
import { outlineFrom, outlineOf } from '../../../src/stream/checkpoint/state-outline.ts';
import { aManifest, anOperatorState, STRING } from './builders.ts';

const outline = outlineOf(aManifest([anOperatorState('sums', { parallelism: 2 })]));

test('an outline survives JSON', () => {
  expect(outlineFrom(JSON.parse(JSON.stringify(outline)))).toEqual(outline);
});

test('what other versions say, and what is no outline, is not taken for one', () => {
  const [operator] = outline.operators;
  for (const value of [
    null,
    [],
    {},
    { ...outline, kind: 'snapshot' },
    { ...outline, checkpointId: '1' },
    { ...outline, operators: {} },
    { ...outline, operators: [null] },
    { ...outline, operators: [{ ...operator, hasState: undefined }] },
    { ...outline, operators: [{ ...operator, keyed: undefined }] },
  ]) {
    expect(outlineFrom(value), JSON.stringify(value)).toBeUndefined();
  }
});

test('subtasks that registered the same states are told once', () => {
  expect(outline.operators[0]).toMatchObject({ uid: 'sums', parallelism: 2, hasState: true, hasKeyedState: false });
  expect(outline.operators[0]?.operatorState).toEqual([{ name: 'list', mode: 'SPLIT_DISTRIBUTE', type: STRING }]);
});
