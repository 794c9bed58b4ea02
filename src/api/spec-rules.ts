/** Rules that span fields of `spec`, or compare a job with what is stored. */
import { validName } from './metadata.ts';
import { exactlyOneOf, type Rule } from './rules.ts';

interface Spec {
  readonly typescript?: unknown;
  readonly flink?: unknown;
  readonly parallelism: number;
  readonly maxParallelism?: number;
  readonly restoreFrom?: string;
  readonly triggers: { readonly restore: number };
  readonly checkpoints: { readonly interval?: string; readonly retained: number };
  readonly upgrade: { readonly mode: string };
  readonly deletion: { readonly mode: string; readonly storage: string };
  readonly taskManager?: unknown;
}

interface Job {
  readonly spec: Pick<Spec, 'parallelism' | 'maxParallelism' | 'upgrade'>;
  readonly status?: { readonly jobId?: string; readonly maxParallelism?: number };
}

const oneEngine: Rule = exactlyOneOf(
  'ONE_RUNTIME',
  ['typescript', 'flink'],
  'Write e.g. typescript: { module: dist/flight-delays.js }',
);

const sameEngine: Rule<Spec> = {
  code: 'RUNTIME_FIXED',
  must: 'must keep the runtime it was created with',
  remedy: 'Delete the job and create it anew with the other one.',
  reads: [],
  presenceOf: ['typescript', 'flink'],
  reason: 'FieldValueForbidden',
  transition: true,
  cel: 'has(self.typescript) == has(oldSelf.typescript)',
  holds: (self, old) => (self.typescript === undefined) === (old.typescript === undefined),
};

const maxParallelismCoversParallelism: Rule<Spec> = {
  code: 'MAX_BELOW_PARALLELISM',
  must: 'must be at least parallelism',
  remedy: 'Raise maxParallelism, lower parallelism, or leave maxParallelism out.',
  reads: ['parallelism', 'maxParallelism'],
  blames: 'maxParallelism',
  cel: '!has(self.maxParallelism) || self.maxParallelism >= self.parallelism',
  holds: (self) => self.maxParallelism === undefined || self.maxParallelism >= self.parallelism,
};

const restoreNeedsOrigin: Rule<Spec> = {
  code: 'RESTORE_WITHOUT_ORIGIN',
  must: 'must be set when triggers.restore is above 0',
  remedy: 'Write e.g. restoreFrom: s3://bucket/jobs/flight-delays/savepoint-1',
  reads: ['triggers.restore'],
  presenceOf: ['restoreFrom'],
  blames: 'restoreFrom',
  reason: 'FieldValueRequired',
  cel: 'self.triggers.restore == 0 || has(self.restoreFrom)',
  holds: (self) => self.triggers.restore === 0 || self.restoreFrom !== undefined,
};

const taskManagersNeedFlink: Rule<Spec> = {
  code: 'TASK_MANAGER_WITHOUT_FLINK',
  must: 'must be absent from a TypeScript job: its one process runs all subtasks',
  remedy: 'Remove taskManager, and give the pods their resources in jobManager.',
  reads: [],
  presenceOf: ['flink', 'taskManager'],
  blames: 'taskManager',
  reason: 'FieldValueForbidden',
  cel: '!has(self.taskManager) || has(self.flink)',
  holds: (self) => self.taskManager === undefined || self.flink !== undefined,
};

/** The pointers of a TypeScript job lie in one object of 16 KiB, beside its ledger; Flink keeps up to a megabyte of them. */
const MOST_RETAINED = 25;

const pointersFitTheirObject: Rule<Spec> = {
  code: 'TOO_MANY_RETAINED',
  must: `must be at most ${MOST_RETAINED} for a TypeScript job: the pointers to its checkpoints share one small object`,
  remedy: 'Keep fewer checkpoints, and take savepoints of what is to be kept for longer.',
  reads: ['checkpoints.retained'],
  presenceOf: ['typescript'],
  blames: 'checkpoints.retained',
  cel: `!has(self.typescript) || self.checkpoints.retained <= ${MOST_RETAINED}`,
  holds: (self) => self.typescript === undefined || self.checkpoints.retained <= MOST_RETAINED,
};

