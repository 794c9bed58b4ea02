/** What happens to state and pods when a job is upgraded, asked for something, ended or deleted. */
import * as z from 'zod';
import { duration, integer, oneOf } from './fields.ts';

/** `spec.upgrade`. */
export const upgradeSchema = z
  .strictObject({
    mode: oneOf(['LastState', 'Savepoint', 'Stateless'], {
      description:
        'What a changed spec goes on from: the newest checkpoint, a savepoint taken for it, or nothing. Stateless drops the state.',
      clusterOnly: true,
    }).default('LastState'),
    deadline: duration(
      { atLeast: '1s' },
      {
        description:
          'A revision that does not run well by then is rolled back; one that does has the time to prove itself. Absent: the longer of 10m and twice the checkpoint interval plus its timeout.',
        example: '10m',
        clusterOnly: true,
      },
    ).optional(),
    fallback: z
      .boolean()
      .meta({
        description:
          'Mode Savepoint on a job that is not running goes on from the newest checkpoint instead of waiting.',
        example: false,
        clusterOnly: true,
      })
      .default(true),
    maxCheckpointAge: duration(
      { atLeast: '1s' },
      {
        description: 'Mode LastState takes a savepoint when the newest checkpoint is older.',
        example: '10m',
        clusterOnly: true,
      },
    ).optional(),
    restorePolicy: oneOf(['Auto', 'Ask', 'Never'], {
      description:
        'When the pointers to the state are gone: Auto goes on from the newest checkpoint on record, Ask waits for `restoreFrom`, Never stops.',
      clusterOnly: true,
    }).default('Auto'),
    allowNonRestoredState: z
      .boolean()
      .meta({ description: 'Lets a job start although its state has parts that no operator takes up.', example: true })
      .default(false),
  })
  .meta({ description: 'How a changed spec takes effect.', example: { mode: 'Savepoint' } });

/** `spec.deletion`. */
export const deletionSchema = z
  .strictObject({
    mode: oneOf(['Savepoint', 'Cancel', 'Orphan'], {
      description:
        'Savepoint takes one first; Cancel just stops; Orphan stops and leaves the pointers, so that a new job of this name goes on.',
    }).default('Savepoint'),
    storage: oneOf(['Retain', 'Delete'], {
      description:
        'Delete removes what the job has stored once its pods are gone: checkpoints, and savepoints that it took by itself. Savepoints that were asked for stay, that of mode Savepoint too.',
      clusterOnly: true,
    }).default('Retain'),
    timeout: duration(
      { atLeast: '1s' },
      { description: 'After that the job is removed by force; an Event says what was skipped.', example: '2m' },
    ).default('2m'),
  })
  .meta({ description: 'What deleting the resource does.', example: { mode: 'Cancel' } });

const counter = (description: string) => integer(0, 2_147_483_647, { description, example: 1 }).default(0);

/** `spec.triggers`. */
export const triggersSchema = z
  .strictObject({
    savepoint: counter('Takes a savepoint.'),
    restart: counter('Restarts the job from its newest state; also takes a failed job up again.'),
    restore: counter('Restores the job from `restoreFrom`.'),
  })
  .meta({
    description:
      'Counters: a number greater than the one in `status.handledTriggers` asks once, a smaller one does nothing.',
    example: { savepoint: 1 },
    clusterOnly: true,
  });

const podsAfter = (fallback: 'KeepCluster' | 'DeleteCluster', description: string) =>
  oneOf(['KeepCluster', 'DeleteCluster', 'DeleteTaskManager'], { description }).default(fallback);

/** `spec.cleanupPolicy`. */
export const cleanupPolicySchema = z
  .strictObject({
    afterJobSucceeds: podsAfter('DeleteCluster', 'When the job has finished.'),
    afterJobFails: podsAfter('KeepCluster', 'When the job was given up.'),
    afterJobCancelled: podsAfter('DeleteCluster', 'When the job was cancelled.'),
  })
  .meta({
    description:
      'What happens to the pods of a job that has ended: KeepCluster keeps the last ones for their logs. Results stay in status either way.',
    example: { afterJobFails: 'DeleteCluster' },
    clusterOnly: true,
  });
