/**
 * What applying a FlinkJob would do to the one that is there, in words: which fields differ, what the heaviest of them asks for,
 * and which state the job would go on with. Pure; the command line says it before, the operator does it after.
 */
import { type ChangeClass, changedFields, classOfChange } from './changes.ts';
import type { FlinkJob, FlinkJobSpec, FlinkJobStatus } from './flink-job.ts';
import { valueAt } from './plain-values.ts';
import type { Violation } from './violation.ts';

/** Of a change by savepoint alone, while none can be taken. */
export const NEEDS_A_RUNNING_JOB = 'The job does not run and upgrade.fallback is false: nothing happens until it runs.';

/** Whether the newest state of the job was held against the program that is to take it up. */
export type StateCheck =
  | {
      readonly is: 'checked';
      /** `checkpoint 812 in s3://…`. */
      readonly against: string;
      /** Which program it was: its file, or where its source came from. */
      readonly program: string;
      /** Why the program would refuse the state, or could not run at all. */
      readonly problems: readonly string[];
      /** What of it was not looked at, and why. */
      readonly unchecked: readonly string[];
      /** uids of operators that begin empty. */
      readonly added: readonly string[];
      /** uids of operators whose state nobody takes up. */
      readonly dropped: readonly string[];
    }
  | { readonly is: 'notChecked'; readonly why: string };

/** The facts of a change. */
export interface ChangeFacts {
  readonly wanted: FlinkJob;
  /** As it stands on the cluster; absent: there is none. */
  readonly live?: FlinkJob | undefined;
  readonly status?: FlinkJobStatus | undefined;
  /** Why the API server would refuse it. */
  readonly refusals: readonly Violation[];
  /** Absent: no state is taken up, or nobody looked yet. */
  readonly state?: StateCheck | undefined;
}

/** What would come of it. */
export interface PlannedChange {
  readonly effect: 'create' | 'nothing' | 'inPlace' | 'rescale' | 'restart' | 'refused';
  /** Sentences: what happens, and what becomes of the state. */
  readonly words: readonly string[];
  readonly fields: readonly PlannedField[];
  /** What came of holding the state against the program, where the change makes it take one up. */
  readonly state?: StateCheck;
}

/** One field that would have another value. Values are JSON, those of variables hidden; an absent one is what its default says. */
export interface PlannedField {
  readonly path: string;
  readonly change: ChangeClass;
  readonly now: unknown;
  readonly next: unknown;
}

export function plannedChange(facts: ChangeFacts): PlannedChange {
  const { live, wanted, refusals } = facts;
  const fields = live === undefined ? [] : fieldsOf(live.spec, wanted.spec);
  if (refusals.length > 0) return { effect: 'refused', words: refusals.map(refusalText), fields };
  if (live === undefined) return { effect: 'create', words: creationWords(wanted.spec), fields };
  const change = classOfChange(fields);
  const words = [...wordsOf(change, facts), ...asks(live.spec, wanted.spec, facts.status)];
  const planned = { effect: effectOf(change), words, fields };
  return facts.state === undefined ? planned : withState(planned, facts.state);
}

/** Whether applying it makes a program take up state that another one, or the same at another parallelism, has left. */
export function takesUpState({ live, wanted, status, refusals }: ChangeFacts): boolean {
  if (live === undefined || refusals.length > 0 || status?.jobId === undefined) return false;
  const change = classOfChange(fieldsOf(live.spec, wanted.spec));
  if (status.phase === 'Succeeded' || wanted.spec.flink !== undefined) return false;
  return change === 'Rescale' || (change === 'Restart' && wanted.spec.upgrade.mode !== 'Stateless');
}

function withState(planned: PlannedChange, state: StateCheck): PlannedChange {
  const words = [...planned.words, ...stateCheckWords(state)];
  const isRefused = state.is === 'checked' && state.problems.length > 0;
  return { effect: isRefused ? 'refused' : planned.effect, words, fields: planned.fields, state };
}

function stateCheckWords(state: StateCheck): string[] {
  if (state.is === 'notChecked') return [`Not checked against its state: ${state.why}.`];
  const { against, program, problems, unchecked, added, dropped } = state;
  const isRefused = problems.length > 0;
  const verdict = isRefused
    ? `${program} would not run with the job's state, ${against}:`
    : `${program} takes up the job's state, ${against}: uids, maximum parallelism and kinds of state fit.`;
  return [
    verdict,
    ...problems.map((problem) => `Refused: ${problem}`),
    ...(isRefused ? [] : dropped.map((uid) => `The state of operator ${uid} is dropped: no operator has that uid.`)),
    ...added.map((uid) => `Operator ${uid} begins empty.`),
    ...unchecked.map((each) => `Not checked: ${each}.`),
  ];
}

