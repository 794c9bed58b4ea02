/**
 * Which strategy a FlinkJob has. The first source that names one is taken whole: values of two sources are never
 * mixed, or the strategy in force would be one that nobody wrote. Why the manifest comes first is told in
 * docs/adr/0003-manifest-restart-wins.md.
 */
import { DEFAULT_EXPONENTIAL_DELAY } from './exponential-delay.ts';
import { checkRestartStrategy, type RestartStrategy } from './strategy.ts';

/** Where a job's strategy was set. */
export type RestartStrategySource = 'manifest' | 'code' | 'operatorDefault' | 'builtIn';

/** The strategies named by each source, absent where it names none. */
export interface RestartStrategySources {
  /** `spec.restart` of the FlinkJob. */
  manifest?: RestartStrategy | undefined;
  /** `env.setRestartStrategy(…)` in the job's code. */
  code?: RestartStrategy | undefined;
  /** What the operator, or the command that runs the job, uses for jobs that say nothing. */
  operatorDefault?: RestartStrategy | undefined;
  /** Whether the job takes checkpoints. Without them a restart begins from nothing, so none is made unasked. */
  checkpointing: boolean;
}

/** The strategy in force and who set it. */
export interface ResolvedRestartStrategy {
  strategy: RestartStrategy;
  source: RestartStrategySource;
}

/**
 * Manifest, else code, else operator default, else built in: exponential delay with the defaults of Flink 1.19 and
 * later, or none without checkpoints. Throws InvalidRestartStrategyException when the one in force breaks its limits.
 */
export function resolveRestartStrategy(sources: RestartStrategySources): ResolvedRestartStrategy {
  const { strategy, source } = firstNamed(sources);
  return { strategy: checkRestartStrategy(strategy), source };
}

function firstNamed(sources: RestartStrategySources): ResolvedRestartStrategy {
  if (sources.manifest !== undefined) return { strategy: sources.manifest, source: 'manifest' };
  if (sources.code !== undefined) return { strategy: sources.code, source: 'code' };
  if (sources.operatorDefault !== undefined) return { strategy: sources.operatorDefault, source: 'operatorDefault' };
  return { strategy: sources.checkpointing ? { ...DEFAULT_EXPONENTIAL_DELAY } : { type: 'none' }, source: 'builtIn' };
}
