import { expect, test } from 'vitest';
import {
  DEFAULT_EXPONENTIAL_DELAY,
  type FlinkOptions,
  InvalidRestartOptionException,
  InvalidRestartStrategyException,
  loadFlinkRestartStrategy,
  type RestartStrategy,
} from '../../src/restart/index.ts';

const INT_MAX = 2_147_483_647;

const inCode: RestartStrategy[] = [
  { type: 'none' },
  { type: 'fixedDelay', attempts: 42, delayMs: 1_337_000 },
  { type: 'failureRate', maxFailures: 7, intervalMs: 60_000, delayMs: 5 },
  { type: 'exponentialDelay', initialMs: 1, maxMs: 9, multiplier: 2, resetAfterMs: 80, jitter: 0, attempts: Infinity },
];

const typed = (type: string, more: FlinkOptions = {}): FlinkOptions => ({ 'restart-strategy.type': type, ...more });
const legacy = (type: string, more: FlinkOptions = {}): FlinkOptions => ({ 'restart-strategy': type, ...more });

/** The strategy that a cluster with these options would use. */
const inCluster = (version: string, cluster: FlinkOptions): RestartStrategy =>
  loadFlinkRestartStrategy({ version, cluster, checkpointing: true }).strategy;

test.each(inCode.map((code) => [code.type, code] as const))(
  '%s in the code wins over another strategy in the cluster',
  (type, code) => {
    const cluster = typed(type === 'fixedDelay' ? 'none' : 'fixed-delay');
    const levels = { version: '1.20.1', code, cluster, checkpointing: true };
    expect(loadFlinkRestartStrategy(levels)).toEqual({ strategy: code, source: 'code' });
  },
);

test('fallback in the code asks for what the cluster says', () => {
  const levels = { version: '1.20', code: 'fallback', cluster: typed('none'), checkpointing: true } as const;
  expect(loadFlinkRestartStrategy(levels)).toEqual({ strategy: { type: 'none' }, source: 'cluster' });
});

test('exponential delay set in the code always has attempts without end', () => {
  const code = { ...DEFAULT_EXPONENTIAL_DELAY, attempts: 3 };
  const { strategy } = loadFlinkRestartStrategy({ version: '1.19', code, checkpointing: true });
  expect(strategy).toEqual(DEFAULT_EXPONENTIAL_DELAY);
});

test('from 2.0 on a strategy in the code is refused', () => {
  const levels = { version: '2.0.0', code: inCode[0], checkpointing: true };
  expect(() => loadFlinkRestartStrategy(levels)).toThrow('restart-strategy.type in the job options');
});

test.each(['none', 'fixed-delay', 'failure-rate', 'exponential-delay'])(
  '%s in the job wins over another strategy in the cluster',
  (type) => {
    const cluster = typed(type === 'fixed-delay' ? 'none' : 'fixed-delay', {
      'restart-strategy.fixed-delay.attempts': '9',
    });
    const levels = { version: '1.20.1', job: typed(type), cluster, checkpointing: true };
    const { strategy, source } = loadFlinkRestartStrategy(levels);
    expect(source).toBe('job');
    expect(strategy).toEqual(inCluster('1.20.1', typed(type)));
  },
);

test('before 1.19 the job options name no strategy', () => {
  const levels = { version: '1.18.1', job: typed('none'), cluster: typed('fixed-delay'), checkpointing: true };
  expect(loadFlinkRestartStrategy(levels).source).toBe('cluster');
});

test('none in the job wins over fixed delay in the cluster', () => {
  const levels = { version: '2.3.0', job: typed('none'), cluster: typed('fixed-delay'), checkpointing: true };
  expect(loadFlinkRestartStrategy(levels)).toEqual({ strategy: { type: 'none' }, source: 'job' });
});

test('the cluster alone names the strategy', () => {
  const levels = { version: '1.20', cluster: typed('failure-rate'), checkpointing: false };
  expect(loadFlinkRestartStrategy(levels)).toEqual({
    strategy: { type: 'failureRate', maxFailures: 1, intervalMs: 60_000, delayMs: 1_000 },
    source: 'cluster',
  });
});

