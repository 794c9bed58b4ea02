/** FlinkJobs on a real API server after they were made: changes, status, scaling, columns, deletion. */
import { test as anyTest, beforeAll, describe, expect } from 'vitest';
import { flinkJobNode, formatViolation, type SchemaNode, validateFlinkJob } from '../../../src/api/index.ts';
import { CHANGED_JOBS } from '../../api/changed-jobs.ts';
import { aFlinkRuntimeJob, aJob, type Manifest } from '../../api/manifest.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { ApiServer, flinkJobs, type Json, shippedDefinition, trueConditions, until } from './definition.ts';
import { A_FULL_STATUS } from './full-status.ts';
import { complaintsOf, tells } from './servers-words.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

let server: ApiServer;

beforeAll(async () => {
  if (cluster === undefined) return;
  server = new ApiServer(cluster);
  await server.define(shippedDefinition());
});

/** A job that is stored, and where. */
async function aStoredJob(job: Manifest = aJob()): Promise<{ path: string; made: Json }> {
  const path = `${flinkJobs(await server.namespace())}/flight-delays`;
  const { status: _, ...written } = JSON.parse(JSON.stringify(job));
  const made = await server.apply(path, written);
  expect([made.status, made.body.message]).toEqual([201, undefined]);
  return { path, made: made.body };
}

const RUNNING = {
  observedGeneration: 1,
  jobId: 'a',
  maxParallelism: 128,
  parallelism: 1,
  selector: 'flinkjob.dev/job=x',
};

describe('changes are judged by what was there', () => {
  test.concurrent.each(CHANGED_JOBS)('%s', async (_what, stored, changed) => {
    const { path } = await aStoredJob(stored);
    if (stored.status !== undefined) await server.merge(`${path}/status`, { status: stored.status });
    const { job: old } = validateFlinkJob(JSON.parse(JSON.stringify(stored)));
    const { status, ...edited } = JSON.parse(JSON.stringify(changed));
    const { violations } = validateFlinkJob({ ...edited, status }, { old: old! });
    const answer = await server.apply(path, edited);
    if (violations.length === 0) {
      expect([answer.status, answer.body.message]).toEqual([200, undefined]);
      return;
    }
    expect(answer.status).toBe(422);
    const complaints = complaintsOf(answer);
    expect(complaints).toHaveLength(violations.length);
    for (const violation of violations)
      expect(
        complaints.some((complaint) => tells(complaint, violation)),
        formatViolation(violation),
      ).toBe(true);
  });
});

describe('fields that do not exist', () => {
  const misspelled = aJob({ paralelism: 2 });

  test('are refused where the client asks for strictness, and by server-side apply always', async () => {
    const jobs = flinkJobs(await server.namespace());
    const created = await server.create(jobs, misspelled);
    expect([created.status, created.body.message]).toEqual([400, expect.stringContaining('"spec.paralelism"')]);
    const applied = await server.send(
      'PATCH',
      `${jobs}/flight-delays?fieldManager=a&fieldValidation=Ignore`,
      misspelled,
      {
        type: 'application/apply-patch+yaml',
      },
    );
    expect(applied.body.message).toContain('.spec.paralelism: field not declared in schema');
  });

  test('are a warning to a client that asks for less', async () => {
    const jobs = flinkJobs(await server.namespace());
    const created = await server.send('POST', jobs, misspelled);
    expect(created.status).toBe(201);
    expect(created.warnings).toEqual([expect.stringContaining('unknown field \\"spec.paralelism\\"')]);
    expect(created.body.spec).not.toHaveProperty('paralelism');
  });
});

test('a field without a value is absent to the API server, and a mistake to the command line', async () => {
  const job = aJob({ parallelism: null, maxParallelism: null });
  const created = await server.create(flinkJobs(await server.namespace()), job);
  expect(created.body.spec).toMatchObject({ parallelism: 1 });
  expect(created.body.spec).not.toHaveProperty('maxParallelism');
  expect(validateFlinkJob(job).violations.map(({ path }) => path)).toEqual(['spec.parallelism', 'spec.maxParallelism']);
});

test('the Embedded backend is refused on a cluster, in the words of the warning', async () => {
  const job = aJob({ highAvailability: { backend: 'Embedded' } });
  const { violations } = validateFlinkJob(job);
  expect(violations).toMatchObject([{ severity: 'warning' }]);
  const refused = await server.create(flinkJobs('default'), job);
  expect(refused.status).toBe(422);
  expect(complaintsOf(refused).filter((complaint) => !tells(complaint, violations[0]!))).toEqual([]);
});

