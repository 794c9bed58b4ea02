/** The controller of FlinkJobs, put together: copies, sources, reconciler. */
import { DEFAULT_REST_PORT } from '../../api/index.ts';
import { Controller, type Informer, type ObjectKey, refOf } from '../../controller/index.ts';
import { type ApiClient, ApiError, type EventRecorder } from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../lib/metrics.ts';
import { steadyClock } from '../../lib/steady-clock.ts';
import type { OperatorSettings } from './facts.ts';
import { type JobCopies, jobCopies } from './job-copies.ts';
import { jobFigures } from './job-figures.ts';
import { type JobMetrics, jobMetrics } from './job-metrics.ts';
import { JobRest } from './job-rest.ts';
import { ownRightsController } from './own-rights.ts';
import { FlinkJobReconciler, type JobReport } from './reconciler.ts';

/** What the controller of FlinkJobs is made of. */
export interface FlinkJobControllerOptions {
  readonly client: ApiClient;
  readonly namespaces: readonly string[] | 'all';
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly newId: () => string;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly settings: OperatorSettings;
  /** Jobs with metrics of their own. @default 1000 */
  readonly mostJobsMeasured?: number;
}

const MOST_JOBS_MEASURED = 1_000;

/**
 * The controller, the copies it needs, and, where not all namespaces are looked after, what keeps the operator's own rights in
 * them; nothing is started.
 */
export function flinkJobController(options: FlinkJobControllerOptions): {
  readonly controller: Controller;
  readonly rights: Controller | undefined;
  readonly informers: readonly Informer[];
} {
  const { client, namespaces, random, newId, metrics, log, events, settings } = options;
  // Deadlines of stops, restarts and roll-backs are instants on record: a clock that is set is to move none of them.
  const clock = steadyClock(options.clock);
  const measured = jobMetrics(metrics, { cap: options.mostJobsMeasured ?? MOST_JOBS_MEASURED, clock });
  const trouble = (error: Error): void => log.warn('a watch was interrupted and goes on', { cause: messageOf(error) });
  const scopes: readonly (string | undefined)[] = namespaces === 'all' ? [undefined] : namespaces;
  const copies = new Map(
    scopes.map((namespace) => [namespace, jobCopies({ client, namespace, clock, random, metrics, trouble })]),
  );
  const copiesOf = (namespace: string): JobCopies => {
    const found = copies.get(namespaces === 'all' ? undefined : namespace);
    if (found === undefined) throw new TypeError(`namespace ${namespace} is not watched`);
    return found;
  };
  const rest = new JobRest({ port: DEFAULT_REST_PORT, timeoutMs: settings.restTimeoutMs, now: () => clock.now() });
  const reconciler = new FlinkJobReconciler({
    copiesOf,
    rest,
    settings,
    clock,
    random,
    events,
    log,
    report: (key, seen) => measure(measured, key, seen),
  });
  const controller = new Controller({
    name: 'flinkjob',
    client,
    sources: [...copies.values()].flatMap(({ sources }) => sources),
    reconcile: (key, context) => reconciler.reconcile(key, context),
    workers: settings.workers,
    clock,
    random,
    newId,
    metrics,
    trouble: ({ key, error }) => {
      const told = { ...reconciler.logFacts(key), cause: messageOf(error) };
      // Nobody has to do anything about it, or could: somebody else was first, and it is decided anew.
      if (error instanceof ApiError && error.isConflict) log.debug('another write came first', told);
      else log.warn('a reconcile failed', told);
    },
  });
  const jobs = new Map([...copies].flatMap(([name, copy]) => (name === undefined ? [] : [[name, copy.jobs] as const])));
  const rights =
    jobs.size === 0
      ? undefined
      : ownRightsController({
          jobs,
          client,
          clock,
          random,
          newId,
          metrics,
          trouble: ({ key, error }) =>
            log.warn('the finalizers of the rights in a namespace were not changed', {
              role: key,
              cause: messageOf(error),
            }),
        });
  return { controller, rights, informers: [...copies.values()].flatMap(({ informers }) => informers) };
}

function measure(jobs: JobMetrics, key: ObjectKey, seen: JobReport | undefined): void {
  const { namespace = '', name } = refOf(key);
  if (seen === undefined) jobs.gone({ namespace, name });
  else jobs.report(jobFigures(seen.facts, seen.status));
}
