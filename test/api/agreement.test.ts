/** The command line and the API server must refuse the same jobs for the same reasons, in the same words. */
import { describe, expect, test } from 'vitest';
import { formatViolation, type Violation, validateFlinkJob } from '../../src/api/index.ts';
import { apiServer } from './api-server.ts';
import { CHANGED_JOBS } from './changed-jobs.ts';
import { INVALID_JOBS } from './invalid-jobs.ts';
import { aJob, type Manifest } from './manifest.ts';
import { VALID_JOBS } from './valid-jobs.ts';

/** The resource as it arrives: JSON. */
const sent = (job: Manifest): Manifest => JSON.parse(JSON.stringify(job));

const SCHEMA_CODES = ['UNKNOWN_FIELD', 'MISSING_FIELD', 'WRONG_TYPE', 'OUT_OF_RANGE', 'NOT_ALLOWED_VALUE'];
/** Rules about data that the API server does not see, or checks by itself. */
const NOT_IN_CEL = ['FLINK_OPTION_TAKEN', 'NAME_MISSING', 'LABEL_VALUE', 'METADATA_KEY'];

/** What the API server would be asked to check, of what the command line found. */
function serverSide(violations: readonly Violation[]): Violation[] {
  return violations.filter(
    ({ path, code }) => !NOT_IN_CEL.includes(code) && !/^(apiVersion|kind|metadata($|\.(?!name)))/.test(path),
  );
}

/** Where an object allows no fields, the server names the object. */
function asServerNames({ path }: Violation): string {
  return path.replace(/^spec\.restart\.none\..*/, 'spec.restart.none');
}

describe('valid jobs', () => {
  test.each(VALID_JOBS)('%s', (_what, job) => {
    const { job: parsed, violations } = validateFlinkJob(sent(job));
    expect(violations.map(formatViolation)).toEqual([]);
    expect(parsed).toBeDefined();
    expect(apiServer(sent(job))).toEqual([]);
  });
});

describe('invalid jobs: the command line', () => {
  test.each(INVALID_JOBS)('%s', (_what, job, messages) => {
    const { job: parsed, violations } = validateFlinkJob(sent(job));
    expect(violations.map(formatViolation)).toEqual(messages);
    expect(parsed).toBeUndefined();
  });
});

describe('invalid jobs: the API server', () => {
  test.each(INVALID_JOBS)('%s', (_what, job) => {
    const ours = serverSide(validateFlinkJob(sent(job)).violations);
    const theirs = apiServer(sent(job));
    const bySchema = ours.filter(({ code }) => SCHEMA_CODES.includes(code));
    if (theirs.some(({ by }) => by === 'schema')) {
      expect(new Set(bySchema.map(asServerNames))).toEqual(new Set(theirs.map(({ path }) => path)));
      return;
    }
    expect(bySchema).toEqual([]);
    // Where a rule blames an entry of a map, the server names the map.
    const said = new Set(ours.map(({ rule, remedy }) => `${rule}. ${remedy}`));
    expect(said).toEqual(new Set(theirs.map(({ message }) => message)));
    for (const { path } of theirs)
      expect(ours.some((violation) => violation.path.replace(/\["(.*)"\]/, '.$1').startsWith(path))).toBe(true);
  });
});

test('the Embedded backend is a warning in a file, and refused on a cluster', () => {
  const job = aJob({ highAvailability: { backend: 'Embedded' } });
  const { job: parsed, violations } = validateFlinkJob(job);
  expect(parsed?.spec.highAvailability.backend).toBe('Embedded');
  expect(violations).toMatchObject([
    { severity: 'warning', code: 'EMBEDDED_BACKEND', path: 'spec.highAvailability.backend' },
  ]);
  expect(apiServer(job)).toMatchObject([
    { by: 'cel', path: 'spec.highAvailability.backend', message: expect.stringContaining('flinkjob run') },
  ]);
});

describe('changes of a job', () => {
  test.each(CHANGED_JOBS)('%s', (_what, old, changed, messages) => {
    const { job } = validateFlinkJob(sent(old));
    const { violations } = validateFlinkJob(sent(changed), { old: job! });
    expect(violations.map(formatViolation)).toEqual(messages);
    const said = violations.map(({ rule, remedy }) => `${rule}. ${remedy}`);
    expect(apiServer(sent(changed), sent(old)).map(({ message }) => message)).toEqual(said);
  });
});