describe('what GitOps tools rely on', () => {
  test('defaults are owned by nobody', async () => {
    const { made } = await aStoredJob(aJob({ parallelism: 2 }));
    const [{ fieldsV1 }] = made.metadata.managedFields;
    expect(Object.keys(fieldsV1['f:spec']).sort()).toEqual(['f:parallelism', 'f:storage', 'f:typescript']);
  });

  test('applying the same again changes nothing', async () => {
    const { path } = await aStoredJob();
    // The first time it stores the defaults of status, which a create never does.
    const { body } = await server.apply(path, aJob());
    const again = await server.apply(path, aJob());
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    expect(again.body.metadata.generation).toBe(1);
  });

  test('a field that is left out goes back to its default', async () => {
    const { path } = await aStoredJob(aJob({ upgrade: { mode: 'Savepoint' }, savepoints: { interval: '24h' } }));
    const { body } = await server.apply(path, aJob());
    expect(body.spec.upgrade.mode).toBe('LastState');
    expect(body.spec.savepoints).not.toHaveProperty('interval');
  });
});

describe('status', () => {
  test('says that nobody has looked yet, whatever a manifest says', async () => {
    const job = { ...aJob(), status: { observedGeneration: 7, phase: 'Running' } };
    const { body } = await server.create(flinkJobs(await server.namespace()), job);
    expect(body.status).toEqual({ observedGeneration: -1 });
  });

  test('is written apart from the spec, and raises no generation', async () => {
    const { path } = await aStoredJob();
    const { body } = await server.merge(`${path}/status`, { spec: { parallelism: 9 }, status: RUNNING });
    expect(body).toMatchObject({ metadata: { generation: 1 }, spec: { parallelism: 1 }, status: RUNNING });
  });

  test('is read back as written, every field of it', async () => {
    const { path } = await aStoredJob();
    const { apiVersion, kind, metadata } = aJob() as Json;
    const { status, body } = await server.apply(`${path}/status`, {
      apiVersion,
      kind,
      metadata,
      status: A_FULL_STATUS,
    });
    expect([status, body.message]).toEqual([200, undefined]);
    expect(body.status).toEqual(A_FULL_STATUS);
    expect(fieldsOf(flinkJobNode().properties!.status!, A_FULL_STATUS)).toEqual([]);
  });

  test('is bounded', async () => {
    const { path } = await aStoredJob();
    const refused = await server.merge(`${path}/status`, {
      status: { phase: 'Flying', tasks: { running: -1, total: 1 } },
    });
    expect(complaintsOf(refused).map(({ field }) => field)).toEqual(
      expect.arrayContaining(['status.phase', 'status.tasks.running']),
    );
  });

  test('has conditions that are merged by type', async () => {
    const { path } = await aStoredJob();
    const condition = (type: string) => ({ ...A_FULL_STATUS.conditions[0], type });
    const statusOf = (...types: string[]) => {
      const { apiVersion, kind, metadata } = aJob() as Json;
      return { apiVersion, kind, metadata, status: { observedGeneration: 1, conditions: types.map(condition) } };
    };
    await server.apply(`${path}/status`, statusOf('Ready', 'Stalled'), '&fieldManager=operator');
    await server.apply(`${path}/status`, statusOf('Custom'), '&fieldManager=somebody');
    const { body } = await server.apply(`${path}/status`, statusOf('Ready'), '&fieldManager=operator');
    expect(body.status.conditions.map(({ type }: { type: string }) => type).sort()).toEqual(['Custom', 'Ready']);
  });
});

/** Fields of the schema that the sample leaves out. */
function fieldsOf(node: SchemaNode, sample: Json, path = 'status'): string[] {
  if (sample === undefined) return [path];
  if (node.items !== undefined) return fieldsOf(node.items, sample[0], `${path}[]`);
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) =>
    fieldsOf(field, sample[name], `${path}.${name}`),
  );
}

