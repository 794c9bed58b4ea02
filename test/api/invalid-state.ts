/** Mistakes in high availability, storage, checkpoints and restart strategies. */
import type { InvalidJob } from './invalid-jobs.ts';
import { aJob } from './manifest.ts';

export const INVALID_STATE: readonly InvalidJob[] = [
  [
    'too many standbys',
    aJob({ highAvailability: { standbys: 11 } }),
    ['spec.highAvailability.standbys: 11 is not allowed: must be an integer from 0 to 10. Write e.g. standbys: 1'],
  ],
  [
    'ZooKeeper without its servers',
    aJob({ highAvailability: { backend: 'ZooKeeper' } }),
    [
      'spec.highAvailability.zookeeper: is missing: must be set if, and only if, backend is ZooKeeper. Write e.g. zookeeper: { quorum: "zk-0:2181,zk-1:2181,zk-2:2181" } or change backend.',
    ],
  ],
  [
    'ZooKeeper servers for another backend',
    aJob({ highAvailability: { zookeeper: { quorum: 'zk:2181' } } }),
    [
      'spec.highAvailability.zookeeper: must be set if, and only if, backend is ZooKeeper. Write e.g. zookeeper: { quorum: "zk-0:2181,zk-1:2181,zk-2:2181" } or change backend.',
    ],
  ],
  [
    'ZooKeeper root without slash',
    aJob({ highAvailability: { backend: 'ZooKeeper', zookeeper: { quorum: 'zk:2181', root: 'x' } } }),
    [
      'spec.highAvailability.zookeeper.root: "x" is not allowed: must be a path that begins with "/" and does not end with one. Write e.g. /flinkjob',
    ],
  ],
  [
    'rule 13: no storage',
    aJob({ storage: undefined }),
    [
      'spec.storage: is missing: must be an object with the fields uri, secretRef, s3. Write e.g. storage: { uri: s3://bucket/jobs }',
    ],
  ],
  [
    'rule 13: storage without URI',
    aJob({ storage: {} }),
    [
      'spec.storage.uri: is missing: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. uri: s3://bucket/jobs',
    ],
  ],
  [
    'rule 55: storage of an unknown scheme',
    aJob({ storage: { uri: 'hdfs://x/y' } }),
    [
      'spec.storage.uri: "hdfs://x/y" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs',
    ],
  ],
  [
    'rule 55: storage as a path',
    aJob({ storage: { uri: '/tmp/x' } }),
    [
      'spec.storage.uri: "/tmp/x" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs',
    ],
  ],
  [
    'storage with a blank',
    aJob({ storage: { uri: 'file:///a b' } }),
    [
      'spec.storage.uri: "file:///a b" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs',
    ],
  ],
  [
    'storage that climbs',
    aJob({ storage: { uri: 's3://bucket/../other' } }),
    [
      'spec.storage.uri: "s3://bucket/../other" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs',
    ],
  ],
  [
    'storage in a bucket with a bad name',
    aJob({ storage: { uri: 's3://B/x' } }),
    [
      'spec.storage.uri: "s3://B/x" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs',
    ],
  ],
  [
    'S3 options for a directory',
    aJob({ storage: { uri: 'file:///x', s3: { region: 'eu' } } }),
    ['spec.storage.s3: must be absent unless storage.uri begins with s3://. Remove s3, or write uri: s3://bucket/jobs'],
  ],
  [
    'an S3 endpoint without scheme',
    aJob({ storage: { uri: 's3://bucket', s3: { endpoint: 'minio:9000' } } }),
    [
      'spec.storage.s3.endpoint: "minio:9000" is not allowed: must be an http:// or https:// URL without blanks, "?" and "#". Write e.g. https://minio.example.org:9000',
    ],
  ],
  [
    'a checkpoint interval below 10 ms',
    aJob({ checkpoints: { interval: '9ms' } }),
    [
      'spec.checkpoints.interval: "9ms" is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. 10s (units: h, m, s, ms)',
    ],
  ],
  [
    'a checkpoint interval without unit',
    aJob({ checkpoints: { interval: 10 } }),
    [
      'spec.checkpoints.interval: 10 is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. interval: 10s',
    ],
  ],
  [
    'a checkpoint interval in words',
    aJob({ checkpoints: { interval: '10 seconds' } }),
    [
      'spec.checkpoints.interval: "10 seconds" is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. 10s (units: h, m, s, ms)',
    ],
  ],
  [
    'an empty checkpoint interval',
    aJob({ checkpoints: { interval: '' } }),
    [
      'spec.checkpoints.interval: "" is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. 10s (units: h, m, s, ms)',
    ],
  ],
  [
    'a negative checkpoint interval',
    aJob({ checkpoints: { interval: '-1s' } }),
    [
      'spec.checkpoints.interval: "-1s" is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. 10s (units: h, m, s, ms)',
    ],
  ],
  [
    'a checkpoint timeout of 0',
    aJob({ checkpoints: { timeout: '0s' } }),
    [
      'spec.checkpoints.timeout: "0s" is not allowed: must be a duration of at least 10ms. Write e.g. 10m (units: h, m, s, ms)',
    ],
  ],
  [
    'a pause above one year',
    aJob({ checkpoints: { minPause: '8761h' } }),
    [
      'spec.checkpoints.minPause: "8761h" is not allowed: must be a duration of at most 8760h. Write e.g. 500ms (units: h, m, s, ms)',
    ],
  ],
  [
    'negative tolerable failures',
    aJob({ checkpoints: { tolerableFailures: -1 } }),
    [
      'spec.checkpoints.tolerableFailures: -1 is not allowed: must be an integer from 0 to 2147483647. Write e.g. tolerableFailures: 3',
    ],
  ],
  [
    'no retained checkpoint',
    aJob({ checkpoints: { retained: 0 } }),
    ['spec.checkpoints.retained: 0 is not allowed: must be an integer from 1 to 1000. Write e.g. retained: 3'],
  ],
  [
    'more checkpoints retained than a TypeScript job can point to',
    aJob({ checkpoints: { retained: 26 } }),
    [
      'spec.checkpoints.retained: 26 is not allowed: must be at most 25 for a TypeScript job: the pointers to its checkpoints share one small object. Keep fewer checkpoints, and take savepoints of what is to be kept for longer.',
    ],
  ],
  [
    'an unknown onCancel',
    aJob({ checkpoints: { onCancel: 'Keep' } }),
    ['spec.checkpoints.onCancel: "Keep" is not allowed: must be one of Retain, Delete. Write e.g. onCancel: Retain'],
  ],
  [
    'savepoints in days',
    aJob({ savepoints: { interval: '1d' } }),
    [
      'spec.savepoints.interval: "1d" is not allowed: must be a duration of at least 1s. Write e.g. 24h (units: h, m, s, ms)',
    ],
  ],
  [
    'savepoints too often',
    aJob({ savepoints: { interval: '500ms' } }),
    [
      'spec.savepoints.interval: "500ms" is not allowed: must be a duration of at least 1s. Write e.g. 24h (units: h, m, s, ms)',
    ],
  ],
  [
    'no restart strategy',
    aJob({ restart: {} }),
    [
      'spec.restart: must have exactly one of exponentialDelay, fixedDelay, failureRate, none. Write e.g. fixedDelay: { attempts: 3, delay: 10s }',
    ],
  ],
  [
    'two restart strategies',
    aJob({ restart: { none: {}, fixedDelay: {} } }),
    [
      'spec.restart: must have exactly one of exponentialDelay, fixedDelay, failureRate, none. Write e.g. fixedDelay: { attempts: 3, delay: 10s }',
    ],
  ],
  [
    'an unknown restart strategy',
    aJob({ restart: { fixeddelay: { attempts: 1 } } }),
    ['spec.restart.fixeddelay: is not a field of spec.restart. Did you mean fixedDelay?'],
  ],
  [
    'a strategy with the option of another',
    aJob({ restart: { fixedDelay: { interval: '1s' } } }),
    [
      'spec.restart.fixedDelay.interval: is not a field of spec.restart.fixedDelay. Did you mean spec.checkpoints.interval or spec.savepoints.interval or spec.restart.failureRate.interval?',
    ],
  ],
  [
    'none with an option',
    aJob({ restart: { none: { attempts: 1 } } }),
    [
      'spec.restart.none.attempts: is not a field of spec.restart.none. Did you mean spec.restart.exponentialDelay.attempts or spec.restart.fixedDelay.attempts?',
    ],
  ],
  [
    'initial above max',
    aJob({ restart: { exponentialDelay: { initial: '2m', max: '1m' } } }),
    [
      'spec.restart.exponentialDelay.initial: "2m" is not allowed: must be at most max: the initial backoff cannot be higher than the maximum backoff. Write e.g. initial: 1s and max: 1m',
    ],
  ],
  [
    'initial above the default of max',
    aJob({ restart: { exponentialDelay: { initial: '61s' } } }),
    [
      'spec.restart.exponentialDelay.initial: "61s" is not allowed: must be at most max: the initial backoff cannot be higher than the maximum backoff. Write e.g. initial: 1s and max: 1m',
    ],
  ],
  [
    'initial of 0',
    aJob({ restart: { exponentialDelay: { initial: '0s' } } }),
    [
      'spec.restart.exponentialDelay.initial: "0s" is not allowed: must be a duration of at least 1ms. Write e.g. 1s (units: h, m, s, ms)',
    ],
  ],
  [
    'multiplier 1',
    aJob({ restart: { exponentialDelay: { multiplier: 1 } } }),
    [
      'spec.restart.exponentialDelay.multiplier: 1 is not allowed: must be a number above 1 and up to 1000. Write e.g. multiplier: 1.5',
    ],
  ],
  [
    'jitter above 1',
    aJob({ restart: { exponentialDelay: { jitter: 1.1 } } }),
    ['spec.restart.exponentialDelay.jitter: 1.1 is not allowed: must be a number from 0 to 1. Write e.g. jitter: 0.1'],
  ],
  [
    'no attempt',
    aJob({ restart: { exponentialDelay: { attempts: 0 } } }),
    [
      'spec.restart.exponentialDelay.attempts: 0 is not allowed: must be an integer from 1 to 2147483647, or Infinite. Write e.g. Infinite',
    ],
  ],
  [
    'attempts in another word',
    aJob({ restart: { fixedDelay: { attempts: 'infinite' } } }),
    [
      'spec.restart.fixedDelay.attempts: "infinite" is not allowed: must be an integer from 0 to 2147483647, or Infinite. Write e.g. 3',
    ],
  ],
  [
    'attempts with a fraction',
    aJob({ restart: { fixedDelay: { attempts: 1.5 } } }),
    [
      'spec.restart.fixedDelay.attempts: 1.5 is not allowed: must be an integer from 0 to 2147483647, or Infinite. Write e.g. 3',
    ],
  ],
  [
    'no failure tolerated',
    aJob({ restart: { failureRate: { maxFailures: 0 } } }),
    [
      'spec.restart.failureRate.maxFailures: 0 is not allowed: must be an integer from 1 to 2147483647. Write e.g. maxFailures: 3',
    ],
  ],
  [
    'failures over no time',
    aJob({ restart: { failureRate: { interval: '0s' } } }),
    [
      'spec.restart.failureRate.interval: "0s" is not allowed: must be a duration of at least 1ms. Write e.g. 5m (units: h, m, s, ms)',
    ],
  ],
];
