/** `kubectl flinkjob plan` on a real API server: what applying a file would do to the job that is there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, expect } from 'vitest';
import { operatorIdOf } from '../../src/stream/operator-id.ts';
import { aJob } from '../api/manifest.ts';
import { address, aPlaceWithRest, cluster, JOB_ID, Place, RUNNING } from '../builders/cluster-place.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import type { Json } from './crd/definition.ts';

const test = anyTest.skipIf(cluster === undefined);
const testWithNetwork = anyTest.skipIf(cluster === undefined || address === undefined);

const manifest = (directory: string, spec: Json): string => {
  const file = join(directory, 'flights.yaml');
  writeFileSync(file, JSON.stringify(aJob(spec, { name: 'flights' })));
  return file;
};

test('says what applying a file would do to the job that is there, and writes nothing', async () => {
  const place = await Place.withJob(RUNNING, { parallelism: 2 });
  expect((await place.server.merge(place.path, { spec: { triggers: { savepoint: 3 } } })).status).toBe(200);
  const before = await place.read();
  const { code, stdout } = await place.run(['plan', manifest(aTemporaryDirectory(), { parallelism: 4 })]);
  expect(code).toBe(0);
  expect(stdout).toContain(`${place.namespace}/flights: rescale`);
  expect(stdout).toContain('spec.parallelism');
  // What a command has asked for stays, as with kubectl apply.
  expect(stdout).not.toContain('spec.triggers');
  expect((await place.read()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
});

test('shows of a long text the line that differs', async () => {
  const place = await Place.withJob(RUNNING, { typescript: { inline: 'one\ntwo\nthree\n' } });
  const file = manifest(aTemporaryDirectory(), { typescript: { inline: 'one\n  2\nthree\n' } });
  const { stdout } = await place.run(['plan', '--no-run', file]);
  expect(stdout).toContain('spec.typescript.inline\tRestart\tline 2: two\tline 2: 2\n');
});

test('says that a job is new, and what the server would refuse', async () => {
  const place = await Place.withJob({ ...RUNNING, maxParallelism: 128 }, { maxParallelism: 128 });
  const directory = aTemporaryDirectory();
  const refused = await place.run(['plan', manifest(directory, { maxParallelism: 256 })]);
  expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('spec.maxParallelism')]);
  const other = join(directory, 'other.yaml');
  writeFileSync(other, JSON.stringify(aJob({}, { name: 'other' })));
  const created = await place.run(['plan', '-o', 'json', other]);
  expect([created.code, JSON.parse(created.stdout).effect]).toEqual([0, 'create']);
});

const SOURCE = `export const job = (env) => { env.fromSequence(1, 9).uid('numbers').map((n) => n).uid('doubled'); };`;
const inline = { typescript: { inline: SOURCE } };
const operator = (uid: string) => ({
  ...{ uid, operatorId: operatorIdOf(uid), name: uid, parallelism: 1, maxParallelism: 128, finished: false },
  ...{ hasState: true, hasKeyedState: false, keyed: [], operatorState: [] },
});
const restorePoint = (...uids: string[]) => ({
  [`/jobs/${JOB_ID}/checkpoints/restore-point`]: {
    status: 200,
    body: {
      'restore-point': {
        ...{ kind: 'checkpoint', checkpointId: 812, jobName: 'flights', location: 's3://bucket/jobs/chk-812' },
        operators: uids.map(operator),
      },
    },
  },
});
const planned = async (place: Place, spec: Json, ...options: string[]) => {
  const { code, stdout } = await place.run(['plan', '-o', 'json', ...options, manifest(aTemporaryDirectory(), spec)]);
  return { code, ...JSON.parse(stdout) };
};

testWithNetwork('holds the newest checkpoint, as the leader tells it, against the program of the file', async () => {
  const place = await aPlaceWithRest(restorePoint('numbers'), { ...inline, parallelism: 2 });
  const fits = await place.run(['plan', manifest(aTemporaryDirectory(), { ...inline, parallelism: 4 })]);
  expect([fits.code, fits.stdout]).toEqual([
    0,
    expect.stringContaining(
      "The inline source takes up the job's state, checkpoint 812 in s3://bucket/jobs/chk-812: uids, maximum parallelism and kinds of state fit.\nOperator doubled begins empty.\n",
    ),
  ]);
  const other = { typescript: { inline: SOURCE.replace('numbers', 'other') } };
  expect(await planned(place, other)).toMatchObject({
    code: 1,
    effect: 'refused',
    state: { is: 'checked', problems: [expect.stringContaining('(uid numbers, ')], dropped: ['numbers'] },
  });
  expect(await planned(place, { ...other, upgrade: { mode: 'Stateless' } })).not.toHaveProperty('state');
});

test('says what it could not check, and why', async () => {
  const place = await Place.withJob();
  const why = async (spec: Json, ...options: string[]) => {
    const { code, effect, state } = await planned(place, spec, ...options);
    expect([code, effect, state.is]).toEqual([0, 'restart', 'notChecked']);
    return state.why;
  };
  expect(await why({ args: ['x'] })).toMatch(/^its program dist\/job\.js is in the image; there is no such file in /);
  expect(await why(inline, '--no-run')).toContain('--no-run was given');
  expect(await why(inline)).toContain('cannot be reached through the API server');
  expect(await why({ typescript: { configMap: { name: 'source', key: 'job.ts' } } })).toBe(
    `ConfigMap source has no job.ts in namespace ${place.namespace}`,
  );
  await place.report({ ...RUNNING, phase: 'Failed', attempt: { number: 3, leader: '' } });
  expect(await why(inline)).toContain('nobody leads the job (Failed), and only its leader reads its storage');
});
