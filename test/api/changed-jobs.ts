/** Changes of a stored job, each with every message that must be given: what is allowed depends on what was there. */
import { aJob, type Manifest } from './manifest.ts';

export type ChangedJob = readonly [what: string, stored: Manifest, changed: Manifest, messages: readonly string[]];

/** A job with this spec, and a status if the operator has written one. */
function stored(spec: Manifest, status?: Manifest): Manifest {
  return { ...aJob(spec), ...(status ? { status: { observedGeneration: 1, ...status } } : {}) };
}

const FLINK = { typescript: undefined, flink: { version: '2.3', sql: 'SELECT 1' } };
const RUNNING = { jobId: 'a', maxParallelism: 128 };
const STATELESS = { upgrade: { mode: 'Stateless' } };

const FIXED =
  'must stay as it is while the job has state. Restore the old number (see status.maxParallelism), or write upgrade: { mode: Stateless } to drop the state.';
const ABOVE =
  'must be at most status.maxParallelism: the state of the job has only so many key groups. Lower parallelism, or write upgrade: { mode: Stateless } to drop the state.';
const RUNTIME =
  'spec: must keep the runtime it was created with. Delete the job and create it anew with the other one.';

export const CHANGED_JOBS: readonly ChangedJob[] = [
  ['rule 36: Flink instead of TypeScript', stored({}), stored(FLINK), [RUNTIME]],
  ['rule 36: TypeScript instead of Flink', stored(FLINK, RUNNING), stored({}, RUNNING), [RUNTIME]],
  [
    'rule 36: the runtime removed',
    stored({}, RUNNING),
    stored({ typescript: undefined }, RUNNING),
    [
      'spec: must have exactly one of typescript, flink. Write e.g. typescript: { module: dist/flight-delays.js }',
      RUNTIME,
    ],
  ],
  ['another module', stored({}, RUNNING), stored({ typescript: { module: 'b.js' } }, RUNNING), []],
  ['inline source instead of a module', stored({}, RUNNING), stored({ typescript: { inline: 'x' } }, RUNNING), []],
  ['maxParallelism before there is state', stored({ maxParallelism: 128 }), stored({ maxParallelism: 256 }), []],
  [
    'rule 56: maxParallelism with state',
    stored({ maxParallelism: 128 }, RUNNING),
    stored({ maxParallelism: 256 }, RUNNING),
    [`spec.maxParallelism: 256 is not allowed: ${FIXED}`],
  ],
  [
    'rule 56: maxParallelism removed with state',
    stored({ maxParallelism: 128 }, RUNNING),
    stored({}, RUNNING),
    [`spec.maxParallelism: is missing: ${FIXED}`],
  ],
  [
    'maxParallelism dropped together with the state',
    stored({ maxParallelism: 128 }, RUNNING),
    stored({ maxParallelism: 256, ...STATELESS }, RUNNING),
    [],
  ],
  ['the effective maxParallelism written down', stored({}, RUNNING), stored({ maxParallelism: 128 }, RUNNING), []],
  [
    'rule 56: another than the effective maxParallelism written down',
    stored({}, RUNNING),
    stored({ maxParallelism: 64 }, RUNNING),
    [`spec.maxParallelism: 64 is not allowed: ${FIXED}`],
  ],
  ['parallelism up to the key groups of the state', stored({}, RUNNING), stored({ parallelism: 128 }, RUNNING), []],
  [
    'rule 56: parallelism above the key groups of the state',
    stored({}, RUNNING),
    stored({ parallelism: 129 }, RUNNING),
    [`spec.parallelism: 129 is not allowed: ${ABOVE}`],
  ],
  [
    'parallelism above the key groups of a state that is dropped',
    stored({}, RUNNING),
    stored({ parallelism: 129, ...STATELESS }, RUNNING),
    [],
  ],
  [
    'another change of a job whose parallelism was above already',
    stored({ parallelism: 200 }, RUNNING),
    stored({ parallelism: 200, state: 'Suspended' }, RUNNING),
    [],
  ],
  [
    'a status that arrives after an edit',
    stored({ maxParallelism: 256 }, { jobId: 'a' }),
    stored({ maxParallelism: 256 }, RUNNING),
    [],
  ],
];
