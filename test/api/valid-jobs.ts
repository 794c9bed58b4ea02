/** Jobs that must be accepted, by the command line and by the API server. */
import { aFlinkRuntimeJob, aJob, type Manifest } from './manifest.ts';

export const VALID_JOBS: readonly (readonly [string, Manifest])[] = [
  ['the smallest job', aJob()],
  ['a name of 45 characters', aJob({}, { name: `a${'b'.repeat(44)}` })],
  ['a generated name', aJob({}, { name: undefined, generateName: 'flight-delays-' })],
  ['a job read from a cluster', aJob({}, { uid: 'x', resourceVersion: '1', generation: 3, managedFields: [{}] })],
  ['inline source', aJob({ typescript: { inline: 'const x: number = 1;' } })],
  ['inline source of 64 KiB', aJob({ typescript: { inline: 'x'.repeat(65_536) } })],
  ['source in a ConfigMap', aJob({ typescript: { configMap: { name: 'jobs.v1', key: 'job_1.ts' } } })],
  ['arguments, empty ones too', aJob({ args: ['--airport', 'SFO', ''] })],
  ['the highest parallelism', aJob({ parallelism: 32_768, maxParallelism: 32_768 })],
  ['maxParallelism equal to parallelism', aJob({ parallelism: 3, maxParallelism: 3 })],
  ['a suspended job', aJob({ state: 'Suspended' })],
  ['no standbys', aJob({ highAvailability: { standbys: 0 } })],
  ['ZooKeeper', aJob({ highAvailability: { backend: 'ZooKeeper', zookeeper: { quorum: 'zk-0:2181,zk-1:2181' } } })],
  ['a local directory', aJob({ storage: { uri: 'file:///var/lib/flinkjob/über' } })],
  ['a bucket without prefix', aJob({ storage: { uri: 's3://bucket' } })],
  [
    'an S3 server of its own',
    aJob({
      storage: {
        uri: 's3://b-1.x/y',
        secretRef: { name: 's3' },
        s3: { endpoint: 'http://minio:9000', pathStyle: true },
      },
    }),
  ],
  ['checkpoints off', aJob({ checkpoints: { interval: '0s' } })],
  ['the shortest checkpoint interval', aJob({ checkpoints: { interval: '10ms', timeout: '10ms' } })],
  ['durations of all units', aJob({ checkpoints: { interval: '1h30m10.5s250ms', minPause: '8760h' } })],
  ['any number of failed checkpoints', aJob({ checkpoints: { tolerableFailures: 2_147_483_647 } })],
  ['as many checkpoints as can be retained', aJob({ checkpoints: { retained: 25 } })],
  ['more of them on Flink', aFlinkRuntimeJob({}, { checkpoints: { retained: 1000 } })],
  ['daily savepoints', aJob({ savepoints: { interval: '24h', retained: 1000, format: 'Native' } })],
  ['exponential delay with its defaults', aJob({ restart: { exponentialDelay: {} } })],
  [
    'exponential delay, initial equal to max',
    aJob({ restart: { exponentialDelay: { initial: '60s', max: '1m', attempts: 10, jitter: 0 } } }),
  ],
  [
    'exponential delay without end',
    aJob({ restart: { exponentialDelay: { attempts: 'Infinite', multiplier: 1.0001, jitter: 1 } } }),
  ],
  ['a fixed delay that allows no restart', aJob({ restart: { fixedDelay: { attempts: 0, delay: '0s' } } })],
  ['a failure rate', aJob({ restart: { failureRate: { maxFailures: 3, interval: '5m', delay: '10s' } } })],
  ['no restarts', aJob({ restart: { none: {} } })],
  ['a restore on request', aJob({ restoreFrom: 'file:///savepoints/1', triggers: { restore: 1 } })],
  [
    'every upgrade option',
    aJob({
      upgrade: {
        mode: 'Stateless',
        deadline: '10m',
        fallback: false,
        maxCheckpointAge: '1h',
        restorePolicy: 'Ask',
        allowNonRestoredState: true,
      },
    }),
  ],
  ['every deletion option', aJob({ deletion: { mode: 'Cancel', storage: 'Delete', timeout: '1s' } })],
  [
    'resources and a pod template',
    aJob({
      jobManager: {
        resources: {
          requests: { cpu: '500m', memory: '512Mi' },
          limits: { cpu: 1, memory: '1Gi', 'nvidia.com/gpu': 0 },
        },
        podTemplate: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'main', env: [{ name: 'A', value: 'b' }] }] },
        },
      },
    }),
  ],
  [
    'requests equal to limits in other words',
    aJob({
      jobManager: { resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: 1, memory: '1Gi' } } },
    }),
  ],
  [
    'clean-up, time to live and history',
    aJob({
      cleanupPolicy: { afterJobFails: 'DeleteTaskManager' },
      ttlSecondsAfterFinished: 0,
      revisionHistoryLimit: 1,
    }),
  ],
  [
    'an ingress',
    aJob({ ingress: { template: '{{name}}.example.org', className: 'nginx', annotations: { 'a/b': 'c' } } }),
  ],
  ['an ingress at a path', aJob({ ingress: { template: '/{{namespace}}/{{name}}(/|$)(.*)' } })],
  ['an ingress at a host and a path', aJob({ ingress: { template: 'flink.example.org/{{name}}' } })],
  ['a JAR', aFlinkRuntimeJob()],
  ['SQL', aFlinkRuntimeJob({ jar: undefined, sql: 'SELECT 1;' })],
  [
    'Python',
    aFlinkRuntimeJob({ jar: undefined, python: { script: 'https://example.org/job.py', files: ['s3://b/x.zip'] } }),
  ],
  [
    'Flink options, flat and nested',
    aFlinkRuntimeJob({
      configuration: { 'taskmanager.numberOfTaskSlots': 2, state: { backend: { type: 'rocksdb' } } },
    }),
  ],
  ['logging', aFlinkRuntimeJob({ logConfiguration: { 'log4j-console.properties': 'rootLogger.level = INFO' } })],
  ['TaskManagers', aFlinkRuntimeJob({}, { taskManager: { replicas: 2, resources: { limits: { memory: '2Gi' } } } })],
];
