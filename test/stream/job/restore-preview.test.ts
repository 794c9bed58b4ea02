import { expect, test } from 'vitest';
import { outlineOf } from '../../../src/stream/checkpoint/state-outline.ts';
import type { Job } from '../../../src/stream/index.ts';
import { previewRestore } from '../../../src/stream/job/restore-preview.ts';
import { aManifest, anOperatorState } from '../checkpoint/builders.ts';

const job: Job = (env) => {
  env
    .fromSequence(1, 9)
    .uid('source')
    .map((value) => value)
    .uid('counter');
};

const preview = (stored: Parameters<typeof aManifest>[0], changes: object = {}) =>
  previewRestore({
    job,
    program: { args: [], parallelism: 2, maxParallelism: undefined },
    jobId: 'a'.repeat(32),
    jobName: 'flights',
    state: outlineOf(aManifest(stored)),
    from: 'sp-1',
    origin: 'startPoint',
    allowNonRestoredState: false,
    ...changes,
  });

test('state of the same operators at the same parallelism is taken up as it is', async () => {
  const found = await preview([anOperatorState('source'), anOperatorState('counter')]);
  expect(found).toMatchObject({ problems: [], added: [], removed: [], rescaled: [] });
});

test('operators that are new, gone, or of another parallelism are named', async () => {
  const found = await preview([anOperatorState('source', { parallelism: 1 }), anOperatorState('old')]);
  expect(found.added.map(({ uid }) => uid)).toEqual(['counter']);
  expect(found.removed).toEqual([{ uid: 'old', name: 'the old', hasState: true }]);
  expect(found.rescaled).toEqual([{ uid: 'source', name: expect.any(String), from: 1, to: 2 }]);
  expect(found.problems).toEqual([expect.stringContaining('(uid old, ')]);
});

test('state of an operator that is gone is no problem where dropping it is allowed', async () => {
  const found = await preview([anOperatorState('source'), anOperatorState('old')], { allowNonRestoredState: true });
  expect(found.problems).toEqual([]);
  expect(found.removed).toMatchObject([{ uid: 'old', hasState: true }]);
});

test('a job without a maximum parallelism of its own is planned with the stored one', async () => {
  const stored = [anOperatorState('source', { maxParallelism: 8 }), anOperatorState('counter', { maxParallelism: 8 })];
  const found = await preview(stored);
  expect(found.graph.operators.map(({ maxParallelism }) => maxParallelism)).toEqual([8, 8]);
});

test('another maximum parallelism than the stored one is a problem', async () => {
  const stored = [anOperatorState('source', { maxParallelism: 8 })];
  const found = await preview(stored, { program: { args: [], parallelism: 2, maxParallelism: 16 } });
  expect(found.problems).toEqual([expect.stringContaining('Set maxParallelism to 8')]);
});
