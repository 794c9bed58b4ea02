/** `spec.typescript`: where the code of a TypeScript job comes from. */
import * as z from 'zod';
import { objectName, pattern, text } from './fields.ts';
import { exactlyOneOf, withRules } from './rules.ts';

/** Most bytes of `spec.typescript.inline`: it travels in the resource and in one ConfigMap. */
export const MAX_INLINE_BYTES = 65_536;

const inline = withRules(
  text(MAX_INLINE_BYTES, {
    description:
      'TypeScript source of the job, at most 64 KiB. Types are stripped, not checked; enums and parameter properties cannot be stripped.',
    example: "import { StreamExecutionEnvironment } from 'flinkjob';",
  }),
  {
    code: 'INLINE_SIZE',
    must: 'must be TypeScript source of 1 to 65536 bytes',
    remedy:
      'Put the source into a file of the image and write module: dist/job.js, or into a ConfigMap and write configMap.',
    reads: [],
    cel: `bytes(self).size() <= ${MAX_INLINE_BYTES}`,
    holds: (self) => Buffer.byteLength(self as string) <= MAX_INLINE_BYTES,
  },
);

const configMap = z
  .strictObject({
    name: objectName({ description: 'Name of the ConfigMap, in the namespace of the job.', example: 'flight-delays' }),
    key: pattern(/^[-._a-zA-Z0-9]+$/, 253, {
      must: 'must be a key of a ConfigMap: letters, digits, "-", "_" and "."',
      description: 'Key whose value is the source.',
      example: 'job.ts',
    }),
  })
  .meta({
    description: 'Source kept in a ConfigMap, with the same limits as `inline`.',
    example: { name: 'flight-delays', key: 'job.ts' },
  });

/** `spec.typescript`: a job written in TypeScript, run by the embedded stream engine as one process. */
export const typescriptSchema = withRules(
  z
    .strictObject({
      module: text(1024, {
        description:
          'Module that exports the job: a path in the image, or, for `flinkjob run`, relative to the file of this resource.',
        example: 'dist/flight-delays.js',
      }).optional(),
      inline: inline.optional(),
      configMap: configMap.optional(),
    })
    .meta({
      description:
        'A job written in TypeScript, run by the embedded engine. Exactly one of `module`, `inline`, `configMap`.',
      example: { module: 'dist/flight-delays.js' },
    }),
  exactlyOneOf('ONE_TYPESCRIPT_SOURCE', ['module', 'inline', 'configMap'], 'Write e.g. module: dist/flight-delays.js'),
);
