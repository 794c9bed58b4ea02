/** Restart strategies as pure functions: failures and a clock in, a delay or the end of the job out. See README.md. */
export {
  causesOf,
  type FailureCause,
  type FailureFacts,
  type FailureInput,
  isUnrecoverable,
  NOT_RECOVERABLE,
  onFailure,
  type RestartDecision,
  remainingDelayMs,
} from './decision.ts';
export { InvalidRestartOptionException, InvalidRestartStrategyException, NoFailureYetException } from './errors.ts';
export {
  DEFAULT_EXPONENTIAL_DELAY,
  type ExponentialDelayCounters,
  type ExponentialDelayStrategy,
} from './exponential-delay.ts';
export type { FailureRateCounters, FailureRateStrategy } from './failure-rate.ts';
export type { FixedDelayCounters, FixedDelayStrategy } from './fixed-delay.ts';
export {
  type FlinkOptions,
  type FlinkRestartLevels,
  type FlinkRestartStrategy,
  loadFlinkRestartStrategy,
} from './flink-options.ts';
export type { NoRestartCounters, NoRestartStrategy } from './none.ts';
export {
  type ResolvedRestartStrategy,
  type RestartStrategySource,
  type RestartStrategySources,
  resolveRestartStrategy,
} from './resolve.ts';
export type { Notified, Random } from './rule.ts';
export {
  backoffMs,
  canRestart,
  checkRestartStrategy,
  describe,
  encodeRestartStrategy,
  initialCounters,
  notifyFailure,
  type RestartCounters,
  type RestartStrategy,
  strategyViolations,
} from './strategy.ts';
