/** `status`: what the operator reports. Only the operator writes it; `flinkjob validate` leaves it alone. */
import * as z from 'zod';
import { list, oneOf, text } from './fields.ts';
import { PHASES } from './names.ts';

const count = (description: string) => z.int().min(0).meta({ description });
const time = (description: string) => z.iso.datetime().max(64).meta({ description });
/** A place in storage, whose own URI may have 1,024. */
const uri = (description: string) => text(2048, { description });
const words = (max: number, description: string) => z.string().max(max).meta({ description });

const condition = z
  .strictObject({
    type: text(316, { description: 'Name of the condition.' }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    reason: words(1024, 'One word for machines.'),
    message: words(32_768, 'A sentence for people.'),
    lastTransitionTime: time('When `status` changed last.'),
    observedGeneration: count('Generation the condition was computed from.').optional(),
  })
  .meta({ description: 'One condition.' });

/** As Apache Flink's REST API spells them; the TypeScript runtime answers the same. */
const JOB_STATES = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'RESTARTING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'SUSPENDED',
  'RECONCILING',
] as const;

const tasks = z
  .strictObject({
    running: count('Tasks that run.'),
    total: count('Tasks the job has.'),
  })
  .meta({ description: 'Tasks of the job, as last seen.' });

const attempt = z
  .strictObject({
    number: count('Number of the attempt.'),
    started: time('When it was opened.').optional(),
    leader: words(253, 'Pod that leads.').optional(),
    epoch: count('Epoch of the leader.').optional(),
    restoredFrom: uri('The checkpoint or savepoint that it began from.').optional(),
    restoredAt: time('When that was restored.').optional(),
  })
  .meta({ description: 'The current attempt: one execution between two restarts.' });

const restarts = z
  .strictObject({
    count: count('Restarts so far.'),
    lastCause: words(2048, 'Why the last attempt failed.').optional(),
    nextAt: time('When the next attempt is opened.').optional(),
  })
  .meta({ description: 'Restarts of the job.' });

const checkpoint = z
  .strictObject({
    latest: z
      .strictObject({
        id: count('Number of the checkpoint.'),
        uri: uri('Where it lies.'),
        bytes: count('Its size.').optional(),
        tookMs: count('Milliseconds it took.').optional(),
        completed: time('When it was completed.').optional(),
      })
      .meta({ description: 'The newest completed checkpoint; written at most every 10 minutes.' })
      .optional(),
    failed: count('Checkpoints that failed.').optional(),
  })
  .meta({ description: 'Checkpoints of the job.' });

const savepoint = z
  .strictObject({
    trigger: count('Value of the trigger that asked for it.').optional(),
    requested: time('When it was asked for.').optional(),
    uri: uri('Where it lies.').optional(),
    completed: time('When it was completed.').optional(),
    state: oneOf(['Requested', 'Triggered', 'Completed', 'Failed', 'Expired'], {
      description: 'How far it is.',
    }).optional(),
    cause: words(2048, 'Why it failed.').optional(),
  })
  .meta({ description: 'One savepoint.' });

const handledTriggers = z
  .strictObject({
    savepoint: count('Of `triggers.savepoint`.').optional(),
    restart: count('Of `triggers.restart`.').optional(),
    restore: count('Of `triggers.restore`.').optional(),
  })
  .meta({ description: 'The trigger values that were acted on.' });

const upgrade = z
  .strictObject({
    step: oneOf(['Prewarm', 'SavingState', 'Stopping', 'Starting', 'Stabilizing', 'Rescaling', 'RollingBack'], {
      description: 'How far it is.',
    }),
    started: time('When it began.').optional(),
    deadline: time('When it is rolled back, unless it runs well by then.').optional(),
  })
  .meta({ description: 'The upgrade in progress.' });

const lastError = z
  .strictObject({
    code: words(128, 'Code of the error, as in docs/errors.md.'),
    message: words(2048, 'What failed, and what to do next.'),
    retryable: z.boolean().meta({ description: 'Whether the operator tries again by itself.' }).optional(),
    at: time('When it happened.').optional(),
  })
  .meta({ description: 'The last error of the operator with this job.' });

/** `status`. */
export const statusSchema = z
  .strictObject({
    observedGeneration: z
      .int()
      .meta({ description: 'Generation of the spec that this status describes; -1: none yet.' }),
    phase: oneOf(PHASES, { description: 'Where the job is in its life.' }).optional(),
    conditions: list(condition, 16, { description: 'Conditions, as `kubectl wait` reads them.' })
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .optional(),
    runtime: oneOf(['typescript', 'flink'], { description: 'What runs the job.' }).optional(),
    jobId: words(64, 'Id of the job, stable for the life of its state.').optional(),
    parallelism: count('Parallelism of the revision that runs, or ran last.').optional(),
    maxParallelism: count('Maximum parallelism in effect, fixed for the life of the state.').optional(),
    jobState: oneOf(JOB_STATES, { description: 'State of the job as the runtime last reported it.' }).optional(),
    startTime: time('When the job started for the first time.').optional(),
    tasks: tasks.optional(),
    taskManagers: count('TaskManagers seen; Flink runtime only.').optional(),
    slots: count('Task slots seen; Flink runtime only.').optional(),
    selector: words(1024, 'Label selector of the pods, for the scale subresource.').optional(),
    attempt: attempt.optional(),
    restarts: restarts.optional(),
    checkpoint: checkpoint.optional(),
    savepoints: list(savepoint, 32, { description: 'Savepoints on record, newest first.' }).optional(),
    restoredFrom: uri('What the state of this job id began from: `spec.restoreFrom`, as it was then.').optional(),
    handledTriggers: handledTriggers.optional(),
    upgrade: upgrade.optional(),
    revision: words(253, 'ControllerRevision of the spec that runs.').optional(),
    desiredRevision: words(253, 'ControllerRevision of the spec as it is written.').optional(),
    pendingChange: oneOf(['Hot', 'Rescale', 'Restart'], {
      description: 'What a change not yet in effect will do.',
    }).optional(),
    configHash: words(64, 'Hash of what of the spec the job runs with; the same for equal specs.').optional(),
    lastHandledReconcileAt: words(128, 'Echo of the annotation `reconcile.fluxcd.io/requestedAt`.').optional(),
    lastError: lastError.optional(),
    rootException: words(
      2048,
      'What failed the job last: the root exception, or the last lines of its log.',
    ).optional(),
  })
  .meta({ description: 'What the operator observes.' })
  .default({ observedGeneration: -1 });
