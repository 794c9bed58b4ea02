import { expect, test } from 'vitest';
import { parseFlinkJob } from '../../src/api/index.ts';
import {
  disruptionBudget,
  jobRole,
  leaderLease,
  type RevisionFacts,
  restService,
  revisionConfigMap,
} from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

const resourceIn = (facts: RevisionFacts) => (revisionConfigMap(facts)['data'] as { 'job.json': string })['job.json'];

test('a revision holds the spec as its pods read it, with the image settled', () => {
  const facts = aPodOf({ args: ['--airport', 'SFO'], parallelism: 2 });
  const read = parseFlinkJob(resourceIn(facts), 'job.json');
  expect(read.spec).toEqual({ ...facts.job.spec, image: 'example.org/flights:1.4.2' });
  expect(revisionConfigMap(facts)['immutable']).toBe(true);
});

test('a budget is made only where a pod stands by', () => {
  expect(disruptionBudget(aPodOf({ highAvailability: { standbys: 0 } }))).toBeUndefined();
  expect(disruptionBudget(aPodOf({ highAvailability: { standbys: 1 } }))).toMatchObject({
    spec: { minAvailable: 1, selector: { matchLabels: { 'flinkjob.dev/job': 'flights' } } },
  });
});

test('a role names the two objects of the job, and no other', () => {
  const names = (jobRole(aPodOf())['rules'] as { resourceNames: string[] }[]).flatMap(
    ({ resourceNames }) => resourceNames,
  );
  expect(names).toEqual(['flights-leader', 'flights-ha']);
});

test('the service of a job reaches all of its pods, and those of no other', () => {
  expect(restService(aPodOf())).toMatchObject({
    metadata: { name: 'flights-rest' },
    spec: { selector: { 'flinkjob.dev/job': 'flights' }, ports: [{ port: 8081 }] },
  });
});

test("nothing of the FlinkJob's own labels is copied to its objects", () => {
  const facts = aPodOf();
  const labelled = { ...facts, job: { ...facts.job, metadata: { ...facts.job.metadata, labels: { team: 'data' } } } };
  expect(leaderLease(labelled).metadata.labels).not.toHaveProperty('team');
});
