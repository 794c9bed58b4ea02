/** Why a job is not started again, in plain words. The ledger keeps Flink's own. Pure. */
import { assertNever } from '../../lib/assert-never.ts';
import { formatDurationMs } from '../../lib/durations.ts';
import type { ResolvedRestartStrategy, RestartStrategy, RestartStrategySource } from '../../restart/index.ts';

/** What the end follows from. */
export interface GaveUpFacts extends ResolvedRestartStrategy {
  /** No strategy was asked: the failure itself rules out a restart. */
  readonly unrecoverable: boolean;
}

/** `gave up after 5 restarts (spec.restart.fixedDelay)`. */
export function gaveUpText({ strategy, source, unrecoverable }: GaveUpFacts): string {
  if (unrecoverable) return 'gave up at once: no restart mends this failure';
  return `${limitText(strategy)} (${placeOf(strategy, source)})`;
}

function limitText(strategy: RestartStrategy): string {
  switch (strategy.type) {
    case 'none':
      return 'gave up: it is not to be restarted';
    case 'fixedDelay':
    case 'exponentialDelay':
      return `gave up after ${strategy.attempts} restart${strategy.attempts === 1 ? '' : 's'}`;
    case 'failureRate':
      return `gave up: it failed too often for its limit of ${strategy.maxFailures} in ${formatDurationMs(strategy.intervalMs)}`;
    default:
      return assertNever(strategy);
  }
}

/** Where the limit can be changed. */
function placeOf({ type }: RestartStrategy, source: RestartStrategySource): string {
  switch (source) {
    case 'manifest':
      return `spec.restart.${type}`;
    case 'code':
      return `${type}, from env.setRestartStrategy in the code of the job`;
    case 'operatorDefault':
    case 'builtIn':
      return `${type}, the default; spec.restart sets another`;
    default:
      return assertNever(source);
  }
}
