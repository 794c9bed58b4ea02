import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { JobPlanReport } from '../../../src/cli/plan/job-plan.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { flinkjob } from '../fake-io.ts';

const SAVEPOINT = pathToFileURL(resolve('test/fixtures/state-v1')).href;

const SOURCE = `
import { FilterFunction, PrintSink, Types } from 'flinkjob';
export const job = (env) => {
  const numbers = env.fromSequence(1, 9).uid('numbers');
  numbers
    .map((n) => n % 3)
    .keyBy((n) => n, Types.INT)
    .reduce((a, b) => a + b)
    .uid('sums')
    .addSink(new PrintSink())
    .setParallelism(1);
};
`;

/** Plans a job in a directory of its own. */
async function plan(spec: Record<string, unknown> = {}, ...options: string[]) {
  const cwd = aTemporaryDirectory();
  writeFileSync(join(cwd, 'job.ts'), SOURCE);
  const job = {
    apiVersion: 'flinkjob.dev/v1alpha1',
    kind: 'FlinkJob',
    metadata: { name: 'job' },
    spec: { typescript: { module: 'job.ts' }, storage: { uri: 's3://bucket/jobs' }, parallelism: 2, ...spec },
  };
  writeFileSync(join(cwd, 'job.yaml'), stringify(job));
  const ran = await flinkjob(['plan', ...options, 'job.yaml'], { cwd });
  return { ...ran, cwd };
}

test('a plan shows vertices, chains, uids, keys and edges', async () => {
  const { code, stdout, stderr } = await plan({}, '-o', 'json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(stdout) as JobPlanReport;
  expect(report).toMatchObject({
    name: 'job',
    namespace: 'default',
    parallelism: 2,
    maxParallelism: [128],
    bounded: true,
  });
  expect(report.vertices.map(({ parallelism, operators }) => [parallelism, operators.map(({ uid }) => uid)])).toEqual([
    [2, ['numbers', 'map-1']],
    [2, ['sums']],
    [1, [expect.stringMatching(/-1$/)]],
  ]);
  const [first, second, third] = report.vertices;
  expect(first?.operators.map(({ uidGenerated }) => uidGenerated)).toEqual([false, true]);
  expect(second?.operators[0]).toMatchObject({ keyType: 'int32' });
  expect(second).toMatchObject({ maxParallelism: 128, maxParallelismFrom: 'default' });
  expect(report.edges).toEqual([
    { from: first?.id, to: second?.id, shipStrategy: 'HASH', keyType: 'int32' },
    { from: second?.id, to: third?.id, shipStrategy: 'REBALANCE' },
  ]);
  expect(report.restore).toMatchObject({ from: 'nothing', reason: expect.stringContaining('it starts empty') });
});

test('a plan is written as a table and as a Mermaid flowchart', async () => {
  const text = (await plan()).stdout.split('\n');
  expect(text).toContain('VERTEX\tPARALLELISM\tMAX\tUID\tOPERATOR\tKEY\tSTATES');
  expect(text).toContain('2\t2\t128 (default)\tsums\tKeyed Reduce\tint32\t?');
  expect(text.some((line) => line.startsWith('1\t2\t128 (default)\tmap-1 *\t'))).toBe(true);
  expect(text).toContain('1\t2\tHASH by int32');
  const graph = (await plan({}, '-o', 'mermaid')).stdout.split('\n');
  expect(graph[0]).toBe('flowchart LR');
  expect(graph).toContain('  v1 -->|"HASH int32"| v2');
  expect(graph).toContain('  v2["Keyed Reduce (sums)<br/>parallelism 2 of 128"]');
});

test('state that does not fit is planned, said not to fit, and ends with 1', async () => {
  const { code, stdout } = await plan({ restoreFrom: SAVEPOINT, maxParallelism: 128 }, '-o', 'json');
  expect(code).toBe(1);
  const { restore, maxParallelism } = JSON.parse(stdout) as JobPlanReport;
  expect(maxParallelism).toEqual([128]);
  expect(restore).toMatchObject({ from: 'savepoint', id: 42, location: SAVEPOINT, fits: false });
  if (restore.from === 'nothing') throw new Error('nothing was found');
  expect(restore.added).toContain('sums');
  expect(restore.problems.join()).toContain('It was taken of job "every kind of state"');
  expect(restore.removed.length).toBeGreaterThan(3);
});

test('the same state fits where dropping it is allowed, and gives the job its maximum parallelism', async () => {
  const { code, stdout } = await plan(
    { restoreFrom: SAVEPOINT, upgrade: { allowNonRestoredState: true } },
    '-o',
    'json',
  );
  expect(code).toBe(0);
  const { restore, vertices, maxParallelism } = JSON.parse(stdout) as JobPlanReport;
  expect(restore).toMatchObject({ fits: true, problems: [] });
  expect([maxParallelism, vertices[0]?.maxParallelismFrom]).toEqual([[8], 'state']);
});
