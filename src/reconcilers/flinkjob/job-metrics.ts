/**
 * What is measured of jobs: of each its own figures, up to a number of jobs, and of all together totals.
 *
 *     figures of a job ──► totals, for every job
 *                     └──► series of its own, while there is room ──► gone with the job
 *
 * Promises: a job that is gone leaves no series behind; no more jobs than allowed have some, however many come and go; figures
 * given twice change nothing.
 */
import { PHASES, type Phase } from '../../api/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Counter, Gauge, Histogram, MetricLabels, Metrics } from '../../lib/metrics.ts';
import { type Journey, nextJourney, secondsBetween } from './phase-journey.ts';

/** What is known of a job, as its status says it. */
export interface JobFigures {
  readonly namespace: string;
  readonly name: string;
  readonly runtime: 'typescript' | 'flink';
  readonly phase: Phase;
  /** Wall clock, milliseconds. Absent: since it was told of, and unknown for the first phase that is told of. */
  readonly phaseSince?: number;
  /** Flink's version, or the image. */
  readonly version?: string;
  readonly revision?: string;
  /** In the life of the job. */
  readonly restarts: number;
  readonly failedCheckpoints: number;
  readonly lastCheckpoint?: { readonly completedAt: number; readonly bytes: number };
  readonly parallelism?: number;
  /** Pods that are not well, by reason: `OOMKilled`, `ImagePullBackOff`. */
  readonly unhealthyPods: Readonly<Record<string, number>>;
  readonly errorCode?: string;
  /** Those on record that have come to an end. */
  readonly savepoints: readonly { readonly id: string; readonly outcome: SavepointOutcome }[];
}

type UpgradeOutcome = 'succeeded' | 'rolledBack' | 'failed';
export type SavepointOutcome = 'completed' | 'failed';

export interface JobMetricsOptions {
  /** Jobs with series of their own. */
  readonly cap: number;
  readonly clock: Clock;
}

/** Metrics for all jobs of a process. */
export function jobMetrics(metrics: Metrics, options: JobMetricsOptions): JobMetrics {
  return new JobMetrics(metrics, options);
}

/** Which job. */
export type JobName = Pick<JobFigures, 'namespace' | 'name'>;

const SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400];

export class JobMetrics {
  private readonly options: JobMetricsOptions;
  private readonly own: OwnInstruments;
  private readonly totals: TotalInstruments;
  private readonly jobs = new Map<string, KnownJob>();
  private measured = 0;

  constructor(metrics: Metrics, options: JobMetricsOptions) {
    this.options = options;
    this.own = new OwnInstruments(metrics);
    this.totals = new TotalInstruments(metrics);
    metrics.onRead(() => this.fill());
  }

  /** Takes what is known of a job now. */
  report(figures: JobFigures): void {
    const now = this.options.clock.now();
    const key = keyOf(figures);
    const known = this.jobs.get(key);
    const before = known?.figures;
    const journey = nextJourney(known?.journey, figures, now);
    for (const { phase, seconds } of journey.left) this.totals.phaseSeconds.observe(seconds, { phase });
    for (const { transition, seconds } of journey.arrived)
      this.totals.transitionSeconds.observe(seconds, { transition });
    if (before !== undefined) {
      raise(this.totals.restarts, {}, before.restarts, Math.max(before.restarts, figures.restarts));
      const failed = Math.max(before.failedCheckpoints, figures.failedCheckpoints);
      raise(this.totals.checkpointsFailed, {}, before.failedCheckpoints, failed);
    }
    const series = known?.series ?? this.seriesFor(figures);
    this.jobs.set(key, { figures, journey, series });
    series?.report(figures);
    this.countEnds(journey, before, figures, series);
  }

  /** Upgrades and savepoints that have ended since the last report. */
  private countEnds(
    journey: Journey,
    before: JobFigures | undefined,
    { phase, savepoints }: JobFigures,
    series: JobSeries | undefined,
  ): void {
    for (const { transition, seconds } of journey.arrived) {
      const outcome = outcomeOf(transition, phase);
      if (outcome === undefined) continue;
      this.totals.upgrades.add({ outcome });
      series?.upgraded(outcome, seconds);
    }
    if (before === undefined) return;
    const known = new Set(before.savepoints.map(({ id }) => id));
    for (const { id, outcome } of savepoints) {
      if (known.has(id)) continue;
      this.totals.savepoints.add({ outcome });
      series?.savepoint(outcome);
    }
  }

  /** The resource is gone. */
  gone(job: JobName): void {
    const key = keyOf(job);
    const series = this.jobs.get(key)?.series;
    this.jobs.delete(key);
    if (series === undefined) return;
    series.end();
    this.measured -= 1;
  }

