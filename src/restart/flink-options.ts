/**
 * Reads the restart strategy out of options written for Apache Flink, as the Flink of a given version would: its option
 * names, its defaults, its precedence. Follows Flink's RestartStrategyOptions and RestartBackoffTimeStrategyFactoryLoader.
 *
 *     code (not "fallback", gone in 2.0)  ->  job options (1.19 and later)  ->  cluster options  ->  the line's default
 *
 * Options are read from the level that names the type and from no other.
 */
import { IllegalArgumentException } from '../lib/java-errors.ts';
import { InvalidRestartOptionException } from './errors.ts';
import { DEFAULT_EXPONENTIAL_DELAY, type ExponentialDelayStrategy } from './exponential-delay.ts';
import { parseFlinkDurationMs } from './flink-duration.ts';
import { checkRestartStrategy, type RestartStrategy } from './strategy.ts';

/** Flink options by their full name, such as `restart-strategy.fixed-delay.delay`. */
export type FlinkOptions = Readonly<Record<string, string>>;

/** Where Flink would look for a strategy. */
export interface FlinkRestartLevels {
  /** Flink's version, such as `1.20.1`. Before 1.9 the rules of 1.9 hold. */
  version: string;
  checkpointing: boolean;
  /** Set by the program; `fallback` asks for what the cluster says. */
  code?: RestartStrategy | 'fallback' | undefined;
  job?: FlinkOptions | undefined;
  cluster?: FlinkOptions | undefined;
}

/** The strategy Flink would use, and the level that named it. */
export interface FlinkRestartStrategy {
  strategy: RestartStrategy;
  source: 'code' | 'job' | 'cluster' | 'default';
}

/**
 * The strategy that the Flink of this version would use. Lines 1.13 to 1.18 compute their exponential delay by an older
 * formula and have no limit of attempts; the values returned are theirs. Throws InvalidRestartOptionException for an
 * unknown type or an unreadable value, InvalidRestartStrategyException for one outside its limits.
 */
export function loadFlinkRestartStrategy(levels: FlinkRestartLevels): FlinkRestartStrategy {
  const { code, job, cluster, checkpointing } = levels;
  const version = parseVersion(levels.version);
  const line = lineOf(version);
  if (code !== undefined && code !== 'fallback') {
    return { strategy: checkRestartStrategy(setInCode(code, version)), source: 'code' };
  }
  const fromJob = job !== undefined && atLeast(version, 1, 19) ? readOptions(job, version, line) : undefined;
  if (fromJob !== undefined) return { strategy: fromJob, source: 'job' };
  const fromCluster = cluster === undefined ? undefined : readOptions(cluster, version, line);
  if (fromCluster !== undefined) return { strategy: fromCluster, source: 'cluster' };
  return { strategy: checkpointing ? { ...line.nothingSet } : { type: 'none' }, source: 'default' };
}

/** What changed from line to line. The newest line that a version reaches is the one that holds. */
interface Line {
  since: readonly [major: number, minor: number];
  fixedDelayMs: number;
  /** The option read where `failure-rate.delay` is missing, of the lines that had one. */
  failureRateDelayFallback?: string;
  failureRateDelayMs: number;
  exponential?: ExponentialDelayStrategy;
  /** In force with checkpoints when nobody set anything. */
  nothingSet: RestartStrategy;
}

const JAVA_INT_MAX = 2_147_483_647;

const LINES: readonly Line[] = [
  {
    since: [1, 19],
    fixedDelayMs: 1_000,
    failureRateDelayMs: 1_000,
    exponential: DEFAULT_EXPONENTIAL_DELAY,
    nothingSet: DEFAULT_EXPONENTIAL_DELAY,
  },
  {
    since: [1, 13],
    fixedDelayMs: 1_000,
    failureRateDelayMs: 1_000,
    exponential: { ...DEFAULT_EXPONENTIAL_DELAY, maxMs: 300_000, multiplier: 2 },
    nothingSet: { type: 'fixedDelay', attempts: JAVA_INT_MAX, delayMs: 1_000 },
  },
  {
    since: [1, 10],
    fixedDelayMs: 1_000,
    failureRateDelayMs: 1_000,
    nothingSet: { type: 'fixedDelay', attempts: JAVA_INT_MAX, delayMs: 1_000 },
  },
];

const LINE_1_9: Line = {
  since: [0, 0],
  fixedDelayMs: 0,
  failureRateDelayFallback: 'akka.watch.heartbeat.interval',
  failureRateDelayMs: 10_000,
  nothingSet: { type: 'fixedDelay', attempts: JAVA_INT_MAX, delayMs: 0 },
};

type Version = readonly [major: number, minor: number];

function parseVersion(text: string): Version {
  const [, major, minor] = /^v?([0-9]+)\.([0-9]+)/.exec(text) ?? [];
  if (major === undefined) {
    throw new IllegalArgumentException(`"${text}" is not a version of Flink. Write one such as 1.20.1 or 2.3.`);
  }
  return [Number(major), Number(minor)];
}

function atLeast([major, minor]: Version, wantedMajor: number, wantedMinor: number): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function lineOf(version: Version): Line {
  return LINES.find(({ since }) => atLeast(version, ...since)) ?? LINE_1_9;
}

