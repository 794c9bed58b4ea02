/** Mistakes in upgrade, deletion, triggers, pods and the Flink runtime. */
import type { InvalidJob } from './invalid-jobs.ts';
import { aFlinkRuntimeJob, aJob } from './manifest.ts';

export const INVALID_LIFE_AND_PODS: readonly InvalidJob[] = [
  [
    'an upgrade mode of another operator',
    aJob({ upgrade: { mode: 'last-state' } }),
    [
      'spec.upgrade.mode: "last-state" is not allowed: must be one of LastState, Savepoint, Stateless. Write mode: LastState',
    ],
  ],
  [
    'a deadline of 0',
    aJob({ upgrade: { deadline: '0s' } }),
    [
      'spec.upgrade.deadline: "0s" is not allowed: must be a duration of at least 1s. Write e.g. 10m (units: h, m, s, ms)',
    ],
  ],
  [
    'a flag as text',
    aJob({ upgrade: { fallback: 'yes' } }),
    ['spec.upgrade.fallback: "yes" is not allowed: must be true or false. Write e.g. fallback: false'],
  ],
  [
    'rule 55: restoreFrom of an unknown scheme',
    aJob({ restoreFrom: 'savepoint-1' }),
    [
      'spec.restoreFrom: "savepoint-1" is not allowed: must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps. Write e.g. s3://bucket/jobs/flight-delays/savepoint-1',
    ],
  ],
  [
    'an orphan whose bytes are removed',
    aJob({ deletion: { mode: 'Orphan', storage: 'Delete' } }),
    [
      'spec.deletion.storage: "Delete" is not allowed: must be Retain when deletion.mode is Orphan: a job of the same name goes on from these bytes. Leave deletion.storage out to keep them, or write mode: Cancel to remove them.',
    ],
  ],
  [
    'rule 37: a restore without restoreFrom',
    aJob({ triggers: { restore: 1 } }),
    [
      'spec.restoreFrom: is missing: must be set when triggers.restore is above 0. Write e.g. restoreFrom: s3://bucket/jobs/flight-delays/savepoint-1',
    ],
  ],
  [
    'a negative trigger',
    aJob({ triggers: { savepoint: -1 } }),
    ['spec.triggers.savepoint: -1 is not allowed: must be an integer from 0 to 2147483647. Write e.g. savepoint: 1'],
  ],
  [
    'a trigger beyond 32 bits',
    aJob({ triggers: { restart: 3_000_000_000 } }),
    [
      'spec.triggers.restart: 3000000000 is not allowed: must be an integer from 0 to 2147483647. Write e.g. restart: 1',
    ],
  ],
  [
    'an unknown deletion mode',
    aJob({ deletion: { mode: 'Delete' } }),
    [
      'spec.deletion.mode: "Delete" is not allowed: must be one of Savepoint, Cancel, Orphan. Write e.g. mode: Savepoint',
    ],
  ],
  [
    'an unknown clean-up',
    aJob({ cleanupPolicy: { afterJobFails: 'Keep' } }),
    [
      'spec.cleanupPolicy.afterJobFails: "Keep" is not allowed: must be one of KeepCluster, DeleteCluster, DeleteTaskManager. Write e.g. afterJobFails: KeepCluster',
    ],
  ],
  [
    'a negative time to live',
    aJob({ ttlSecondsAfterFinished: -1 }),
    [
      'spec.ttlSecondsAfterFinished: -1 is not allowed: must be an integer from 0 to 2147483647. Write e.g. ttlSecondsAfterFinished: 86400',
    ],
  ],
  [
    'no revision kept',
    aJob({ revisionHistoryLimit: 0 }),
    [
      'spec.revisionHistoryLimit: 0 is not allowed: must be an integer from 1 to 100. Write e.g. revisionHistoryLimit: 10',
    ],
  ],
  [
    'rule 10: an ingress without template',
    aJob({ ingress: {} }),
    [
      'spec.ingress.template: is missing: must be a host, a path or both, with {{name}} and {{namespace}} as the only placeholders. Write e.g. template: "{{name}}.flink.example.org"',
    ],
  ],
  [
    'rule 11: an ingress template with another placeholder',
    aJob({ ingress: { template: '{{job}}.example.org' } }),
    [
      'spec.ingress.template: "{{job}}.example.org" is not allowed: must be a host, a path or both, with {{name}} and {{namespace}} as the only placeholders. Write e.g. {{name}}.flink.example.org',
    ],
  ],
  [
    'rule 11: an ingress template that is a URL',
    aJob({ ingress: { template: 'https://example.org/{{name}}' } }),
    [
      'spec.ingress.template: "https://example.org/{{name}}" is not allowed: must be a host, a path or both, with {{name}} and {{namespace}} as the only placeholders. Write e.g. {{name}}.flink.example.org',
    ],
  ],
  [
    'rule 21: a quantity of an unknown unit',
    aJob({ jobManager: { resources: { limits: { memory: '1GB' } } } }),
    [
      'spec.jobManager.resources.limits.memory: "1GB" is not allowed: must be a Kubernetes quantity that is not negative. Write e.g. cpu: 500m or memory: 512Mi',
    ],
  ],
  [
    'rule 23: a negative quantity',
    aJob({ jobManager: { resources: { limits: { cpu: -1 } } } }),
    [
      'spec.jobManager.resources.limits.cpu: -1 is not allowed: must be a Kubernetes quantity that is not negative. Write e.g. cpu: 500m or memory: 512Mi',
    ],
  ],
  [
    'rule 23: no memory',
    aJob({ jobManager: { resources: { limits: { memory: '0' } } } }),
    [
      'spec.jobManager.resources.limits.memory: "0" is not allowed: must have cpu and memory above zero. Write e.g. { cpu: 500m, memory: 512Mi }',
    ],
  ],
  [
    'rule 24: requests above limits',
    aJob({
      jobManager: { resources: { requests: { cpu: 2, memory: '2Gi' }, limits: { cpu: '1500m', memory: '1Gi' } } },
    }),
    [
      'spec.jobManager.resources.requests.cpu: 2 is not allowed: must not be above limits. Lower requests or raise limits.',
      'spec.jobManager.resources.requests.memory: "2Gi" is not allowed: must not be above limits. Lower requests or raise limits.',
    ],
  ],
  [
    'containers beside the pod spec',
    aJob({ jobManager: { podTemplate: { containers: [] } } }),
    [
      'spec.jobManager.podTemplate.containers: is not a field of spec.jobManager.podTemplate. The fields here are metadata, spec.',
    ],
  ],
  [
    'TaskManagers of a TypeScript job',
    aJob({ taskManager: { replicas: 1 } }),
    [
      'spec.taskManager: must be absent from a TypeScript job: its one process runs all subtasks. Remove taskManager, and give the pods their resources in jobManager.',
    ],
  ],
  [
    'rule 18: no TaskManager',
    aFlinkRuntimeJob({}, { taskManager: { replicas: 0 } }),
    ['spec.taskManager.replicas: 0 is not allowed: must be an integer from 1 to 10000. Write e.g. replicas: 2'],
  ],
  [
    'rule 2: no Flink version',
    aFlinkRuntimeJob({ version: undefined }),
    ['spec.flink.version: is missing: must be one of 1.18, 1.19, 1.20, 2.0, 2.1, 2.2, 2.3. Write e.g. version: "2.3"'],
  ],
  [
    'rule 3: a Flink version as a number',
    aFlinkRuntimeJob({ version: 2.3 }),
    [
      'spec.flink.version: 2.3 is not allowed: must be one of 1.18, 1.19, 1.20, 2.0, 2.1, 2.2, 2.3. Write version: "2.3"',
    ],
  ],
  [
    'rule 3: a Flink version that is not supported',
    aFlinkRuntimeJob({ version: '1.10' }),
    [
      'spec.flink.version: "1.10" is not allowed: must be one of 1.18, 1.19, 1.20, 2.0, 2.1, 2.2, 2.3. Write version: "1.18"',
    ],
  ],
  [
    'rule 53: no Flink program',
    aFlinkRuntimeJob({ jar: undefined }),
    [
      'spec.flink: must have exactly one of jar, sql, python. Write e.g. jar: { uri: "local:///opt/flink/usrlib/job.jar", entryClass: org.example.Job }',
    ],
  ],
  [
    'rule 53: two Flink programs',
    aFlinkRuntimeJob({ sql: 'SELECT 1' }),
    [
      'spec.flink: must have exactly one of jar, sql, python. Write e.g. jar: { uri: "local:///opt/flink/usrlib/job.jar", entryClass: org.example.Job }',
    ],
  ],
  [
    'rule 53: a JAR without entry class',
    aFlinkRuntimeJob({ jar: { uri: 'local:///job.jar' } }),
    [
      'spec.flink.jar.entryClass: is missing: must be the full name of a Java class. Write e.g. entryClass: org.example.Job',
    ],
  ],
  [
    'rule 44: a JAR over http',
    aFlinkRuntimeJob({ jar: { uri: 'http://example.org/job.jar', entryClass: 'Job' } }),
    [
      'spec.flink.jar.uri: "http://example.org/job.jar" is not allowed: must be a URI local:///path (in the image), https://host/path or s3://bucket/path, without blanks, "?" and "#". Write e.g. local:///opt/flink/usrlib/job.jar',
    ],
  ],
  [
    'an entry class with a blank',
    aFlinkRuntimeJob({ jar: { uri: 'local:///job.jar', entryClass: 'my job' } }),
    [
      'spec.flink.jar.entryClass: "my job" is not allowed: must be the full name of a Java class. Write e.g. org.example.Job',
    ],
  ],
  [
    'rule 53: Python without entry',
    aFlinkRuntimeJob({ jar: undefined, python: {} }),
    ['spec.flink.python: must have exactly one of script, module. Write e.g. script: local:///opt/flink/usrlib/job.py'],
  ],
  [
    'rule 5: Flink options that other fields decide',
    aFlinkRuntimeJob({ configuration: { 'kubernetes.namespace': 'x', 'restart-strategy': { type: 'none' } } }),
    [
      'spec.flink.configuration["kubernetes.namespace"]: "x" is not allowed: must not be set here: another field of the resource decides it. Use metadata.namespace.',
      'spec.flink.configuration.restart-strategy.type: "none" is not allowed: must not be set here: another field of the resource decides it. Use spec.restart.',
    ],
  ],
  [
    'rule 6: the name of the cluster, nested',
    aFlinkRuntimeJob({ configuration: { kubernetes: { 'cluster-id': 'x' } } }),
    [
      'spec.flink.configuration.kubernetes.cluster-id: "x" is not allowed: must not be set here: another field of the resource decides it. Use metadata.name.',
    ],
  ],
  [
    'rule 7: the name under which high availability keeps its data',
    aFlinkRuntimeJob({ configuration: { 'high-availability.cluster-id': 'x' } }),
    [
      'spec.flink.configuration["high-availability.cluster-id"]: "x" is not allowed: must not be set here: another field of the resource decides it. Use metadata.name.',
    ],
  ],
  [
    'Flink options that would start from another state, or leave another behind',
    aFlinkRuntimeJob({
      configuration: {
        'execution.state-recovery.path': 's3://bucket/savepoint-1',
        execution: { checkpointing: { 'externalized-checkpoint-retention': 'DELETE_ON_CANCELLATION' } },
      },
    }),
    [
      'spec.flink.configuration["execution.state-recovery.path"]: "s3://bucket/savepoint-1" is not allowed: must not be set here: another field of the resource decides it. Use spec.restoreFrom.',
      'spec.flink.configuration.execution.checkpointing.externalized-checkpoint-retention: "DELETE_ON_CANCELLATION" is not allowed: must not be set here: another field of the resource decides it. Use spec.checkpoints.onCancel.',
    ],
  ],
  [
    'rule 12: an unknown log file',
    aFlinkRuntimeJob({ logConfiguration: { 'log4j.properties': 'x' } }),
    [
      'spec.flink.logConfiguration["log4j.properties"]: "x" is not allowed: must have no other keys than log4j-console.properties and logback-console.xml. Rename or remove the other keys.',
    ],
  ],
  [
    'several things at once',
    aJob({
      parallelism: 0,
      state: 'run',
      checkpoints: { interval: '1', retained: 'x' },
      restart: { fixedDelay: { delay: 'soon' } },
    }),
    [
      'spec.parallelism: 0 is not allowed: must be an integer from 1 to 32768. Write e.g. parallelism: 2',
      'spec.state: "run" is not allowed: must be one of Running, Suspended. Write e.g. state: Running',
      'spec.checkpoints.retained: "x" is not allowed: must be an integer from 1 to 1000. Write e.g. retained: 3',
      'spec.checkpoints.interval: "1" is not allowed: must be a duration of at least 10ms, or 0s. Write e.g. 10s (units: h, m, s, ms)',
      'spec.restart.fixedDelay.delay: "soon" is not allowed: must be a duration. Write e.g. 10s (units: h, m, s, ms)',
    ],
  ],
];