  private seriesFor({ namespace, name, runtime }: JobFigures): JobSeries | undefined {
    if (this.measured >= this.options.cap) return undefined;
    this.measured += 1;
    return new JobSeries(this.own, { namespace, name, runtime });
  }

  private fill(): void {
    const byPhase = new Map<Phase, number>();
    const now = this.options.clock.now();
    for (const { figures, series } of this.jobs.values()) {
      byPhase.set(figures.phase, (byPhase.get(figures.phase) ?? 0) + 1);
      series?.age(figures, now);
    }
    for (const phase of PHASES) this.totals.jobs.set(byPhase.get(phase) ?? 0, { phase });
    this.totals.unmeasured.set(this.jobs.size - this.measured);
  }
}

interface KnownJob {
  readonly figures: JobFigures;
  readonly journey: Journey;
  readonly series: JobSeries | undefined;
}

/** How an upgrade ended; a job that was suspended on the way has not ended it. */
function outcomeOf(transition: string, phase: Phase): UpgradeOutcome | undefined {
  if (transition !== 'upgrade' && transition !== 'rollback') return undefined;
  if (phase === 'Failed') return 'failed';
  if (phase === 'Suspended') return undefined;
  return transition === 'upgrade' ? 'succeeded' : 'rolledBack';
}

/** The series of one job. */
class JobSeries {
  private readonly own: OwnInstruments;
  private readonly labels: MetricLabels;
  private last: JobFigures | undefined;
  private readonly upgradeOutcomes = new Set<UpgradeOutcome>();
  private readonly savepointOutcomes = new Set<SavepointOutcome>();

  constructor(own: OwnInstruments, labels: MetricLabels) {
    this.own = own;
    this.labels = labels;
  }

  report(figures: JobFigures): void {
    const { own, labels, last } = this;
    this.state(own.phase, { phase: last?.phase }, { phase: figures.phase });
    this.state(own.info, infoOf(last), infoOf(figures));
    this.state(own.error, { code: last?.errorCode }, { code: figures.errorCode });
    raise(own.restarts, labels, last?.restarts ?? 0, figures.restarts, last === undefined);
    raise(own.checkpointsFailed, labels, last?.failedCheckpoints ?? 0, figures.failedCheckpoints, last === undefined);
    if (figures.lastCheckpoint !== undefined) own.checkpointSize.set(figures.lastCheckpoint.bytes, labels);
    if (figures.parallelism !== undefined) own.parallelism.set(figures.parallelism, labels);
    for (const reason of Object.keys(last?.unhealthyPods ?? {}))
      if (figures.unhealthyPods[reason] === undefined) own.podsUnhealthy.remove({ ...labels, reason });
    for (const [reason, count] of Object.entries(figures.unhealthyPods))
      own.podsUnhealthy.set(count, { ...labels, reason });
    this.last = figures;
  }

  age({ lastCheckpoint }: JobFigures, now: number): void {
    if (lastCheckpoint === undefined) return;
    this.own.checkpointAge.set(secondsBetween(lastCheckpoint.completedAt, now), this.labels);
  }

  upgraded(outcome: UpgradeOutcome, seconds: number): void {
    this.upgradeOutcomes.add(outcome);
    this.own.upgrades.add({ ...this.labels, outcome });
    this.own.upgradeDuration.set(seconds, this.labels);
  }

  savepoint(outcome: SavepointOutcome): void {
    this.savepointOutcomes.add(outcome);
    this.own.savepoints.add({ ...this.labels, outcome });
  }

  end(): void {
    const { own, labels, last } = this;
    this.state(own.phase, { phase: last?.phase }, undefined);
    this.state(own.info, infoOf(last), undefined);
    this.state(own.error, { code: last?.errorCode }, undefined);
    for (const reason of Object.keys(last?.unhealthyPods ?? {})) own.podsUnhealthy.remove({ ...labels, reason });
    for (const outcome of this.upgradeOutcomes) own.upgrades.remove({ ...labels, outcome });
    for (const outcome of this.savepointOutcomes) own.savepoints.remove({ ...labels, outcome });
    for (const instrument of own.plain) instrument.remove(labels);
  }

  /** One series that is 1 for what holds now; the one of before goes. */
  private state(gauge: Gauge, before: Words, now: Words | undefined): void {
    const [old, fresh] = [completed(before), now && completed(now)];
    if (old !== undefined && JSON.stringify(old) !== JSON.stringify(fresh)) gauge.remove({ ...this.labels, ...old });
    if (fresh !== undefined) gauge.set(1, { ...this.labels, ...fresh });
  }
}

type Words = Readonly<Record<string, string | undefined>>;

