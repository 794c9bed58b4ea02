/** `spec.flink`: a job run by Apache Flink in application mode. */
import * as z from 'zod';
import { artifactUri, free, list, map, oneOf, pattern, text } from './fields.ts';
import { exactlyOneOf, type Rule, withRules } from './rules.ts';

/** Lines of Apache Flink that jobs can ask for. */
export const FLINK_VERSIONS = ['1.18', '1.19', '1.20', '2.0', '2.1', '2.2', '2.3'] as const;

/** Options that other fields of the resource decide, and those fields. A key ending in "." stands for all below it. */
const TAKEN_OPTIONS: ReadonlyArray<readonly [option: string, field: string]> = [
  ['kubernetes.namespace', 'metadata.namespace'],
  ['kubernetes.cluster-id', 'metadata.name'],
  ['high-availability.cluster-id', 'metadata.name'],
  ['high-availability', 'spec.highAvailability.backend'],
  ['high-availability.type', 'spec.highAvailability.backend'],
  ['high-availability.zookeeper.quorum', 'spec.highAvailability.zookeeper.quorum'],
  ['high-availability.zookeeper.path.root', 'spec.highAvailability.zookeeper.root'],
  ['high-availability.storageDir', 'spec.storage.uri'],
  ['parallelism.default', 'spec.parallelism'],
  ['pipeline.max-parallelism', 'spec.maxParallelism'],
  ['pipeline.name', 'metadata.name'],
  ['state.checkpoint-storage', 'spec.storage.uri'],
  ['execution.checkpointing.storage', 'spec.storage.uri'],
  ['state.checkpoints.dir', 'spec.storage.uri'],
  ['state.savepoints.dir', 'spec.storage.uri'],
  ['execution.checkpointing.dir', 'spec.storage.uri'],
  ['execution.checkpointing.savepoint-dir', 'spec.storage.uri'],
  ['execution.checkpointing.interval', 'spec.checkpoints.interval'],
  ['execution.checkpointing.timeout', 'spec.checkpoints.timeout'],
  ['execution.checkpointing.min-pause', 'spec.checkpoints.minPause'],
  ['execution.checkpointing.tolerable-failed-checkpoints', 'spec.checkpoints.tolerableFailures'],
  ['execution.checkpointing.num-retained', 'spec.checkpoints.retained'],
  ['state.checkpoints.num-retained', 'spec.checkpoints.retained'],
  ['execution.checkpointing.externalized-checkpoint-retention', 'spec.checkpoints.onCancel'],
  ['execution.state-recovery.path', 'spec.restoreFrom'],
  ['execution.savepoint.path', 'spec.restoreFrom'],
  ['execution.state-recovery.ignore-unclaimed-state', 'spec.upgrade.allowNonRestoredState'],
  ['execution.savepoint.ignore-unclaimed-state', 'spec.upgrade.allowNonRestoredState'],
  ['restart-strategy', 'spec.restart'],
  ['restart-strategy.', 'spec.restart'],
];

const noTakenOptions: Rule<{ configuration?: Record<string, unknown> }> = {
  code: 'FLINK_OPTION_TAKEN',
  must: 'must not be set here: another field of the resource decides it',
  remedy: 'Use that field.',
  reads: ['configuration'],
  blames: 'configuration',
  holds: (self) => takenOptions(self.configuration).length === 0,
  offenders: (self) => takenOptions(self.configuration).map((path) => ['configuration', ...path]),
  advice: ([, ...path]) => `Use ${fieldFor(path)}.`,
};

function takenOptions(configuration: Record<string, unknown> = {}): (readonly string[])[] {
  return leaves(configuration).filter((path) => fieldFor(path) !== undefined);
}

function fieldFor(path: readonly string[]): string | undefined {
  const option = path.join('.');
  return TAKEN_OPTIONS.find(([taken]) => option === taken || (taken.endsWith('.') && option.startsWith(taken)))?.[1];
}

