import { expect, test } from 'vitest';
import {
  changedFields,
  classOfChange,
  type FlinkJobManifest,
  semanticSpec,
  specOf,
  validateFlinkJob,
} from '../../src/api/index.ts';

const BASE = { typescript: { module: 'dist/job.js' }, storage: { uri: 's3://bucket/jobs' } };

function aSpec(spec: object = {}) {
  const manifest = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', metadata: { name: 'flights' } };
  const { job, violations } = validateFlinkJob({ ...manifest, spec: { ...BASE, ...spec } } as FlinkJobManifest);
  if (job === undefined) throw new Error(JSON.stringify(violations));
  return job.spec;
}

test('a default that is written out is the same spec', () => {
  const written = aSpec({ parallelism: 1, state: 'Running', checkpoints: { timeout: '10m' }, upgrade: {} });
  expect(semanticSpec(written)).toEqual(semanticSpec(aSpec()));
  expect(semanticSpec(aSpec())).toEqual(BASE);
});

test('fields that take effect while the job runs are not in the semantic spec', () => {
  const hot = aSpec({
    state: 'Suspended',
    triggers: { savepoint: 3 },
    restart: { none: {} },
    upgrade: { mode: 'Savepoint' },
    highAvailability: { standbys: 2 },
    deletion: { mode: 'Cancel' },
    restoreFrom: 's3://bucket/a',
  });
  expect(semanticSpec(hot)).toEqual(BASE);
});

test.each([
  [{ args: ['--x'] }],
  [{ parallelism: 2 }],
  [{ checkpoints: { interval: '1s' } }],
  [{ jobManager: { podTemplate: { metadata: { labels: { a: 'b' } } } } }],
  [{ upgrade: { allowNonRestoredState: true } }],
])('%j is in the semantic spec, and comes back out of it', (change) => {
  const spec = aSpec(change);
  expect(semanticSpec(spec)).toEqual({ ...BASE, ...change });
  expect(specOf(semanticSpec(spec), undefined)).toEqual(spec);
});

test('a revision runs under the hot fields that hold now', () => {
  const now = aSpec({ args: ['new'], highAvailability: { standbys: 2 }, state: 'Suspended' });
  const spec = specOf(semanticSpec(aSpec({ args: ['old'] })), now);
  expect(spec).toEqual(aSpec({ args: ['old'], highAvailability: { standbys: 2 }, state: 'Suspended' }));
});

test.each([
  [{}, undefined, []],
  [{ state: 'Suspended' }, 'Hot', ['state']],
  [{ highAvailability: { standbys: 2 } }, 'Hot', ['highAvailability.standbys']],
  [{ parallelism: 2, triggers: { restart: 1 } }, 'Rescale', ['parallelism', 'triggers.restart']],
  [{ parallelism: 2, args: ['x'] }, 'Restart', ['args', 'parallelism']],
  [{ restart: { none: {} } }, 'Hot', ['restart']],
])('from the defaults to %j is %s', (change, expected, paths) => {
  const fields = changedFields(aSpec(), aSpec(change));
  expect(classOfChange(fields)).toBe(expected);
  expect(fields.map(({ path }) => path).sort()).toEqual(paths);
});
