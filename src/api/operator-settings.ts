/** What the operator decides for jobs that leave it open, and how it looks after all of them: a slice of its configuration. */
import type { RestartSettings } from './resolve.ts';

/** Settings of an operator, complete; durations in milliseconds. */
export interface OperatorSettings {
  /** Image of jobs that name none. */
  readonly image: string;
  /** For jobs whose resource and whose code say nothing; absent: what is built in. */
  readonly restart?: RestartSettings;
  /** Jobs that are reconciled at a time. */
  readonly workers: number;
  /** Longer than this no reconcile takes. */
  readonly reconcileTimeoutMs: number;
  /** A job of which nothing is heard is looked at again after so long. */
  readonly resyncMs: number;
  /** The REST API of jobs. */
  readonly rest: {
    /** Between two questions to a job that runs and does not change. */
    readonly pollIntervalMs: number;
    /** A question that is not answered by then has failed. */
    readonly timeoutMs: number;
  };
  /** Shortest time that a new revision has where `spec.upgrade.deadline` is absent. */
  readonly upgradeDeadlineMs: number;
  /** Time that deletion has where `spec.deletion` is absent. */
  readonly deletionTimeoutMs: number;
  /** Jobs with metrics of their own; those beyond are in the totals only. */
  readonly mostJobsMeasured: number;
}
