/** `kubectl flinkjob` on a real API server: what it asks for, how long it waits, and what it says when that fails. */
import { test as anyTest, describe, expect } from 'vitest';
import { awaitProgress } from '../../src/cli/cluster-job/await-progress.ts';
import { aJob } from '../api/manifest.ts';
import { cluster, Place, RUNNING, ready, specSays, TIME } from '../builders/cluster-place.ts';
import { eventually } from '../builders/eventually.ts';
import { aClient, aProxy, tokenConnection } from '../builders/kube.ts';

const test = anyTest.skipIf(cluster === undefined);

describe('savepoint', () => {
  test('asks with a number above all before, waits, and prints where it lies', async () => {
    const place = await Place.withJob(
      { ...RUNNING, handledTriggers: { savepoint: 4 } },
      { triggers: { savepoint: 2 } },
    );
    const said: string[] = [];
    const ran = place.run(['savepoint', 'flights'], { onStderr: (text) => said.push(text) });
    await specSays(place, ({ triggers }) => triggers.savepoint === 5);
    const taken = { trigger: 5, state: 'Triggered' };
    await place.report({ ...RUNNING, handledTriggers: { savepoint: 5 }, savepoints: [taken] });
    await eventually(() => said.join('').includes('savepoint 5 is being taken'), 20_000);
    const uri = 's3://bucket/jobs/savepoint-5';
    await place.report({ ...RUNNING, savepoints: [{ ...taken, state: 'Completed', uri, completed: TIME }] });
    expect(await ran).toMatchObject({ code: 0, stdout: `${uri}\n` });
  });

  test('does not touch other fields', async () => {
    const place = await Place.withJob(RUNNING, { triggers: { restart: 7 }, parallelism: 3 });
    const before = (await place.read()).spec;
    expect(await place.run(['savepoint', '--no-wait', 'flights'])).toMatchObject({
      code: 0,
      stdout: 'savepoint 1 is asked for\n',
    });
    expect((await place.read()).spec).toEqual({ ...before, triggers: { ...before.triggers, savepoint: 1 } });
  });

  test('of many at once asks for as many', async () => {
    const place = await Place.withJob();
    const all = await Promise.all(Array.from({ length: 5 }, () => place.run(['savepoint', '--no-wait', 'flights'])));
    expect(all.map(({ stdout }) => stdout).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `savepoint ${n} is asked for\n`));
  });

  test.each(['dropBefore', 'dropAfter'] as const)(
    'of a request that gets lost (%s) is asked for once',
    async (fault) => {
      const place = await Place.withJob();
      const proxy = await aProxy(cluster!);
      proxy.inject({ verb: 'patch', resource: 'flinkjobs', fault: { do: fault } });
      place.actAs(cluster!.access.adminToken, proxy.url);
      expect(await place.run(['savepoint', '--no-wait', 'flights'])).toMatchObject({
        code: 0,
        stdout: 'savepoint 1 is asked for\n',
      });
      expect((await place.read()).spec.triggers.savepoint).toBe(1);
    },
  );

  test('that fails says why, and ends with 1', async () => {
    const place = await Place.withJob();
    const ran = place.run(['savepoint', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.savepoint === 1);
    const savepoints = [{ trigger: 1, state: 'Failed', cause: 'no space left' }];
    await place.report({ ...RUNNING, savepoints, handledTriggers: { savepoint: 1 } });
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: savepoint 1 of job ${place.namespace}/flights failed: no space left. The job goes on.`,
    );
  });

  test('of a job that stands still is refused, and nothing is written', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Suspended' });
    const { code, stderr } = await place.run(['savepoint', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain(`job ${place.namespace}/flights is not running (Suspended).`);
    expect(stderr).toContain(`kubectl flinkjob resume flights -n ${place.namespace} starts it again`);
    expect((await place.read()).spec.triggers).toEqual({ savepoint: 0, restart: 0, restore: 0 });
  });

  test('that is not done in time stays asked for', async () => {
    const place = await Place.withJob();
    const { code, stderr } = await place.run(['savepoint', '--timeout', '200ms', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: not done within 200ms; it stays asked for.');
    const follows = `kubectl flinkjob status --watch flights -n ${place.namespace} follows it.`;
    expect(stderr.split(follows)).toHaveLength(2);
    expect((await place.read()).spec.triggers.savepoint).toBe(1);
  });

  test('that a GitOps tool takes back before it was acted on is said, with the name of the tool', async () => {
    const place = await Place.withJob();
    const applied = aJob({ triggers: { savepoint: 1 } }, { name: 'flights' });
    expect((await place.server.apply(place.path, applied, '&fieldManager=argocd-controller')).status).toBe(200);
    const ran = place.run(['savepoint', 'flights']);
    await specSays(place, ({ triggers }) => triggers.savepoint === 2);
    expect((await place.server.apply(place.path, applied, '&fieldManager=argocd-controller')).status).toBe(200);
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain('warning: spec.triggers.savepoint is kept by Argo CD (field manager argocd-controller)');
    expect(stderr).toContain('spec.triggers.savepoint of job');
    expect(stderr).toContain('is 1 again before 2 was acted on');
  });
});

test('who waits is told when nobody acts on what was asked for', async () => {
  const place = await Place.withJob();
  const { namespace } = place;
  const client = aClient(tokenConnection(cluster!));
  const stop = new AbortController();
  const said: string[] = [];
  const line = {
    say: (text: string) => {
      said.push(text);
      if (text.includes('is there an operator?')) stop.abort();
    },
    end: () => {},
  };
  const where = { client, namespace, name: 'flights', origin: 'a test', server: 'a server', signal: stop.signal };
  const waited = awaitProgress(where, () => ({ is: 'underWay', text: 'asked for' }), {
    timeoutMs: 20_000,
    // Longer than the first look takes on a busy machine.
    silentMs: 500,
    line,
  });
  await expect(waited).rejects.toThrow('not done within');
  expect(said).toEqual([
    'asked for',
    expect.stringMatching(/^nobody has acted on it for 500ms; is there an operator\? Start the operator/),
  ]);
});

describe('restart, suspend, resume', () => {
  test('restart takes a failed job up again and waits for the next attempt', async () => {
    const failed = { ...RUNNING, phase: 'Failed', conditions: [{ ...ready('RestartsExhausted'), status: 'False' }] };
    const place = await Place.withJob(failed);
    const ran = place.run(['restart', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.restart === 1);
    const attempt = { ...RUNNING.attempt, number: 4 };
    await place.report({ ...RUNNING, attempt, phase: 'Starting', handledTriggers: { restart: 1 }, conditions: [] });
    await place.report({ ...RUNNING, attempt, handledTriggers: { restart: 1 } });
    expect(await ran).toMatchObject({ code: 0, stdout: 'attempt 4 runs\n' });
  });

  test('a restart that fails says why', async () => {
    const place = await Place.withJob();
    const ran = place.run(['restart', 'flights']);
    await specSays(place, ({ triggers }) => triggers?.restart === 1);
    const stalled = { ...ready('RestartsExhausted', 'bad record'), type: 'Stalled' };
    await place.report({ ...RUNNING, phase: 'Failed', handledTriggers: { restart: 1 }, conditions: [stalled] });
    const { code, stderr } = await ran;
    expect(code).toBe(1);
    expect(stderr).toContain('restart strategy allows; its state is kept. The last failure: bad record.');
  });

  test('suspend waits until the job stands still, and prints where its state lies', async () => {
    const place = await Place.withJob();
    const ran = place.run(['suspend', 'flights']);
    await specSays(place, ({ state }) => state === 'Suspended');
    await place.report({ ...RUNNING, phase: 'Suspending' });
    const latest = { id: 8, uri: 's3://bucket/jobs/chk-8', completed: TIME };
    await place.report({ ...RUNNING, phase: 'Suspended', checkpoint: { latest } });
    expect(await ran).toMatchObject({ code: 0, stdout: 's3://bucket/jobs/chk-8\n' });
    expect(await place.run(['suspend', 'flights'])).toMatchObject({ code: 0, stdout: 's3://bucket/jobs/chk-8\n' });
  });

  test('resume waits until the job runs', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Suspended' }, { state: 'Suspended' });
    const ran = place.run(['resume', 'flights']);
    await specSays(place, ({ state }) => state === 'Running');
    await place.report({ ...RUNNING, phase: 'Starting' });
    await place.report(RUNNING);
    expect(await ran).toMatchObject({ code: 0, stdout: 'Running\n' });
  });

  test('resume of a job that failed names what takes it up again', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Failed' });
    const { code, stderr } = await place.run(['resume', 'flights']);
    expect(code).toBe(1);
    expect(stderr).toContain('is not suspended, it is Failed.');
    expect(stderr).toContain(`kubectl flinkjob restart flights -n ${place.namespace}`);
  });

  test('resume of a job that was suspended when it had failed goes on', async () => {
    const place = await Place.withJob({ ...RUNNING, phase: 'Failed' }, { state: 'Suspended' });
    expect(await place.run(['resume', '--no-wait', 'flights'])).toMatchObject({
      code: 0,
      stdout: 'resume is asked for\n',
    });
  });

  test('who keeps the state in Git is told of', async () => {
    const place = await Place.withJob();
    const applied = aJob({ state: 'Running' }, { name: 'flights' });
    await place.server.apply(place.path, applied, '&fieldManager=kustomize-controller');
    const { stderr } = await place.run(['suspend', '--no-wait', 'flights']);
    expect(stderr).toContain('warning: spec.state is kept by Flux (field manager kustomize-controller)');
  });
});
