/**
 * FlinkJob v1alpha1: the schema that everything else is made from. TypeScript types, defaults, the messages of
 * `flinkjob validate`, the CustomResourceDefinition in `crds/` and the reference page all come from here.
 *
 *   apiVersion: flinkjob.dev/v1alpha1
 *   kind: FlinkJob
 *   metadata: { name: flight-delays }
 *   spec:
 *     typescript: { module: dist/flight-delays.js }
 *     storage: { uri: s3://bucket/jobs }
 */
import * as z from 'zod';
import { checkpointsSchema, savepointsSchema } from './checkpoints.ts';
import { integer, list, map, oneOf, pattern, storageUri, text } from './fields.ts';
import { flinkSchema } from './flink.ts';
import { highAvailabilitySchema } from './high-availability.ts';
import { cleanupPolicySchema, deletionSchema, triggersSchema, upgradeSchema } from './lifecycle.ts';
import { metadataSchema } from './metadata.ts';
import { API_VERSION, KIND } from './names.ts';
import { jobManagerSchema, taskManagerSchema } from './pod-parts.ts';
import { restartSchema } from './restart.ts';
import { withRules } from './rules.ts';
import { jobRules, specRules } from './spec-rules.ts';
import { statusSchema } from './status.ts';
import { storageSchema } from './storage.ts';
import { typescriptSchema } from './typescript.ts';

/** Of a job that sets none. */
export const DEFAULT_PARALLELISM = 1;
/** Flink's upper bound of parallelism and of maximum parallelism: the number of key groups fits 16 bits. */
export const MAX_PARALLELISM = 32_768;

const FILLED_IN = '[{][{]name(space)?[}][}]';
const HOST = `([-a-z0-9.]|${FILLED_IN})+`;
const PATH = `/([^\\s{}]|${FILLED_IN})*`;
const INGRESS_TEMPLATE = new RegExp(`^(${PATH}|${HOST}(${PATH})?)$`);

const ingress = z
  .strictObject({
    template: pattern(INGRESS_TEMPLATE, 1024, {
      must: 'must be a host, a path or both, with {{name}} and {{namespace}} as the only placeholders',
      description: 'Host and path; {{name}} and {{namespace}} are filled in.',
      example: '{{name}}.flink.example.org',
    }),
    className: text(253, { description: 'IngressClass.', example: 'nginx' }).optional(),
    annotations: map(z.string().max(4096).meta({ description: 'Value of one annotation.' }), 64, {
      description: 'Annotations of the Ingress.',
    }).optional(),
  })
  .meta({
    description: 'Makes an Ingress for the REST API of the job.',
    example: { template: '{{name}}.flink.example.org' },
    clusterOnly: true,
  });

/** `spec`. */
export const specSchema = withRules(
  z
    .strictObject({
      image: text(1024, {
        description: 'Container image of the job. Absent: the runtime image of the version of the operator.',
        example: 'example.org/flight-delays:1.4.2',
        clusterOnly: true,
      }).optional(),
      typescript: typescriptSchema.optional(),
      flink: flinkSchema.optional(),
      args: list(z.string().max(4096).meta({ description: 'One argument.' }), 256, {
        description: 'Arguments handed to the job.',
        example: ['--airport', 'SFO'],
      }).optional(),
      parallelism: integer(1, MAX_PARALLELISM, {
        description: 'Number of subtasks of each operator that does not set its own.',
        example: 2,
      }).default(DEFAULT_PARALLELISM),
      maxParallelism: integer(1, MAX_PARALLELISM, {
        description:
          'Number of key groups, and so the highest parallelism; fixed for the life of the state. Absent: the next power of two of 1.5 times parallelism, from 128 to 32768.',
        example: 128,
      }).optional(),
      state: oneOf(['Running', 'Suspended'], {
        description: 'Whether the job should run. A suspended job keeps its state.',
        clusterOnly: true,
      }).default('Running'),
      highAvailability: highAvailabilitySchema.prefault({}),
      storage: storageSchema,
      checkpoints: checkpointsSchema.prefault({}),
      savepoints: savepointsSchema.prefault({}),
      restart: restartSchema.optional(),
      upgrade: upgradeSchema.prefault({}),
      restoreFrom: storageUri({
        description:
          'Checkpoint or savepoint to start from: on the first start, and again when `triggers.restore` grows. Output since then can be repeated.',
        example: 's3://bucket/jobs/flight-delays/savepoint-1',
      }).optional(),
      deletion: deletionSchema.prefault({}),
      triggers: triggersSchema.prefault({}),
      cleanupPolicy: cleanupPolicySchema.prefault({}),
      ttlSecondsAfterFinished: integer(0, 2_147_483_647, {
        description:
          'The resource is deleted so many seconds after the job has finished, as `deletion` says. Absent: never. A job that failed stays: somebody has to look at it.',
        example: 86_400,
        clusterOnly: true,
      }).optional(),
      revisionHistoryLimit: integer(1, 100, {
        description: 'Revisions of the spec that are kept for rollback.',
        example: 10,
        clusterOnly: true,
      }).default(10),
      ingress: ingress.optional(),
      jobManager: jobManagerSchema.optional(),
      taskManager: taskManagerSchema.optional(),
    })
    .meta({
      description: 'What the job is and how it should run.',
      example: { typescript: { module: 'dist/flight-delays.js' }, storage: { uri: 's3://bucket/jobs' } },
    }),
  ...specRules,
);

/** The whole resource. */
export const flinkJobSchema = withRules(
  z
    .strictObject({
      apiVersion: z
        .literal(API_VERSION)
        .meta({ description: 'Group and version of the resource.', example: API_VERSION }),
      kind: z.literal(KIND).meta({ description: 'Kind of the resource.', example: KIND }),
      metadata: metadataSchema,
      spec: specSchema,
      status: statusSchema.optional(),
    })
    .meta({ description: 'A stateful stream job, run by the embedded TypeScript engine or by Apache Flink.' }),
  ...jobRules,
);

/** A FlinkJob with every default filled in. */
export type FlinkJob = z.output<typeof flinkJobSchema>;
/** A FlinkJob as people write it. */
export type FlinkJobManifest = z.input<typeof flinkJobSchema>;
/** `spec` with every default filled in. */
export type FlinkJobSpec = FlinkJob['spec'];
/** `status`. */
export type FlinkJobStatus = NonNullable<FlinkJob['status']>;
