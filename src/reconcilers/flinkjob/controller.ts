/** The controller of FlinkJobs, put together: copies, sources, reconciler. */
import { DEFAULT_REST_PORT } from '../../api/index.ts';
import { Controller, type ManagedInformer, type ObjectKey } from '../../controller/index.ts';
import type { ApiClient } from '../../kube/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { FlinkJobFacts, OperatorSettings } from './facts.ts';
import { type JobCopies, jobCopies } from './job-copies.ts';
import { JobRest } from './job-rest.ts';
import { FlinkJobReconciler, type JobEvents } from './reconciler.ts';

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
  readonly events: JobEvents;
  readonly settings: OperatorSettings;
  /** Told how each job stands; undefined: it is gone. */
  readonly report?: (key: ObjectKey, facts: FlinkJobFacts | undefined) => void;
}

/** The controller, and the copies it needs; nothing is started. */
export function flinkJobController(options: FlinkJobControllerOptions): {
  readonly controller: Controller;
  readonly informers: readonly ManagedInformer[];
} {
  const { client, namespaces, clock, random, newId, metrics, log, events, settings, report } = options;
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
    ...(report === undefined ? {} : { report }),
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
    trouble: ({ key, error }) => log.warn('a reconcile failed', { job: key, cause: messageOf(error) }),
  });
  return { controller, informers: [...copies.values()].flatMap(({ informers }) => informers) };
}
