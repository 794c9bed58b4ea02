/** `kubectl flinkjob` with the operator itself: what it asks for is carried out, what it shows is what runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, expect } from 'vitest';
import { kubeconfigText } from '../../builders/kubeconfig.ts';
import { anOperatedJob, hasCheckpointed } from '../../builders/operated-job.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { flinkjob } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

async function setUp() {
  const { namespace, job } = await anOperatedJob(cluster!);
  const config = join(aTemporaryDirectory(), 'config');
  writeFileSync(config, kubeconfigText(cluster!.access, namespace));
  const run = (...args: string[]) => flinkjob(args, { env: { KUBECONFIG: config }, isPlugin: true });
  return { job, run, namespace };
}

test('a job is shown, saved, restarted, suspended and resumed', async () => {
  const { job, run, namespace } = await setUp();
  await job.apply();
  await job.until(hasCheckpointed(1));
  const { stdout } = await run('status', 'counts');
  expect(stdout).toContain('Why\tThe job runs as the resource asks.\n');
  expect(stdout).toMatch(/^Attempt\t1, started \S+ ago, led by counts-1-0, epoch \d+$/m);
  expect(stdout).toMatch(/^counts-1-0\tleader\tyes\tRunning\t/m);

  const saved = await run('savepoint', 'counts');
  expect([saved.code, saved.stderr.includes(`${namespace}/counts: savepoint 1 is asked for`)]).toEqual([0, true]);
  expect(saved.stdout).toContain(`${job.storageUri}/`);
  expect((await job.status())?.savepoints).toMatchObject([{ trigger: 1, uri: saved.stdout.trim() }]);

  expect(await run('restart', 'counts')).toMatchObject({ code: 0, stdout: 'attempt 2 runs\n' });

  const suspended = await run('suspend', 'counts');
  expect([suspended.code, suspended.stdout.startsWith(job.storageUri)]).toEqual([0, true]);
  expect(await job.pods()).toEqual([]);
  expect((await run('explain', 'counts')).stdout).toContain(
    `kubectl flinkjob resume counts -n ${namespace} starts it again`,
  );
  expect(await run('savepoint', 'counts')).toMatchObject({ code: 1 });

  expect(await run('resume', 'counts')).toMatchObject({ code: 0, stdout: 'Running\n' });
  expect((await job.status())?.attempt?.number).toBe(3);
});

test('a job that gave up says why and what to do, once each, and fails again when it is taken up', async () => {
  const { job, run, namespace } = await setUp();
  await job.apply({ typescript: { module: 'no-such-module.ts' } });
  await job.phase('Failed');
  const { stdout } = await run('explain', '-o', 'json', 'counts');
  const { reason, cause, remedy } = JSON.parse(stdout);
  expect(reason).toBe('InvalidJob');
  expect(cause).toContain('no-such-module');
  expect(remedy).not.toBe('');
  expect(cause).not.toContain(remedy);
  // The pod is of a node without a log server, so what status kept is not asked for: the pod is still there.
  expect((await run('logs', '--previous', 'counts')).stderr).toContain('counts-1-0');
  const again = await run('restart', 'counts');
  expect(again.code).toBe(1);
  expect(again.stderr).toContain(`error: job ${namespace}/counts is Failed. ${cause.slice(0, 20)}`);
});
