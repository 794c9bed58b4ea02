/** `spec.storage`: where state lies. Kubernetes objects hold pointers only. */
import * as z from 'zod';
import { objectName, pattern, storageUri, text } from './fields.ts';
import { type Rule, withRules } from './rules.ts';

const s3NeedsS3Uri: Rule<{ uri: string; s3?: unknown }> = {
  code: 'S3_OPTIONS_WITHOUT_S3',
  must: 'must be absent unless storage.uri begins with s3://',
  remedy: 'Remove s3, or write uri: s3://bucket/jobs',
  reads: ['uri'],
  presenceOf: ['s3'],
  blames: 's3',
  reason: 'FieldValueForbidden',
  cel: "!has(self.s3) || self.uri.startsWith('s3://')",
  holds: (self) => self.s3 === undefined || self.uri.startsWith('s3://'),
};

const s3 = z
  .strictObject({
    endpoint: pattern(/^https?:\/\/[^\s?#]+$/, 1024, {
      must: 'must be an http:// or https:// URL without blanks, "?" and "#"',
      description: 'Address of an S3 server other than AWS.',
      example: 'https://minio.example.org:9000',
    }).optional(),
    region: text(64, { description: 'Region of the bucket.', example: 'eu-central-1' }).optional(),
    pathStyle: z
      .boolean()
      .meta({ description: 'Puts the bucket into the path instead of the host name.', example: true })
      .default(false),
  })
  .meta({ description: 'How an S3 server is reached.', example: { region: 'eu-central-1' }, clusterOnly: true });

/** `spec.storage`. */
export const storageSchema = withRules(
  z
    .strictObject({
      uri: storageUri({
        description:
          'Directory or bucket prefix below which this job keeps checkpoints and savepoints. Used from several nodes, file:/// needs a ReadWriteMany volume.',
        example: 's3://bucket/jobs',
      }),
      secretRef: z
        .strictObject({
          name: objectName({
            description: 'Name of the Secret, in the namespace of the job.',
            example: 's3-credentials',
          }),
        })
        .meta({
          description:
            'Secret whose entries the pods of the job get as environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.',
          example: { name: 's3-credentials' },
          clusterOnly: true,
        })
        .optional(),
      s3: s3.optional(),
    })
    .meta({ description: 'Where the state lies.', example: { uri: 's3://bucket/jobs' } }),
  s3NeedsS3Uri,
);
