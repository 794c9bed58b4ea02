import { expect, test } from 'vitest';
import { describe } from '../../src/restart/index.ts';
import { aFailingJob } from './failing-job.ts';

test('none never restarts', () => {
  const job = aFailingJob({ type: 'none' });
  expect(job.fail()).toEqual({ isNew: true });
  expect(job.canRestart()).toBe(false);
});

test('none describes itself as Flink does', () => {
  expect(describe({ type: 'none' })).toBe('NoRestartBackoffTimeStrategy');
});
