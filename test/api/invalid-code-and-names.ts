/** Mistakes in names, code, arguments and parallelism. */
import type { InvalidJob } from './invalid-jobs.ts';
import { aJob, type Manifest } from './manifest.ts';

export const INVALID_CODE_AND_NAMES: readonly InvalidJob[] = [
  [
    'no metadata',
    { ...aJob(), metadata: undefined } as Manifest,
    ['metadata: is missing: must be an object. Write e.g. metadata: { name: flight-delays }'],
  ],
  [
    'no name',
    aJob({}, { name: undefined }),
    ['metadata.name: is missing: must be set. Write e.g. name: flight-delays'],
  ],
  [
    'rule 1: a name in upper case',
    aJob({}, { name: 'Flights' }),
    [
      'metadata.name: "Flights" is not allowed: must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-". Write e.g. name: flight-delays',
    ],
  ],
  [
    'rule 1: a name that begins with a digit',
    aJob({}, { name: '1st' }),
    [
      'metadata.name: "1st" is not allowed: must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-". Write e.g. name: flight-delays',
    ],
  ],
  [
    'rule 1: a name of 46 characters',
    aJob({}, { name: 'a'.repeat(46) }),
    [
      'metadata.name: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not allowed: must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-". Shorten it.',
    ],
  ],
  [
    'a misspelled metadata field',
    aJob({}, { lables: {} }),
    ['metadata.lables: is not a field of metadata. Did you mean labels?'],
  ],
  [
    'a label that is a number',
    aJob({}, { labels: { a: 1 } }),
    ['metadata.labels.a: 1 is not allowed: must be a string of at most 63 characters. Write a: "1"'],
  ],
  [
    'another version',
    { ...aJob(), apiVersion: 'flinkjob.dev/v1' },
    [
      'apiVersion: "flinkjob.dev/v1" is not allowed: must be flinkjob.dev/v1alpha1. Write apiVersion: flinkjob.dev/v1alpha1',
    ],
  ],
  [
    'another kind',
    { ...aJob(), kind: 'FlinkJobs' },
    ['kind: "FlinkJobs" is not allowed: must be FlinkJob. Write kind: FlinkJob'],
  ],
  [
    'no spec',
    { ...aJob(), spec: undefined } as Manifest,
    [
      'spec: is missing: must be an object. Write e.g. spec: { typescript: { module: dist/flight-delays.js }, storage: { uri: s3://bucket/jobs } }',
    ],
  ],
  [
    'a spec that is a list',
    { ...aJob(), spec: [] },
    [
      'spec: a list is not allowed: must be an object. Write e.g. spec: { typescript: { module: dist/flight-delays.js }, storage: { uri: s3://bucket/jobs } }',
    ],
  ],
  [
    'rule 42: no runtime',
    aJob({ typescript: undefined }),
    ['spec: must have exactly one of typescript, flink. Write e.g. typescript: { module: dist/flight-delays.js }'],
  ],
  [
    'rule 35: both runtimes',
    aJob({ flink: { version: '2.3', sql: 'SELECT 1' } }),
    ['spec: must have exactly one of typescript, flink. Write e.g. typescript: { module: dist/flight-delays.js }'],
  ],
  [
    'rule 42: a misspelled runtime',
    aJob({ typescript: undefined, typscript: { module: 'x' } }),
    ['spec.typscript: is not a field of spec. Did you mean typescript?'],
  ],
  [
    'a runtime without value',
    aJob({ typescript: null }),
    [
      'spec.typescript: null is not allowed: must be an object with the fields module, inline, configMap. Write e.g. typescript: { module: dist/flight-delays.js }',
    ],
  ],
  [
    'rule 53: no source',
    aJob({ typescript: {} }),
    ['spec.typescript: must have exactly one of module, inline, configMap. Write e.g. module: dist/flight-delays.js'],
  ],
  [
    'rule 53: two sources',
    aJob({ typescript: { module: 'a.js', inline: 'x' } }),
    ['spec.typescript: must have exactly one of module, inline, configMap. Write e.g. module: dist/flight-delays.js'],
  ],
  [
    'rule 53: an empty module',
    aJob({ typescript: { module: '' } }),
    [
      'spec.typescript.module: "" is not allowed: must be a string of 1 to 1024 characters. Write e.g. module: dist/flight-delays.js',
    ],
  ],
  [
    'inline source above 64 KiB',
    aJob({ typescript: { inline: 'x'.repeat(65_537) } }),
    [
      'spec.typescript.inline: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" is not allowed: must be TypeScript source of 1 to 65536 bytes. Put the source into a file of the image and write module: dist/job.js, or into a ConfigMap and write configMap.',
    ],
  ],
  [
    'inline source above 64 KiB by its bytes only',
    aJob({ typescript: { inline: 'é'.repeat(40_000) } }),
    [
      'spec.typescript.inline: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééé…" is not allowed: must be TypeScript source of 1 to 65536 bytes. Put the source into a file of the image and write module: dist/job.js, or into a ConfigMap and write configMap.',
    ],
  ],
  [
    'a ConfigMap without key',
    aJob({ typescript: { configMap: { name: 'x' } } }),
    [
      'spec.typescript.configMap.key: is missing: must be a key of a ConfigMap: letters, digits, "-", "_" and ".". Write e.g. key: job.ts',
    ],
  ],
  [
    'a ConfigMap key with a blank',
    aJob({ typescript: { configMap: { name: 'x', key: 'a b' } } }),
    [
      'spec.typescript.configMap.key: "a b" is not allowed: must be a key of a ConfigMap: letters, digits, "-", "_" and ".". Write e.g. job.ts',
    ],
  ],
  [
    'rule 52: an image that is a number',
    aJob({ image: 5 }),
    [
      'spec.image: 5 is not allowed: must be a string of 1 to 1024 characters. Write e.g. image: example.org/flight-delays:1.4.2',
    ],
  ],
  [
    'an argument that is a number',
    aJob({ args: ['a', 1] }),
    ['spec.args[1]: 1 is not allowed: must be a string of at most 4096 characters. Write - "1"'],
  ],
  [
    'arguments as one string',
    aJob({ args: '--airport SFO' }),
    [
      'spec.args: "--airport SFO" is not allowed: must be a list of at most 256 items. Write e.g. args: [ --airport, SFO ]',
    ],
  ],
  [
    'rule 60: too many arguments',
    aJob({ args: new Array(257).fill('x') }),
    ['spec.args: must be a list of at most 256 items. Leave some out.'],
  ],
  [
    'rule 19: parallelism 0',
    aJob({ parallelism: 0 }),
    ['spec.parallelism: 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2'],
  ],
  [
    'parallelism above the highest',
    aJob({ parallelism: 32_769 }),
    ['spec.parallelism: 32769 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2'],
  ],
  [
    'parallelism with a fraction',
    aJob({ parallelism: 1.5 }),
    ['spec.parallelism: 1.5 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2'],
  ],
  [
    'parallelism as text',
    aJob({ parallelism: '2' }),
    ['spec.parallelism: "2" is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2'],
  ],
  [
    'rule 56: maxParallelism below parallelism',
    aJob({ parallelism: 8, maxParallelism: 4 }),
    [
      'spec.maxParallelism: 4 is not allowed: must be at least parallelism. Raise maxParallelism, lower parallelism, or leave maxParallelism out.',
    ],
  ],
  [
    'maxParallelism above the highest',
    aJob({ maxParallelism: 40_000 }),
    ['spec.maxParallelism: 40000 is not allowed: must be an integer from 1 to 32768. Write e.g. maxParallelism: 128'],
  ],
  [
    'a state in lower case',
    aJob({ state: 'suspended' }),
    ['spec.state: "suspended" is not allowed: must be one of Running, Suspended. Write state: Suspended'],
  ],
  [
    'an unknown state',
    aJob({ state: 'Paused' }),
    ['spec.state: "Paused" is not allowed: must be one of Running, Suspended. Write e.g. state: Running'],
  ],
  ['an unknown field', aJob({ paralelism: 2 }), ['spec.paralelism: is not a field of spec. Did you mean parallelism?']],
  [
    'a field at the wrong place',
    aJob({ interval: '10s' }),
    [
      'spec.interval: is not a field of spec. Did you mean spec.checkpoints.interval or spec.savepoints.interval or spec.restart.failureRate.interval?',
    ],
  ],
  [
    'an unknown field that resembles nothing',
    aJob({ zzz: 1 }),
    [
      'spec.zzz: is not a field of spec. The fields here are image, typescript, flink, args, parallelism, maxParallelism, state, highAvailability, storage, checkpoints, savepoints, restart, upgrade, restoreFrom, deletion, triggers, cleanupPolicy, ttlSecondsAfterFinished, revisionHistoryLimit, ingress, jobManager, taskManager.',
    ],
  ],
];