/** Paths of all values, whether keys are written flat (`a.b: 1`) or nested (`a: { b: 1 }`). */
function leaves(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

const LOG_FILES = ['log4j-console.properties', 'logback-console.xml'];

const knownLogFiles: Rule<Record<string, string>> = {
  code: 'LOG_FILE',
  must: `must have no other keys than ${LOG_FILES.join(' and ')}`,
  remedy: 'Rename or remove the other keys.',
  reads: [],
  cel: `self.all(k, k in [${LOG_FILES.map((name) => `'${name}'`).join(', ')}])`,
  holds: (self) => Object.keys(self).every((name) => LOG_FILES.includes(name)),
  offenders: (self) =>
    Object.keys(self)
      .filter((name) => !LOG_FILES.includes(name))
      .map((name) => [name]),
};

const jar = z
  .strictObject({
    uri: artifactUri({ description: 'Where the JAR lies.', example: 'local:///opt/flink/usrlib/job.jar' }),
    entryClass: pattern(/^[A-Za-z_$][\w$]*([.][A-Za-z_$][\w$]*)*$/, 512, {
      must: 'must be the full name of a Java class',
      description: 'Class whose main method builds the job.',
      example: 'org.example.Job',
    }),
  })
  .meta({
    description: 'A job in a JAR.',
    example: { uri: 'local:///opt/flink/usrlib/job.jar', entryClass: 'org.example.Job' },
  });

const python = withRules(
  z
    .strictObject({
      script: artifactUri({ description: 'Script to run.', example: 'local:///opt/flink/usrlib/job.py' }).optional(),
      module: pattern(/^[A-Za-z_]\w*([.][A-Za-z_]\w*)*$/, 512, {
        must: 'must be the name of a Python module',
        description: 'Module to run.',
        example: 'flights.job',
      }).optional(),
      files: list(
        artifactUri({ description: 'One file or archive.', example: 'local:///opt/flink/usrlib/lib.zip' }),
        64,
        {
          description: 'Further files for the Python path.',
          example: ['local:///opt/flink/usrlib/lib.zip'],
        },
      ).optional(),
    })
    .meta({
      description: 'A PyFlink job. Exactly one of `script` and `module`.',
      example: { script: 'local:///opt/flink/usrlib/job.py' },
    }),
  exactlyOneOf('ONE_PYTHON_ENTRY', ['script', 'module'], 'Write e.g. script: local:///opt/flink/usrlib/job.py'),
);

/** `spec.flink`. */
export const flinkSchema = withRules(
  z
    .strictObject({
      version: oneOf(FLINK_VERSIONS, { description: 'Line of Apache Flink, in quotes.', example: '2.3' }),
      jar: jar.optional(),
      sql: text(65_536, {
        description: 'SQL statements separated by ";".',
        example: 'INSERT INTO delays SELECT origin, avg(delay) FROM flights GROUP BY origin;',
      }).optional(),
      python: python.optional(),
      configuration: free(1000, {
        description:
          'Options of Apache Flink, flat or nested. Options that a field of this resource decides are refused.',
        example: { 'taskmanager.memory.process.size': '2g' },
      }).optional(),
      logConfiguration: withRules(
        map(z.string().max(65_536).meta({ description: 'Content of one file.' }), 2, {
          description: `Logging configuration: ${LOG_FILES.join(' or ')}, each with its content.`,
        }),
        knownLogFiles,
      ).optional(),
    })
    .meta({
      description: 'A job run by Apache Flink in application mode. Exactly one of `jar`, `sql`, `python`.',
      example: { version: '2.3', jar: { uri: 'local:///opt/flink/usrlib/job.jar', entryClass: 'org.example.Job' } },
    }),
  exactlyOneOf(
    'ONE_FLINK_PROGRAM',
    ['jar', 'sql', 'python'],
    'Write e.g. jar: { uri: "local:///opt/flink/usrlib/job.jar", entryClass: org.example.Job }',
  ),
  noTakenOptions,
);
