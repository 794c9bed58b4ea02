/** Mistakes in metadata, in quantities, and beyond the bounds of texts, lists and maps. */
import type { InvalidJob } from './invalid-jobs.ts';
import { aFlinkRuntimeJob, aJob, type Manifest } from './manifest.ts';

const NAME =
  'must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-". Write e.g. name: flight-delays';
const QUANTITY = 'must be a Kubernetes quantity that is not negative. Write e.g. cpu: 500m or memory: 512Mi';
const ARTIFACT =
  'must be a URI local:///path (in the image), https://host/path or s3://bucket/path, without blanks, "?" and "#". Write e.g. local:///opt/flink/usrlib/job.jar';

const limits = (values: Manifest): Manifest => ({ resources: { limits: values } });
const jarAt = (uri: string) => aFlinkRuntimeJob({ jar: { uri, entryClass: 'Job' } });
const entries = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

const METADATA: readonly InvalidJob[] = [
  [
    'rule 1: a name that ends with a dash',
    aJob({}, { name: 'flights-' }),
    [`metadata.name: "flights-" is not allowed: ${NAME}`],
  ],
  [
    'rule 1: a name with a dot',
    aJob({}, { name: 'flights.v2' }),
    [`metadata.name: "flights.v2" is not allowed: ${NAME}`],
  ],
  [
    'rule 1: the beginning of a name in upper case',
    aJob({}, { name: undefined, generateName: 'Flights-' }),
    [
      'metadata.generateName: "Flights-" is not allowed: must be 1 to 40 lower case letters, digits and "-", beginning with a letter. Write e.g. flight-delays-',
    ],
  ],
  [
    'rule 1: a beginning of a name that is too long',
    aJob({}, { name: undefined, generateName: 'a'.repeat(41) }),
    [
      'metadata.generateName: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not allowed: must be 1 to 40 lower case letters, digits and "-", beginning with a letter. Write e.g. flight-delays-',
    ],
  ],
  [
    'a label with a blank',
    aJob({}, { labels: { team: 'flight data' } }),
    [
      'metadata.labels.team: "flight data" is not allowed: must be up to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit. Change the value, or use an annotation.',
    ],
  ],
  [
    'a label whose key has a blank',
    aJob({}, { labels: { 'the team': 'a' } }),
    [
      'metadata.labels["the team"]: "a" is not allowed: must have keys such as app or example.org/app: up to 63 letters, digits, "-", "_" and ".", after an optional DNS name and "/". Rename the key.',
    ],
  ],
  [
    'an annotation with two slashes',
    aJob({}, { annotations: { 'a/b/c': 'd' } }),
    [
      'metadata.annotations["a/b/c"]: "d" is not allowed: must have keys such as app or example.org/app: up to 63 letters, digits, "-", "_" and ".", after an optional DNS name and "/". Rename the key.',
    ],
  ],
];

const PODS: readonly InvalidJob[] = [
  [
    'rule 22: ephemeral storage of the JobManager that is no quantity',
    aJob({ jobManager: limits({ 'ephemeral-storage': '10 Gi' }) }),
    [`spec.jobManager.resources.limits.ephemeral-storage: "10 Gi" is not allowed: ${QUANTITY}`],
  ],
  [
    'rule 23: a negative number of another resource',
    aJob({ jobManager: limits({ 'nvidia.com/gpu': -1 }) }),
    [`spec.jobManager.resources.limits["nvidia.com/gpu"]: -1 is not allowed: ${QUANTITY}`],
  ],
  [
    'rule 25: a negative number of standbys',
    aJob({ highAvailability: { standbys: -1 } }),
    ['spec.highAvailability.standbys: -1 is not allowed: must be an integer from 0 to 10. Write e.g. standbys: 1'],
  ],
  [
    'rule 28: memory of the TaskManagers that is no quantity',
    aFlinkRuntimeJob({}, { taskManager: limits({ memory: '2g' }) }),
    [`spec.taskManager.resources.limits.memory: "2g" is not allowed: ${QUANTITY}`],
  ],
  [
    'rule 29: ephemeral storage of the TaskManagers that is no quantity',
    aFlinkRuntimeJob({}, { taskManager: limits({ 'ephemeral-storage': 'much' }) }),
    [`spec.taskManager.resources.limits.ephemeral-storage: "much" is not allowed: ${QUANTITY}`],
  ],
  [
    'rule 30: no cpu for the TaskManagers',
    aFlinkRuntimeJob({}, { taskManager: limits({ cpu: 0, memory: '1Gi' }) }),
    [
      'spec.taskManager.resources.limits.cpu: 0 is not allowed: must have cpu and memory above zero. Write e.g. { cpu: 500m, memory: 512Mi }',
    ],
  ],
  [
    'rule 30: negative cpu of the TaskManagers',
    aFlinkRuntimeJob({}, { taskManager: { resources: { requests: { cpu: '-500m' } } } }),
    [`spec.taskManager.resources.requests.cpu: "-500m" is not allowed: ${QUANTITY}`],
  ],
  [
    'rule 31: requests of the TaskManagers above limits',
    aFlinkRuntimeJob({}, { taskManager: { resources: { requests: { memory: '2Gi' }, limits: { memory: '2G' } } } }),
    [
      'spec.taskManager.resources.requests.memory: "2Gi" is not allowed: must not be above limits. Lower requests or raise limits.',
    ],
  ],
  [
    'rule 32: a negative number of TaskManagers',
    aFlinkRuntimeJob({}, { taskManager: { replicas: -2 } }),
    ['spec.taskManager.replicas: -2 is not allowed: must be an integer from 1 to 10000. Write e.g. replicas: 2'],
  ],
  [
    'rule 44: a JAR at a path',
    jarAt('/opt/job.jar'),
    [`spec.flink.jar.uri: "/opt/job.jar" is not allowed: ${ARTIFACT}`],
  ],
  [
    'rule 44: a JAR on the node',
    jarAt('file:///job.jar'),
    [`spec.flink.jar.uri: "file:///job.jar" is not allowed: ${ARTIFACT}`],
  ],
  [
    'rule 44: a Python script without a scheme',
    aFlinkRuntimeJob({ jar: undefined, python: { script: 'job.py' } }),
    [
      'spec.flink.python.script: "job.py" is not allowed: must be a URI local:///path (in the image), https://host/path or s3://bucket/path, without blanks, "?" and "#". Write e.g. local:///opt/flink/usrlib/job.py',
    ],
  ],
];

