/** No restarts: the first failure ends the job. Follows Flink's NoRestartBackoffTimeStrategy. */
import type { RestartRule } from './rule.ts';

/** The job is never restarted. */
export interface NoRestartStrategy {
  type: 'none';
}

/** Nothing to remember. */
export interface NoRestartCounters {
  type: 'none';
}

/** The rule of `none`: every failure is new, none is followed by a restart. */
export const none: RestartRule<NoRestartStrategy, NoRestartCounters> = {
  initial: () => ({ type: 'none' }),
  notify: (_strategy, counters) => ({ counters, isNew: true }),
  canRestart: () => false,
  backoffMs: () => 0,
  describe: () => 'NoRestartBackoffTimeStrategy',
  violations: () => [],
};