const orphansKeepTheirBytes: Rule<Spec> = {
  code: 'ORPHAN_WITHOUT_BYTES',
  must: 'must be Retain when deletion.mode is Orphan: a job of the same name goes on from these bytes',
  remedy: 'Leave deletion.storage out to keep them, or write mode: Cancel to remove them.',
  reads: ['deletion.mode', 'deletion.storage'],
  blames: 'deletion.storage',
  cel: "self.deletion.mode != 'Orphan' || self.deletion.storage != 'Delete'",
  holds: ({ deletion }) => deletion.mode !== 'Orphan' || deletion.storage !== 'Delete',
};

const maxParallelismFixed: Rule<Job> = {
  code: 'MAX_PARALLELISM_FIXED',
  must: 'must stay as it is while the job has state',
  remedy:
    'Restore the old number (see status.maxParallelism), or write upgrade: { mode: Stateless } to drop the state.',
  reads: ['spec.maxParallelism', 'spec.upgrade.mode'],
  blames: 'spec.maxParallelism',
  reason: 'FieldValueForbidden',
  transition: true,
  cel: [
    '!has(oldSelf.status)',
    '!has(oldSelf.status.jobId)',
    "self.spec.upgrade.mode == 'Stateless'",
    '(!has(self.spec.maxParallelism) && !has(oldSelf.spec.maxParallelism))',
    '(has(self.spec.maxParallelism) && has(oldSelf.spec.maxParallelism) && self.spec.maxParallelism == oldSelf.spec.maxParallelism)',
    '(has(self.spec.maxParallelism) && !has(oldSelf.spec.maxParallelism) && has(oldSelf.status.maxParallelism) && self.spec.maxParallelism == oldSelf.status.maxParallelism)',
  ].join(' || '),
  holds(self, old) {
    if (old.status?.jobId === undefined || self.spec.upgrade.mode === 'Stateless') return true;
    if (self.spec.maxParallelism === old.spec.maxParallelism) return true;
    // Writing down the number that is in effect changes nothing.
    return old.spec.maxParallelism === undefined && self.spec.maxParallelism === old.status.maxParallelism;
  },
};

const parallelismFitsState: Rule<Job> = {
  code: 'PARALLELISM_ABOVE_STATE',
  must: 'must be at most status.maxParallelism: the state of the job has only so many key groups',
  remedy: 'Lower parallelism, or write upgrade: { mode: Stateless } to drop the state.',
  reads: ['spec.parallelism', 'spec.upgrade.mode'],
  blames: 'spec.parallelism',
  reason: 'FieldValueForbidden',
  transition: true,
  // A number that was there before is let through: else a job that has it could not be changed, nor deleted.
  cel: [
    'self.spec.parallelism == oldSelf.spec.parallelism',
    '!has(oldSelf.status)',
    '!has(oldSelf.status.jobId)',
    '!has(oldSelf.status.maxParallelism)',
    "self.spec.upgrade.mode == 'Stateless'",
    'self.spec.parallelism <= oldSelf.status.maxParallelism',
  ].join(' || '),
  holds(self, { spec, status }) {
    if (self.spec.parallelism === spec.parallelism || self.spec.upgrade.mode === 'Stateless') return true;
    if (status?.jobId === undefined || status.maxParallelism === undefined) return true;
    return self.spec.parallelism <= status.maxParallelism;
  },
};

/** Rules of `spec`, in the order in which they are reported. */
export const specRules: readonly Rule[] = [
  oneEngine,
  sameEngine,
  maxParallelismCoversParallelism,
  restoreNeedsOrigin,
  taskManagersNeedFlink,
  pointersFitTheirObject,
  orphansKeepTheirBytes,
];

/** Rules of the whole resource. */
export const jobRules: readonly Rule[] = [validName, maxParallelismFixed, parallelismFitsState];