function setInCode(strategy: RestartStrategy, version: Version): RestartStrategy {
  if (atLeast(version, 2, 0)) {
    throw new IllegalArgumentException(
      'Flink 2.0 and later take no restart strategy from the code. Set restart-strategy.type in the job options.',
    );
  }
  if (strategy.type !== 'exponentialDelay') return strategy;
  // The API of these lines has no parameter for the attempts.
  return { ...strategy, attempts: Number.POSITIVE_INFINITY };
}

/** The strategy that these options name, or undefined when they name no type. */
function readOptions(options: FlinkOptions, version: Version, line: Line): RestartStrategy | undefined {
  const named = typeOption(options, version);
  if (named === undefined) return undefined;
  const strategy = readStrategy(named, options, line);
  return checkRestartStrategy(strategy);
}

interface NamedType {
  key: string;
  value: string;
}

function typeOption(options: FlinkOptions, version: Version): NamedType | undefined {
  // Since 1.17 the old name is still read where the new one is missing.
  const keys = atLeast(version, 1, 17) ? ['restart-strategy.type', 'restart-strategy'] : ['restart-strategy'];
  for (const key of keys) {
    const value = option(options, key);
    if (value !== undefined) return { key, value };
  }
  return undefined;
}

function readStrategy({ key, value }: NamedType, options: FlinkOptions, line: Line): RestartStrategy {
  switch (value.trim().toLowerCase()) {
    case 'none':
    case 'off':
    case 'disable':
      return { type: 'none' };
    case 'fixed-delay':
    case 'fixeddelay':
      return readFixedDelay(options, line);
    case 'failure-rate':
    case 'failurerate':
      return readFailureRate(options, line);
    case 'exponential-delay':
    case 'exponentialdelay':
      if (line.exponential !== undefined) return readExponentialDelay(options, line, line.exponential);
  }
  const known = `none, fixed-delay, failure-rate${line.exponential === undefined ? '' : ', exponential-delay'}`;
  throw new InvalidRestartOptionException(key, `Unknown restart strategy "${value}" in ${key}. Use one of: ${known}.`);
}

function readFixedDelay(options: FlinkOptions, line: Line): RestartStrategy {
  return {
    type: 'fixedDelay',
    attempts: intOption(options, 'restart-strategy.fixed-delay.attempts') ?? 1,
    delayMs: durationOption(options, 'restart-strategy.fixed-delay.delay') ?? line.fixedDelayMs,
  };
}

function readFailureRate(options: FlinkOptions, line: Line): RestartStrategy {
  const fallback = line.failureRateDelayFallback;
  return {
    type: 'failureRate',
    maxFailures: intOption(options, 'restart-strategy.failure-rate.max-failures-per-interval') ?? 1,
    intervalMs: durationOption(options, 'restart-strategy.failure-rate.failure-rate-interval') ?? 60_000,
    delayMs:
      durationOption(options, 'restart-strategy.failure-rate.delay') ??
      (fallback === undefined ? undefined : durationOption(options, fallback)) ??
      line.failureRateDelayMs,
  };
}

function readExponentialDelay(
  options: FlinkOptions,
  line: Line,
  defaults: ExponentialDelayStrategy,
): ExponentialDelayStrategy {
  const prefix = 'restart-strategy.exponential-delay';
  const limited = atLeast(line.since, 1, 19);
  const attempts = limited ? intOption(options, `${prefix}.attempts-before-reset-backoff`) : undefined;
  return {
    type: 'exponentialDelay',
    initialMs: durationOption(options, `${prefix}.initial-backoff`) ?? defaults.initialMs,
    maxMs: durationOption(options, `${prefix}.max-backoff`) ?? defaults.maxMs,
    multiplier: numberOption(options, `${prefix}.backoff-multiplier`) ?? defaults.multiplier,
    resetAfterMs: durationOption(options, `${prefix}.reset-backoff-threshold`) ?? defaults.resetAfterMs,
    jitter: numberOption(options, `${prefix}.jitter-factor`) ?? defaults.jitter,
    attempts: attempts === undefined || attempts === JAVA_INT_MAX ? defaults.attempts : attempts,
  };
}

function option(options: FlinkOptions, key: string): string | undefined {
  return Object.hasOwn(options, key) ? options[key] : undefined;
}

function durationOption(options: FlinkOptions, key: string): number | undefined {
  const value = option(options, key);
  if (value === undefined) return undefined;
  const parsed = parseFlinkDurationMs(value);
  if (parsed === undefined) throw unreadable(key, value, 'a duration such as 10 s, 1 min or PT10S');
  return parsed;
}

function intOption(options: FlinkOptions, key: string): number | undefined {
  const value = option(options, key);
  if (value === undefined) return undefined;
  const parsed = /^\s*[+-]?[0-9]+\s*$/.test(value) ? Number(value) : Number.NaN;
  if (!(Math.abs(parsed) <= JAVA_INT_MAX)) throw unreadable(key, value, 'an integer of 32 bits');
  return parsed;
}

function numberOption(options: FlinkOptions, key: string): number | undefined {
  const value = option(options, key);
  if (value === undefined) return undefined;
  const parsed = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(parsed)) throw unreadable(key, value, 'a number');
  return parsed;
}

function unreadable(key: string, value: string, wanted: string): InvalidRestartOptionException {
  return new InvalidRestartOptionException(key, `Could not parse value "${value}" of ${key}: it has to be ${wanted}.`);
}