/** The labels, when something is said by them. */
function completed(words: Words): MetricLabels | undefined {
  const entries = Object.entries(words);
  if (entries.every(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

function infoOf(figures: JobFigures | undefined): Words {
  return { version: figures?.version, revision: figures?.revision };
}

/** Counts what has come since. A count that fell belongs to another job of that name. */
function raise(counter: Counter, labels: MetricLabels, before: number, now: number, isFirst = false): void {
  if (now < before) {
    counter.remove(labels);
    counter.add(labels, now);
  } else if (now > before || isFirst) counter.add(labels, now - before);
}

function keyOf({ namespace, name }: JobName): string {
  return `${namespace}/${name}`;
}

/** Instruments with the labels of a job. */
class OwnInstruments {
  readonly phase: Gauge;
  readonly info: Gauge;
  readonly error: Gauge;
  readonly podsUnhealthy: Gauge;
  readonly restarts: Counter;
  readonly checkpointsFailed: Counter;
  readonly checkpointAge: Gauge;
  readonly checkpointSize: Gauge;
  readonly parallelism: Gauge;
  readonly upgradeDuration: Gauge;
  readonly upgrades: Counter;
  readonly savepoints: Counter;

  constructor(metrics: Metrics) {
    const spec = (name: string, help: string, ...more: string[]) => ({
      name: `flinkjob_${name}`,
      help,
      labels: ['namespace', 'name', 'runtime', ...more],
    });
    this.phase = metrics.gauge(spec('phase', '1 for the phase that the job is in.', 'phase'));
    this.info = metrics.gauge(spec('info', 'What runs: version and revision.', 'version', 'revision'));
    this.error = metrics.gauge(spec('error_info', '1 for the code of the error that holds the job up.', 'code'));
    this.podsUnhealthy = metrics.gauge(spec('pods_unhealthy', 'Pods that are not well, by reason.', 'reason'));
    this.restarts = metrics.counter(spec('restarts_total', 'Restarts after failures, in the life of the job.'));
    this.checkpointsFailed = metrics.counter(
      spec('checkpoints_failed_total', 'Checkpoints that failed, in the life of the job.'),
    );
    this.checkpointAge = metrics.gauge(
      spec('last_checkpoint_age_seconds', 'Time since the newest checkpoint was completed.'),
    );
    this.checkpointSize = metrics.gauge(spec('last_checkpoint_size_bytes', 'Size of the newest checkpoint.'));
    this.parallelism = metrics.gauge(spec('parallelism', 'Parallelism that is in effect.'));
    this.upgradeDuration = metrics.gauge(spec('upgrade_duration_seconds', 'How long the last upgrade took.'));
    this.upgrades = metrics.counter(spec('upgrades_total', 'Upgrades, by how they ended.', 'outcome'));
    this.savepoints = metrics.counter(spec('savepoints_total', 'Savepoints, by how they ended.', 'outcome'));
  }

  /** Those with no other labels. */
  get plain(): readonly (Counter | Gauge)[] {
    const { restarts, checkpointsFailed, checkpointAge, checkpointSize, parallelism, upgradeDuration } = this;
    return [restarts, checkpointsFailed, checkpointAge, checkpointSize, parallelism, upgradeDuration];
  }
}

/** Instruments for all jobs together. */
class TotalInstruments {
  readonly jobs: Gauge;
  readonly unmeasured: Gauge;
  readonly restarts: Counter;
  readonly checkpointsFailed: Counter;
  readonly upgrades: Counter;
  readonly savepoints: Counter;
  readonly phaseSeconds: Histogram;
  readonly transitionSeconds: Histogram;

  constructor(metrics: Metrics) {
    const spec = (name: string, help: string, ...labels: string[]) => ({ name: `flinkjob_${name}`, help, labels });
    this.jobs = metrics.gauge(spec('jobs', 'Jobs, by phase.', 'phase'));
    this.unmeasured = metrics.gauge(spec('jobs_without_metrics', 'Jobs beyond metrics.mostJobs: in the totals only.'));
    this.restarts = metrics.counter(spec('all_restarts_total', 'Restarts of all jobs since the process began.'));
    this.checkpointsFailed = metrics.counter(
      spec('all_checkpoints_failed_total', 'Failed checkpoints of all jobs since the process began.'),
    );
    this.upgrades = metrics.counter(spec('all_upgrades_total', 'Upgrades of all jobs, by how they ended.', 'outcome'));
    this.savepoints = metrics.counter(
      spec('all_savepoints_total', 'Savepoints of all jobs, by how they ended.', 'outcome'),
    );
    this.phaseSeconds = metrics.histogram({
      ...spec('phase_seconds', 'How long jobs were in a phase, told when they leave it.', 'phase'),
      buckets: SECONDS,
    });
    this.transitionSeconds = metrics.histogram({
      ...spec(
        'transition_seconds',
        'How long jobs were on the way from one state to stay in to the next.',
        'transition',
      ),
      buckets: SECONDS,
    });
  }
}
