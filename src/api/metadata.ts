/**
 * `metadata` as far as a FlinkJob restricts it. Kubernetes checks the rest; the machine-written fields are known here so
 * that a resource read from a cluster passes, and a misspelled one does not.
 */
import * as z from 'zod';
import { free, list, map, pattern, text } from './fields.ts';
import { celMatches, type Rule, withRules } from './rules.ts';

/** Longest name of a FlinkJob: pods are called `<job>-<attempt>-<i>` and must fit 63 characters. */
export const MAX_NAME_LENGTH = 45;

const NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const NAME_MUST = 'must be 1 to 45 lower case letters, digits and "-", beginning with a letter and not ending with "-"';

/** A rule of the whole resource: of `metadata`, a definition may restrict little, and says nothing about why. */
export const validName: Rule<{ metadata: { name?: string } }> = {
  code: 'NAME',
  must: NAME_MUST,
  remedy: 'Write e.g. name: flight-delays',
  reads: ['metadata.name'],
  blames: 'metadata.name',
  onlyOnCreate: true,
  cel: `!has(self.metadata.name) || ${celMatches('self.metadata.name', NAME.source)}`,
  holds: ({ metadata: { name } }) => name === undefined || NAME.test(name),
};

const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const KEY =
  /^(?=.{1,317}$)([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

type Entries = Readonly<Record<string, string>>;

/** Rules without CEL: the API server checks the metadata of every resource by itself. */
const validKeys: Rule<Entries> = {
  code: 'METADATA_KEY',
  must: 'must have keys such as app or example.org/app: up to 63 letters, digits, "-", "_" and ".", after an optional DNS name and "/"',
  remedy: 'Rename the key.',
  reads: [],
  holds: (self) => badKeys(self).length === 0,
  offenders: (self) => badKeys(self).map((key) => [key]),
};

const validLabels: Rule<Entries> = {
  code: 'LABEL_VALUE',
  must: 'must be up to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit',
  remedy: 'Change the value, or use an annotation.',
  reads: [],
  holds: (self) => badLabels(self).length === 0,
  offenders: (self) => badLabels(self).map((key) => [key]),
};

function badKeys(entries: Entries): string[] {
  return Object.keys(entries).filter((key) => !KEY.test(key));
}

function badLabels(entries: Entries): string[] {
  return Object.entries(entries)
    .filter(([, value]) => !LABEL_VALUE.test(value))
    .map(([key]) => key);
}

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
      name: z
        .string()
        .max(MAX_NAME_LENGTH)
        .meta({
          must: NAME_MUST,
          description: 'Name of the job. Its pods, Service, Lease and ConfigMaps are named after it.',
          example: 'flight-delays',
        })
        .optional(),
      // The API server adds five characters and then looks at the name only.
      generateName: pattern(/^[a-z][-a-z0-9]*$/, MAX_NAME_LENGTH - 5, {
        must: 'must be 1 to 40 lower case letters, digits and "-", beginning with a letter',
        description: 'Beginning of a name that the API server completes; for jobs made by `kubectl create`.',
        example: 'flight-delays-',
      }).optional(),
      namespace: pattern(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 63, {
        must: 'must be the name of a namespace: 1 to 63 lower case letters, digits and "-"',
        description: 'Namespace of the job.',
        example: 'default',
      }).optional(),
      labels: withRules(
        map(z.string().max(63), 256, { description: 'Labels; never copied to the objects of the job.' }),
        validKeys,
        validLabels,
      ).optional(),
      annotations: withRules(
        map(z.string().max(262_144), 256, {
          description: 'Annotations. `flinkjob.dev/force-delete: "true"` makes deletion skip savepoint and cancel.',
        }),
        validKeys,
      ).optional(),
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
