/** Jobs that nobody would write: a valid one with up to three fields of anything. */
import fc from 'fast-check';
import type { Manifest } from './manifest.ts';

/** Values that are right somewhere and wrong elsewhere. */
const values = fc.constantFrom<unknown>(
  0,
  1,
  2,
  -1,
  1.5,
  128,
  32_768,
  40_000,
  2 ** 31,
  '',
  'x',
  '10s',
  '0s',
  '9ms',
  '1m',
  '2h',
  '1d',
  's3://bucket/a',
  'file:///a',
  'file://a',
  'Infinite',
  'Running',
  'Retain',
  'ZooKeeper',
  'Embedded',
  'Kubernetes',
  'Stateless',
  '500m',
  '1Gi',
  '2Gi',
  0.1,
  '-1',
  '0',
  '1e3',
  '1.5Gi',
  'é',
  '{{name}}.x',
  'local:///a',
  'a.b',
  'x'.repeat(300),
  true,
  false,
  [],
  ['a'],
  {},
  { a: 'b' },
  null,
);
const someOf = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 4 });
const fields: Record<string, fc.Arbitrary<unknown>> = {
  typescript: someOf('module', 'inline', 'configMap'),
  storage: fc.record(
    { uri: fc.constantFrom('s3://bucket/a', 'file:///a', 'x'), s3: someOf('region', 'pathStyle') },
    { requiredKeys: ['uri'] },
  ),
  parallelism: fc.integer({ min: 1, max: 200 }),
  maxParallelism: fc.integer({ min: 1, max: 200 }),
  state: values,
  checkpoints: someOf('interval', 'timeout', 'minPause', 'tolerableFailures', 'retained', 'onCancel', 'oops'),
  savepoints: someOf('interval', 'retained', 'format'),
  restart: fc.record(
    {
      exponentialDelay: someOf('initial', 'max', 'multiplier', 'jitter', 'attempts'),
      fixedDelay: someOf('attempts', 'delay'),
      none: fc.constant({}),
    },
    { requiredKeys: [] },
  ),
  highAvailability: fc.record(
    { backend: values, standbys: values, zookeeper: fc.constant({ quorum: 'zk:1' }) },
    { requiredKeys: [] },
  ),
  upgrade: someOf('mode', 'deadline', 'fallback'),
  restoreFrom: values,
  triggers: someOf('savepoint', 'restore'),
  jobManager: fc.record({
    resources: fc.record({ requests: someOf('cpu', 'memory'), limits: someOf('cpu', 'memory') }, { requiredKeys: [] }),
  }),
  taskManager: fc.record(
    { replicas: values, resources: fc.record({ limits: someOf('cpu', 'memory', 'a.b/c') }) },
    { requiredKeys: [] },
  ),
  flink: fc.record(
    {
      version: fc.constantFrom('2.3', '1.20', 2.3, '9'),
      sql: values,
      python: someOf('script', 'module', 'files'),
      jar: someOf('uri', 'entryClass'),
      logConfiguration: someOf('log4j-console.properties', 'x'),
    },
    { requiredKeys: [] },
  ),
  ingress: someOf('template', 'className', 'annotations'),
  deletion: someOf('mode', 'storage', 'timeout'),
  cleanupPolicy: someOf('afterJobFails'),
  ttlSecondsAfterFinished: values,
  args: values,
  image: values,
};

/** A valid job with up to three random fields. */
export const RANDOM_SPECS: fc.Arbitrary<Manifest> = fc
  .subarray(Object.keys(fields), { minLength: 1, maxLength: 3 })
  .chain((names) =>
    fc.record(
      Object.fromEntries(
        names.map((name) => [
          name,
          fc.oneof({ weight: 9, arbitrary: fields[name]! }, { weight: 1, arbitrary: values }),
        ]),
      ),
    ),
  )
  .map((changed) => ({
    ...('flink' in changed ? {} : { typescript: { module: 'a.js' } }),
    storage: { uri: 's3://bucket/a' },
    ...changed,
  }));

/** The API server fills in a default where null stands for a field that has one; the command line wants null gone. */
export const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value as object).some(hasNull));