describe('scaling', () => {
  const scaled = (made: Json, replicas: number) => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: made.metadata.name, namespace: made.metadata.namespace },
    spec: { replicas },
  });

  test('reads and writes parallelism, and raises the generation', async () => {
    const { path, made } = await aStoredJob(aJob({ parallelism: 2 }));
    await server.merge(`${path}/status`, { status: RUNNING });
    const { body: before } = await server.get(`${path}/scale`);
    expect(before).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 1, selector: RUNNING.selector } });
    const { body } = await server.send('PUT', `${path}/scale`, scaled(made, 5));
    expect(body.spec.replicas).toBe(5);
    const { body: after } = await server.get(path);
    expect(after).toMatchObject({ spec: { parallelism: 5 }, metadata: { generation: 2 } });
  });

  test.each([
    [0, 'should be greater than or equal to 1'],
    [129, 'must be at most status.maxParallelism'],
  ])('to %i is refused', async (replicas, words) => {
    const { path, made } = await aStoredJob();
    await server.merge(`${path}/status`, { status: RUNNING });
    const refused = await server.send('PUT', `${path}/scale`, scaled(made, replicas));
    expect([refused.status, refused.body.message]).toEqual([422, expect.stringContaining(words)]);
  });
});

test('kubectl get shows what one asks first, and with -o wide the rest', async () => {
  const { path } = await aStoredJob(aFlinkRuntimeJob({}, { parallelism: 4 }));
  const { apiVersion, kind, metadata } = aJob() as Json;
  await server.apply(`${path}/status`, { apiVersion, kind, metadata, status: A_FULL_STATUS });
  const { body } = await server.get(path, 'application/json;as=Table;v=v1;g=meta.k8s.io');
  const columns: { name: string; priority: number }[] = body.columnDefinitions;
  const shown = columns.map(({ name, priority }, index) => [name, priority, body.rows[0].cells[index]]);
  expect(shown).toEqual([
    ['Name', 0, 'flight-delays'],
    ['Ready', 0, 'True'],
    ['Phase', 0, 'Running'],
    ['Runtime', 0, 'flink'],
    ['Parallelism', 0, 4],
    ['Age', 0, expect.stringMatching(/^\d+[smh]/)],
    ['Reason', 1, 'Succeeded'],
    ['Restarts', 1, 2],
    ['Checkpoint', 1, expect.stringMatching(/^\d+[smhdy]/)],
    ['Savepoint', 1, 's3://bucket/jobs/flight-delays/savepoint-2'],
    ['Version', 1, '2.3'],
    ['Revision', 1, 'flight-delays-6c7f'],
  ]);
});

test('everything can always be deleted, also what a later definition would refuse', async () => {
  const namespace = await server.namespace();
  const group = 'before.flinkjob.dev';
  const strict = inGroup(group);
  const { stored } = await server.define(withoutRules(strict));
  expect(trueConditions(stored)).toContain('Established');
  const wrong = aJob(
    { parallelism: 9, maxParallelism: 3, restart: {}, typescript: {} },
    { name: '1-wrong', finalizers: ['flinkjob.dev/cleanup'] },
  );
  const path = flinkJobs(namespace, group);
  const made = await server.create(path, { ...wrong, apiVersion: `${group}/v1alpha1` });
  expect([made.status, made.body.message]).toEqual([201, undefined]);
  await server.define(strict);
  const strictNow = async () =>
    (await server.create(path, { ...wrong, metadata: { name: 'b' }, apiVersion: `${group}/v1alpha1` }, '&dryRun=All'))
      .status === 422;
  await until(strictNow);
  const told = await server.merge(`${path}/1-wrong/status`, {
    status: { observedGeneration: 1, jobId: 'a', maxParallelism: 3 },
  });
  expect([told.status, told.body.message]).toEqual([200, undefined]);
  expect((await server.send('DELETE', `${path}/1-wrong`)).status).toBe(200);
  const released = await server.merge(`${path}/1-wrong`, { metadata: { finalizers: null } });
  expect([released.status, released.body.message]).toEqual([200, undefined]);
  expect((await server.get(`${path}/1-wrong`)).status).toBe(404);
});

/** The definition under another group, so that no other test meets it. */
function inGroup(group: string): Json {
  const crd = shippedDefinition();
  return { ...crd, metadata: { name: `${crd.spec.names.plural}.${group}` }, spec: { ...crd.spec, group } };
}

/** A definition that checks types only, as an early version of it might. */
function withoutRules(crd: Json): Json {
  return JSON.parse(
    JSON.stringify(crd, (key, value) =>
      ['x-kubernetes-validations', 'minimum', 'maximum', 'enum', 'maxLength'].includes(key) ? undefined : value,
    ),
  );
}