test('a type in the job and its attempts in the cluster do not mix', () => {
  const cluster = typed('fixed-delay', { 'restart-strategy.fixed-delay.attempts': '42' });
  const levels = { version: '1.20', job: typed('fixed-delay'), cluster, checkpointing: true };
  expect(loadFlinkRestartStrategy(levels).strategy).toEqual({ type: 'fixedDelay', attempts: 1, delayMs: 1_000 });
});

test('42 attempts every 1337 s', () => {
  const cluster = typed('fixed-delay', {
    'restart-strategy.fixed-delay.attempts': '42',
    'restart-strategy.fixed-delay.delay': '1337 s',
  });
  expect(inCluster('1.20', cluster)).toEqual({ type: 'fixedDelay', attempts: 42, delayMs: 1_337_000 });
});

test.each(['job', 'cluster'] as const)('an invalid strategy in the %s is refused', (level) => {
  const levels = { version: '1.20', [level]: typed('invalid-strategy'), checkpointing: true };
  expect(() => loadFlinkRestartStrategy(levels)).toThrow(
    expect.objectContaining({
      name: InvalidRestartOptionException.name,
      code: 'ILLEGAL_ARGUMENT',
      message: expect.stringContaining('"invalid-strategy"'),
    }),
  );
});

test.each([
  ['1.9.3', { type: 'fixedDelay', attempts: INT_MAX, delayMs: 0 }],
  ['1.10.0', { type: 'fixedDelay', attempts: INT_MAX, delayMs: 1_000 }],
  ['1.12.7', { type: 'fixedDelay', attempts: INT_MAX, delayMs: 1_000 }],
  ['1.13.0', { type: 'fixedDelay', attempts: INT_MAX, delayMs: 1_000 }],
  ['1.18.1', { type: 'fixedDelay', attempts: INT_MAX, delayMs: 1_000 }],
  ['1.19.0', DEFAULT_EXPONENTIAL_DELAY],
  ['2.3.0', DEFAULT_EXPONENTIAL_DELAY],
] as const)('Flink %s with nothing set: %j with checkpoints, none without', (version, strategy) => {
  expect(loadFlinkRestartStrategy({ version, checkpointing: true })).toEqual({ strategy, source: 'default' });
  expect(loadFlinkRestartStrategy({ version, checkpointing: false })).toEqual({
    strategy: { type: 'none' },
    source: 'default',
  });
});

test.each([
  ['1.9.0', 0],
  ['1.12.0', 1_000],
  ['1.18.0', 1_000],
  ['1.20.0', 1_000],
])('fixed delay of Flink %s: 1 attempt after %i ms', (version, delayMs) => {
  expect(inCluster(version, legacy('fixed-delay'))).toEqual({ type: 'fixedDelay', attempts: 1, delayMs });
});

test.each([
  ['1.9.0', 10_000],
  ['1.12.0', 1_000],
  ['1.18.0', 1_000],
  ['1.20.0', 1_000],
])('failure rate of Flink %s: 1 failure per minute, %i ms', (version, delayMs) => {
  const expected = { type: 'failureRate', maxFailures: 1, intervalMs: 60_000, delayMs };
  expect(inCluster(version, legacy('failure-rate'))).toEqual(expected);
});

test('Flink 1.9 takes the delay of failure rate from the watch interval', () => {
  const cluster = legacy('failure-rate', { 'akka.watch.heartbeat.interval': '3 s' });
  expect(inCluster('1.9.0', cluster)).toMatchObject({ delayMs: 3_000 });
});

test.each([
  ['1.13.0', { ...DEFAULT_EXPONENTIAL_DELAY, maxMs: 300_000, multiplier: 2 }],
  ['1.18.0', { ...DEFAULT_EXPONENTIAL_DELAY, maxMs: 300_000, multiplier: 2 }],
  ['1.19.0', DEFAULT_EXPONENTIAL_DELAY],
])('exponential delay of Flink %s: %j', (version, expected) => {
  expect(inCluster(version, legacy('exponential-delay'))).toEqual(expected);
});

