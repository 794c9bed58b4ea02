/** One file serves a laptop and a cluster; what it asks only of a cluster is said, and changes nothing. */
import { expect, test } from 'vitest';
import { aWorkplace } from '../builders/flinkjob-process.ts';

test('flinkjob run names the fields that take effect on a cluster only, and runs the job', async () => {
  const at = aWorkplace();
  at.write('job.ts', 'export const job = (env) => env.fromSequence(1, 10).print();\n');
  at.manifest('job', {
    typescript: { module: 'job.ts' },
    state: 'Suspended',
    upgrade: { mode: 'Savepoint', allowNonRestoredState: true },
    jobManager: { resources: { limits: { memory: '1Gi' } } },
  });
  const { code, stderr } = await at.flinkjob('run', 'job.yaml');
  expect(stderr).toContain('job: without effect on this machine: spec.state, spec.upgrade.mode, spec.jobManager\n');
  expect(code).toBe(0);
});
