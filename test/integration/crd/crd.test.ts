/** The definition on a real API server: what it accepts, what it refuses, and in which words. */
import fc from 'fast-check';
import { test as anyTest, beforeAll, describe, expect } from 'vitest';
import { flinkJobNode, renderCrd, type Violation, validateFlinkJob } from '../../../src/api/index.ts';
import { INVALID_JOBS } from '../../api/invalid-jobs.ts';
import { aJob, type Manifest } from '../../api/manifest.ts';
import { hasNull, RANDOM_SPECS } from '../../api/random-specs.ts';
import { VALID_JOBS } from '../../api/valid-jobs.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { type Answer, ApiServer, flinkJobs, type Json, shippedDefinition, trueConditions } from './definition.ts';
import { complaintsOf, isKubernetesOwn, stoppedEarly, tells } from './servers-words.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

let server: ApiServer;
/** Where they are stored. */
let jobs: string;
let definition: { applied: Answer; stored: Json };

beforeAll(async () => {
  if (cluster === undefined) return;
  server = new ApiServer(cluster);
  definition = await server.define(shippedDefinition());
  jobs = flinkJobs(await server.namespace());
});

/** The resource as it travels: JSON. */
const sent = (job: Manifest): Json => JSON.parse(JSON.stringify(job));

/** The same resource under a name of its own, so that cases do not meet. */
const named = (job: Manifest, name: string): Json => ({ ...sent(job), metadata: { ...sent(job).metadata, name } });

/** Data that the API server keeps as it is: the operator looks at it. */
const LEFT_TO_THE_OPERATOR = ['FLINK_OPTION_TAKEN'];

describe('the definition', () => {
  test('is accepted, with the cost of its rules, and without a warning', () => {
    expect(definition.applied).toMatchObject({ status: expect.toSatisfy((status) => status < 300), warnings: [] });
    const conditions = trueConditions(definition.stored);
    expect(conditions).toEqual(expect.arrayContaining(['NamesAccepted', 'Established']));
    expect(conditions).not.toContain('NonStructuralSchema');
  });

  test('fits 60 kB, also as the annotation of a client-side apply', () => {
    expect(Buffer.byteLength(renderCrd(flinkJobNode()))).toBeLessThan(60_000);
    expect(Buffer.byteLength(JSON.stringify(shippedDefinition()))).toBeLessThan(60_000);
  });

  test('is stored as it is written', () => {
    const [written] = shippedDefinition().spec.versions;
    const [stored] = definition.stored.spec.versions;
    expect(stored.schema).toEqual(written.schema);
    expect(stored.subresources).toEqual(written.subresources);
  });
});

describe('valid jobs are accepted, and read back as written', () => {
  test.concurrent.each(VALID_JOBS.map((row, index) => [...row, index] as const))('%s', async (_what, job, index) => {
    const written = asWritten(job);
    const isSpecial = written.metadata.name !== 'flight-delays';
    const created = await server.create(jobs, isSpecial ? written : named(written, `created-${index}`));
    expect([created.status, created.body.message, created.warnings]).toEqual([201, undefined, []]);
    const applied = await server.apply(`${jobs}/applied-${index}`, named(written, `applied-${index}`));
    expect([applied.status, applied.body.message, applied.warnings]).toEqual([201, undefined, []]);
    for (const made of [created, applied]) {
      const read = await server.get(`${jobs}/${made.body.metadata.name}`);
      expect(read.body.spec).toMatchObject(written.spec);
      expect(read.body.spec).toEqual(validateFlinkJob(sent(job)).job?.spec);
      expect(read.body.metadata).toMatchObject({ generation: 1 });
      expect(read.body.status).toEqual({ observedGeneration: -1 });
    }
  });
});

/** Without what only a resource of a cluster has, which no one may create. */
function asWritten(job: Manifest): Json {
  const { uid: _, resourceVersion: __, managedFields: ___, ...metadata } = sent(job).metadata;
  return { ...sent(job), metadata };
}

/** What the API server answers to a job, by create and by apply, and what the command line says of it. */
async function judged(job: Manifest): Promise<{ answers: readonly Answer[]; seen: readonly Violation[] }> {
  const { violations } = validateFlinkJob(sent(job));
  const name = encodeURIComponent(sent(job).metadata?.name ?? 'nameless');
  const answers = await Promise.all([
    server.create(jobs, sent(job), '&dryRun=All'),
    server.apply(`${jobs}/${name}`, sent(job), '&fieldManager=test&dryRun=All'),
  ]);
  return { answers, seen: violations.filter(({ code }) => !LEFT_TO_THE_OPERATOR.includes(code)) };
}

/** Every complaint is one of the violations, and unless the server stopped early, every violation is complained of. */
function expectOneMind(answer: Answer, seen: readonly Violation[]): void {
  expect(answer.status < 300, JSON.stringify({ answer: answer.body, seen })).toBe(seen.length === 0);
  if (seen.length === 0) return;
  const complaints = complaintsOf(answer);
  const foreign = complaints.filter((complaint) => !seen.some((violation) => tells(complaint, violation)));
  expect(foreign.filter(({ text }) => !/a lowercase RFC 1123 subdomain/.test(text))).toEqual([]);
  if (stoppedEarly(answer)) return;
  const untold = seen.filter((violation) => !complaints.some((complaint) => tells(complaint, violation)));
  expect(untold.filter((violation) => !isKubernetesOwn(violation))).toEqual([]);
}

describe('invalid jobs are refused with the intended words', () => {
  test.concurrent.each(INVALID_JOBS)('%s', async (_what, job) => {
    const { answers, seen } = await judged(job);
    for (const answer of answers) expectOneMind(answer, seen);
  });
});

test('of random jobs, command line and API server are of one mind', async () => {
  const specs = fc.sample(RANDOM_SPECS, { seed: 11, numRuns: 200 }).filter((spec) => !hasNull(spec));
  await Promise.all(
    specs.map(async (spec) => {
      const { answers, seen } = await judged({ ...aJob(), spec });
      for (const answer of answers) expectOneMind(answer, seen);
    }),
  );
});
