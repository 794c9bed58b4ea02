/**
 * `metadata` as far as a FlinkJob restricts it. Kubernetes checks the rest; the machine-written fields are known here so
 * that a resource read from a cluster passes, and a misspelled one does not.
 */
import * as z from 'zod';
import { free, list, map, objectName, pattern, text } from './fields.ts';
import { type Rule, withRules } from './rules.ts';

/** Longest name of a FlinkJob: pods are called `<job>-<attempt>-<i>` and must fit 63 characters. */
export const MAX_NAME_LENGTH = 45;

const machineWritten = (description: string) => z.unknown().meta({ description });

const isNamed: Rule<{ name?: string; generateName?: string }> = {
  code: 'NAME_MISSING',
  must: 'must be set',
  remedy: 'Write e.g. name: flight-delays',
  reads: ['name', 'generateName'],
  blames: 'name',
  reason: 'FieldValueRequired',
  // No CEL: the API server itself asks for a name.
  holds: (self) => self.name !== undefined || self.generateName !== undefined,
};

/** `metadata` of a FlinkJob. */
export const metadataSchema = withRules(
  z
    .strictObject({
      name: pattern(/^[a-z]([-a-z0-9]{0,43}[a-z0-9])?$/, MAX_NAME_LENGTH, {
        must: 'must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-"',
        description: 'Name of the job. Its pods, Service, Lease and ConfigMaps are named after it.',
        example: 'flight-delays',
      }).optional(),
      generateName: text(40, {
        description: 'Beginning of a name that the API server completes; for jobs made by `kubectl create`.',
        example: 'flight-delays-',
      }).optional(),
      namespace: objectName({ description: 'Namespace of the job.', example: 'default' }).optional(),
      labels: map(z.string().max(63), 256, {
        description: 'Labels; never copied to the objects of the job.',
      }).optional(),
      annotations: map(z.string().max(262_144), 256, {
        description: 'Annotations. `flinkjob.dev/force-delete: "true"` makes deletion skip savepoint and cancel.',
      }).optional(),
      finalizers: list(z.string().max(317), 64, { description: 'Written by controllers.' }).optional(),
      ownerReferences: list(free(16, { description: 'One owner.' }), 64, {
        description: 'Written by controllers.',
      }).optional(),
      uid: text(64, { description: 'Written by the API server.' }).optional(),
      resourceVersion: text(64, { description: 'Written by the API server.' }).optional(),
      generation: z.int().min(0).meta({ description: 'Written by the API server.' }).optional(),
      creationTimestamp: machineWritten('Written by the API server.').optional(),
      deletionTimestamp: machineWritten('Written by the API server.').optional(),
      deletionGracePeriodSeconds: machineWritten('Written by the API server.').optional(),
      managedFields: machineWritten('Written by the API server.').optional(),
      selfLink: machineWritten('Written by old API servers.').optional(),
    })
    .meta({ description: 'Name, labels and annotations.', example: { name: 'flight-delays' } }),
  isNamed,
);
