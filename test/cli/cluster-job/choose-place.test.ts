import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Place, type PlaceFacts, placeOf } from '../../../src/cli/cluster-job/choose-place.ts';
import { EVENT_REASONS } from '../../../src/reconcilers/flinkjob/step.ts';
import { aJob } from '../../api/manifest.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { flinkjob } from '../fake-io.ts';

const NOTHING: PlaceFacts = {
  namesCluster: false,
  namesHome: false,
  isPlugin: false,
  isChange: false,
  isLocalJob: false,
  isClusterKnown: false,
};

test.each<[string, Partial<PlaceFacts>, Place]>([
  ['an option names the cluster', { namesCluster: true, isLocalJob: true }, 'cluster'],
  ['an option names the home', { namesHome: true, isPlugin: true }, 'machine'],
  [
    'the plugin means a cluster, also where there is a job of this name here',
    { isPlugin: true, isLocalJob: true },
    'cluster',
  ],
  ['a job of this name is here', { isLocalJob: true, isClusterKnown: true }, 'machine'],
  ['reading goes to the cluster that is known', { isClusterKnown: true }, 'cluster'],
  ['changing does not', { isClusterKnown: true, isChange: true }, 'machine'],
  ['there is no cluster', {}, 'machine'],
])('%s', (_what, facts, place) => {
  expect(placeOf({ ...NOTHING, ...facts })).toBe(place);
});

test('an option of the other place is wrong usage', async () => {
  const cwd = aTemporaryDirectory();
  expect(await flinkjob(['savepoint', '--timeout', '1s', 'flights'], { cwd })).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: --timeout is for jobs on a cluster; add -n NAMESPACE\n',
  });
  expect(await flinkjob(['suspend', '-n', 'a', '--drain', 'flights'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('error: --drain is for jobs on this machine;'),
  });
  expect(await flinkjob(['status', '-n', 'a', '--home', 'x', 'flights'], { cwd })).toMatchObject({ code: 2 });
});

test('a cluster that nobody knows is an error that says where it was looked for', async () => {
  const ran = await flinkjob(['status', 'flights'], { cwd: aTemporaryDirectory(), isPlugin: true });
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('error: no cluster is known') });
});

test('a name that is none is refused before a cluster is asked', async () => {
  const ran = await flinkjob(['status', '-n', 'a', 'b/c'], { cwd: aTemporaryDirectory() });
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('error: b/c is no name of a FlinkJob') });
});

test('help of the plugin speaks of the plugin', async () => {
  expect((await flinkjob(['restart', '--help'], { isPlugin: true })).stdout).toContain(
    'Usage: kubectl flinkjob restart',
  );
});

test('a reason is explained without a cluster', async () => {
  const ran = await flinkjob(['explain', 'OOMKilled'], { cwd: aTemporaryDirectory() });
  expect(ran).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^OOMKilled: A pod used more memory than its limit/),
  });
});

test.each([...EVENT_REASONS])('the reason of an Event is explained without a cluster: %s', async (reason) => {
  const { code, stdout } = await flinkjob(['explain', reason], { cwd: aTemporaryDirectory() });
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${reason}: [A-Z].*\\.\n.+\\.\n$`));
});

test('of a word that is no reason the nearest one is named', async () => {
  const { code, stderr } = await flinkjob(['explain', 'JobExeption'], { cwd: aTemporaryDirectory() });
  expect([code, stderr]).toEqual([
    1,
    'error: JobExeption is no reason that a FlinkJob tells of, and no name of one. Did you mean JobException?\n',
  ]);
});

test('a job is also named by the file that holds it', async () => {
  const cwd = aTemporaryDirectory();
  writeFileSync(join(cwd, 'job.yaml'), JSON.stringify(aJob({}, { name: 'flights', namespace: 'team-a' })));
  expect((await flinkjob(['status', 'job.yaml'], { cwd })).stderr).toContain('there is no job team-a/flights in ');
  expect((await flinkjob(['suspend', '-n', 'team-b', 'job.yaml'], { cwd })).stderr).toContain(
    'team-a/flights is no name',
  );
  expect((await flinkjob(['status', 'other.yaml'], { cwd })).stderr).toContain(
    'error: other.yaml cannot be read: there is no such file.',
  );
});
