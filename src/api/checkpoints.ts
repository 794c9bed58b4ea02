/** `spec.checkpoints` and `spec.savepoints`, named and bounded as Flink's `execution.checkpointing.*` options. */
import * as z from 'zod';
import { duration, integer, oneOf } from './fields.ts';

/** Flink's way to say "any number". */
export const UNLIMITED = 2_147_483_647;

/** `spec.checkpoints`. */
export const checkpointsSchema = z
  .strictObject({
    interval: duration(
      { atLeast: '10ms', orZero: true },
      {
        description:
          'Time between the starts of two checkpoints; 0s turns periodic checkpoints off. Absent: what the code of the job asks for, else 10s.',
        example: '10s',
      },
    ).optional(),
    timeout: duration(
      { atLeast: '10ms' },
      { description: 'A checkpoint that takes longer is given up and counts as failed.', example: '10m' },
    ).default('10m'),
    minPause: duration(
      { atLeast: '0s', atMost: '8760h' },
      {
        description: 'Least time between the end of a completed checkpoint and the start of the next.',
        example: '500ms',
      },
    ).default('0s'),
    tolerableFailures: integer(0, UNLIMITED, {
      description: 'Failed checkpoints in a row that the job survives; one more fails the attempt.',
      example: 3,
    }).default(0),
    retained: integer(1, 1000, { description: 'Completed checkpoints that are kept.', example: 3 }).default(1),
    onCancel: oneOf(['Retain', 'Delete'], {
      description: 'What happens to the checkpoints of a cancelled job. Suspend and upgrade are never a cancel.',
    }).default('Retain'),
  })
  .meta({
    description: 'Periodic checkpoints: consistent copies of the state that a restarted job goes on from.',
    example: { interval: '10s' },
  });

/** `spec.savepoints`. */
export const savepointsSchema = z
  .strictObject({
    interval: duration(
      { atLeast: '1s' },
      { description: 'Time between two automatic savepoints. Absent: none are taken.', example: '24h' },
    ).optional(),
    retained: integer(1, 1000, {
      description: 'Automatic savepoints that are kept. Those asked for by hand are never removed.',
      example: 5,
    }).default(5),
    timeout: duration(
      { atLeast: '1s' },
      { description: 'A savepoint that takes longer is given up.', example: '10m' },
    ).default('10m'),
    format: oneOf(['Canonical', 'Native'], {
      description: 'Format of savepoints of the Flink runtime; the TypeScript runtime has one format.',
      clusterOnly: true,
    }).default('Canonical'),
  })
  .meta({
    description: 'Savepoints: copies of the state that belong to you and outlive the job.',
    example: { interval: '24h', retained: 5 },
  });