test('before 1.13 there is no exponential delay', () => {
  expect(() => inCluster('1.12.0', legacy('exponential-delay'))).toThrow(InvalidRestartOptionException);
});

test('every option of exponential delay is read', () => {
  const prefix = 'restart-strategy.exponential-delay';
  const cluster = typed('exponential-delay', {
    [`${prefix}.initial-backoff`]: '2 s',
    [`${prefix}.max-backoff`]: '3 min',
    [`${prefix}.backoff-multiplier`]: '1.4',
    [`${prefix}.reset-backoff-threshold`]: '8 min',
    [`${prefix}.jitter-factor`]: '0.5',
    [`${prefix}.attempts-before-reset-backoff`]: '11',
  });
  const read = { type: 'exponentialDelay', initialMs: 2_000, maxMs: 180_000, multiplier: 1.4, resetAfterMs: 480_000 };
  expect(inCluster('1.20', cluster)).toEqual({ ...read, jitter: 0.5, attempts: 11 });
  expect(inCluster('1.18', cluster)).toEqual({ ...read, jitter: 0.5, attempts: Number.POSITIVE_INFINITY });
});

test("Flink's largest integer of attempts is without end", () => {
  const key = 'restart-strategy.exponential-delay.attempts-before-reset-backoff';
  expect(inCluster('1.20', typed('exponential-delay', { [key]: `${INT_MAX}` }))).toEqual(DEFAULT_EXPONENTIAL_DELAY);
});

test.each([
  ['none', 'none'],
  ['off', 'none'],
  ['disable', 'none'],
  ['Fixed-Delay', 'fixedDelay'],
  ['fixeddelay', 'fixedDelay'],
  ['FAILURE-RATE', 'failureRate'],
  ['failurerate', 'failureRate'],
  ['exponential-delay', 'exponentialDelay'],
  ['exponentialDelay', 'exponentialDelay'],
])('the type %s is %s', (type, expected) => {
  expect(inCluster('1.20', typed(type)).type).toBe(expected);
});

test('before 1.17 the type is a plain restart-strategy, after it the new name is read first', () => {
  const both = { 'restart-strategy': 'none', 'restart-strategy.type': 'fixed-delay' };
  expect(inCluster('1.16.3', both).type).toBe('none');
  expect(inCluster('1.17.0', both).type).toBe('fixedDelay');
});

test.each([
  ['restart-strategy.fixed-delay.attempts', '1.5'],
  ['restart-strategy.fixed-delay.attempts', '3000000000'],
  ['restart-strategy.fixed-delay.delay', 'soon'],
  ['restart-strategy.fixed-delay.delay', '3 weeks'],
])('%s: %s cannot be read, and the message names both', (key, value) => {
  expect(() => inCluster('1.20', typed('fixed-delay', { [key]: value }))).toThrow(
    expect.objectContaining({ key, message: expect.stringContaining(`"${value}"`) }),
  );
});

test('a value outside its limits is refused as the constructor would', () => {
  const cluster = typed('exponential-delay', { 'restart-strategy.exponential-delay.jitter-factor': '2' });
  expect(() => inCluster('1.20', cluster)).toThrow(InvalidRestartStrategyException);
});

test.each([
  ['1337', 1_337],
  ['10 s', 10_000],
  ['10s', 10_000],
  ['2 min', 120_000],
  ['1 h', 3_600_000],
  ['2 days', 172_800_000],
  ['1500 micros', 1],
  ['PT1M0.25S', 60_250],
  ['P1DT1H', 90_000_000],
])('the duration %s is %i ms', (text, delayMs) => {
  const cluster = typed('fixed-delay', { 'restart-strategy.fixed-delay.delay': text });
  expect(inCluster('1.20', cluster)).toMatchObject({ delayMs });
});

test('a version that is none is refused', () => {
  expect(() => loadFlinkRestartStrategy({ version: 'latest', checkpointing: true })).toThrow('"latest"');
});