/** One mistake hides no other, and makes up none. */
const TOGETHER: readonly InvalidJob[] = [
  [
    'TaskManagers of a TypeScript job, and none of them',
    aJob({ taskManager: { replicas: 0 } }),
    [
      'spec.taskManager.replicas: 0 is not allowed: must be an integer from 1 to 10000. Write e.g. replicas: 2',
      'spec.taskManager: must be absent from a TypeScript job: its one process runs all subtasks. Remove taskManager, and give the pods their resources in jobManager.',
    ],
  ],
  [
    'a longest delay that is no duration',
    aJob({ restart: { exponentialDelay: { max: 'long' } } }),
    [
      'spec.restart.exponentialDelay.max: "long" is not allowed: must be a duration of at least 1ms. Write e.g. 1m (units: h, m, s, ms)',
    ],
  ],
];

const BOUNDS: readonly InvalidJob[] = [
  [
    'rule 52: an empty image',
    aJob({ image: '' }),
    [
      'spec.image: "" is not allowed: must be a string of 1 to 1024 characters. Write e.g. image: example.org/flight-delays:1.4.2',
    ],
  ],
  [
    'rule 53: a Python module that is a path',
    aFlinkRuntimeJob({ jar: undefined, python: { module: 'jobs/flights.py' } }),
    [
      'spec.flink.python.module: "jobs/flights.py" is not allowed: must be the name of a Python module. Write e.g. flights.job',
    ],
  ],
  [
    'rule 60: an argument that is too long',
    aJob({ args: ['x'.repeat(4097)] }),
    [
      'spec.args[0]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" is not allowed: must be a string of at most 4096 characters. Shorten it.',
    ],
  ],
  [
    'rule 60: too many annotations of an ingress',
    aJob({ ingress: { template: 'x', annotations: entries(65, 'v') } }),
    ['spec.ingress.annotations: must be a map of at most 64 entries. Leave some out.'],
  ],
  [
    'rule 60: too many resources',
    aJob({ jobManager: limits(entries(17, 1)) }),
    ['spec.jobManager.resources.limits: must be a map of at most 16 entries. Leave some out.'],
  ],
  [
    'rule 60: too many options',
    aFlinkRuntimeJob({ configuration: entries(1001, 1) }),
    ['spec.flink.configuration: must be a map of at most 1000 entries. Leave some out.'],
  ],
  [
    'rule 60: too many files',
    aFlinkRuntimeJob({
      jar: undefined,
      python: { module: 'job', files: new Array(65).fill('s3://bucket/x.zip') },
    }),
    ['spec.flink.python.files: must be a list of at most 64 items. Leave some out.'],
  ],
  [
    'rule 61: a misspelled field deep below',
    aJob({ checkpoints: { intervall: '10s' } }),
    ['spec.checkpoints.intervall: is not a field of spec.checkpoints. Did you mean interval?'],
  ],
  [
    'rule 61: a field of a later version',
    aJob({ upgrade: { strategy: 'BlueGreen' } }),
    [
      'spec.upgrade.strategy: is not a field of spec.upgrade. The fields here are mode, deadline, fallback, maxCheckpointAge, restorePolicy, allowNonRestoredState.',
    ],
  ],
];

export const INVALID_METADATA_AND_BOUNDS: readonly InvalidJob[] = [...METADATA, ...PODS, ...BOUNDS, ...TOGETHER];