function fieldsOf(from: FlinkJobSpec, to: FlinkJobSpec): PlannedField[] {
  return changedFields(from, to).map(({ path, change }) => {
    const steps = path.split('.');
    return { path: `spec.${path}`, change, now: shown(valueAt(from, steps)), next: shown(valueAt(to, steps)) };
  });
}

/** Without the values of variables of pods: many a password is one, and a plan is read by many. */
function shown(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => shown(each, name));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => {
    const isHidden = name === 'env' && key === 'value';
    return [key, isHidden ? '(hidden)' : shown(field, key)] as const;
  });
  return Object.fromEntries(fields);
}

function refusalText({ path, rule, remedy }: Violation): string {
  return `The API server refuses it: ${path} ${rule}. ${remedy}`;
}

function effectOf(change: ChangeClass | undefined): PlannedChange['effect'] {
  switch (change) {
    case 'Restart':
      return 'restart';
    case 'Rescale':
      return 'rescale';
    case 'Hot':
      return 'inPlace';
    case undefined:
      return 'nothing';
  }
}

function creationWords({ restoreFrom, state }: FlinkJobSpec): string[] {
  const start =
    restoreFrom === undefined
      ? 'The job is new and begins with nothing, unless one of its name was orphaned: then it goes on from that.'
      : `The job is new and begins from ${restoreFrom}.`;
  return state === 'Suspended' ? ['The job is new and does not run: spec.state is Suspended.'] : [start];
}

function wordsOf(change: ChangeClass | undefined, { live, wanted, status }: ChangeFacts): string[] {
  if (live === undefined || change === undefined) return ['Nothing changes.'];
  if (change === 'Hot') return ['What runs is not restarted for it.'];
  if (wanted.spec.state === 'Suspended') return ['It takes effect when the job runs again.'];
  const point = newestPoint(status);
  const phase = status?.phase;
  if (phase === 'Succeeded') return ['The job has finished and runs again, from nothing.'];
  if (change === 'Rescale') {
    return [`The job restarts from its newest checkpoint${point} with parallelism ${wanted.spec.parallelism}.`];
  }
  return restartWords(wanted.spec, phase, point);
}

function restartWords({ upgrade }: FlinkJobSpec, phase: FlinkJobStatus['phase'], point: string): string[] {
  const rollback = 'If it is not stable in time, the revision before takes its place again.';
  switch (upgrade.mode) {
    case 'Stateless':
      return ['The job restarts with nothing: upgrade.mode Stateless drops its state.', rollback];
    case 'LastState':
      return [`The job restarts from its newest checkpoint${point}.`, rollback];
    case 'Savepoint':
      if (phase === 'Running') return ['The job is stopped with a savepoint and restarts from that.', rollback];
      return upgrade.fallback
        ? [
            `The job does not run, so no savepoint can be taken: it goes on from its newest checkpoint${point}.`,
            rollback,
          ]
        : [NEEDS_A_RUNNING_JOB];
  }
}

function newestPoint(status: FlinkJobStatus | undefined): string {
  const latest = status?.checkpoint?.latest;
  return latest === undefined ? '' : ` (number ${latest.id} or later)`;
}

/** What hot fields ask for. */
function asks(from: FlinkJobSpec, to: FlinkJobSpec, status: FlinkJobStatus | undefined): string[] {
  return [...stateWords(from, to), ...standbyWords(from, to), ...triggerWords(to, status)];
}

function stateWords(from: FlinkJobSpec, to: FlinkJobSpec): string[] {
  if (from.state === to.state) return [];
  const withSavepoint = to.upgrade.mode === 'Savepoint' ? ' with a savepoint' : '';
  return [to.state === 'Suspended' ? `The job is stopped${withSavepoint}; its state is kept.` : 'The job runs again.'];
}

function standbyWords(from: FlinkJobSpec, to: FlinkJobSpec): string[] {
  const more = to.highAvailability.standbys - from.highAvailability.standbys;
  if (more === 0) return [];
  return [more > 0 ? `Standbys: ${more} more.` : `Standbys: ${-more} fewer.`];
}

function triggerWords({ triggers, restoreFrom }: FlinkJobSpec, status: FlinkJobStatus | undefined): string[] {
  const { savepoint = 0, restart = 0, restore = 0 } = status?.handledTriggers ?? {};
  return [
    ...(triggers.savepoint > savepoint ? ['A savepoint is taken.'] : []),
    ...(triggers.restart > restart ? ['The job restarts from its newest state.'] : []),
    ...(triggers.restore > restore && restoreFrom !== undefined
      ? [`The job begins again from ${restoreFrom}; output since then can be repeated.`]
      : []),
  ];
}
