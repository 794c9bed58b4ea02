/** The parts of an operator, put together and run until they are told to stop. See README.md. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ReadConfig } from '../../config/index.ts';
import {
  auditInRounds,
  type Leadership,
  Manager,
  type ManagerPhase,
  measureEventLoop,
} from '../../controller/index.ts';
import { LeaseElector } from '../../election/index.ts';
import { ApiClient, ApiEventRecorder, type ClusterConnection, openConnection } from '../../kube/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { PrometheusMetrics, processMetrics } from '../../observability/index.ts';
import { type FlinkJobControllerOptions, flinkJobController } from '../../reconcilers/flinkjob/controller.ts';
import { Endpoints } from './endpoints.ts';
import { requestMetrics } from './request-metrics.ts';

/** What an operator runs on. */
export interface OperatorFacts extends Pick<ReadConfig, 'config'> {
  readonly version: string;
  readonly log: Logger;
  /** For the connection: `KUBECONFIG` and others that every client of Kubernetes reads. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** In order. */
  readonly stop: AbortSignal;
  /** At once. */
  readonly now: AbortSignal;
}

type Config = OperatorFacts['config'];

const FIELD_MANAGER = 'flinkjob-operator';

const PHASES: Readonly<Record<ManagerPhase, string>> = {
  syncing: 'reads what there is',
  standingBy: 'stands by for the lease',
  leading: 'leads',
  draining: 'ends what is in work',
  stopping: 'stops',
  stopped: 'has stopped',
};

/** Runs until it is told to stop. Throws what it cannot go on with: the process has to end then. */
export async function runOperator(facts: OperatorFacts): Promise<'stopped' | 'endedNow'> {
  const { config, environment, log, version } = facts;
  const { kubeconfig, context } = config;
  const connection = await openConnection({
    environment,
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  const namespaces = config.namespaces === 'own' ? [connection.namespace] : config.namespaces;
  log.info('connects', { cluster: connection.origin, server: connection.server, namespaces });
  const metrics = new PrometheusMetrics();
  const client = ApiClient.for(connection, {
    fieldManager: FIELD_MANAGER,
    userAgent: `${FIELD_MANAGER}/${version}`,
    observe: requestMetrics(metrics),
  });
  return work(facts, { connection, namespaces, metrics, client });
}

interface Parts {
  readonly connection: ClusterConnection;
  readonly namespaces: readonly string[] | 'all';
  readonly metrics: PrometheusMetrics;
  readonly client: ApiClient;
}

async function work(facts: OperatorFacts, parts: Parts): Promise<'stopped' | 'endedNow'> {
  const { config, log, version, stop, now } = facts;
  const { client, metrics } = parts;
  const warn = (message: string) => (error: Error) => log.warn(message, { cause: messageOf(error) });
  // Who asks for the longest delay begins a new measurement: each has a meter of its own.
  const [forProbes, forMetrics] = [measureEventLoop(systemClock), measureEventLoop(systemClock)];
  const stopCounting = processMetrics(metrics, { version, eventLoopDelayMs: () => forMetrics.longestDelayMs() });
  const events = new ApiEventRecorder({
    client,
    instance: hostname(),
    clock: systemClock,
    random: Math.random,
    metrics,
    trouble: warn('an event was not written'),
  });
  const stopEvents = new AbortController();
  const recording = events.run(stopEvents.signal);
  const { controller, rights, informers } = flinkJobController({
    client,
    namespaces: parts.namespaces,
    clock: systemClock,
    random: Math.random,
    newId: randomUUID,
    metrics,
    log,
    events,
    settings: settingsOf(config, version, parts.connection.namespace),
    mostJobsMeasured: config.metrics.mostJobs,
  });
  const leadership = leadershipOf(config, parts, warn('the lease could not be asked for'));
  const manager = new Manager({
    informers,
    controllers: rights === undefined ? [controller] : [controller, rights],
    ...(leadership !== undefined && { leadership }),
    probes: new Endpoints({
      health: config.health,
      metrics: config.metrics,
      metricsPage: () => metrics.page(),
      listening: (ports) => log.info('listens', ports),
    }),
    beside: (signal) =>
      auditInRounds(informers, {
        signal,
        clock: systemClock,
        random: Math.random,
        metrics,
        found: (resource, keys) =>
          log.warn('a copy was not what the server has, and is now', { resource, objects: keys }),
        trouble: (resource, error) =>
          log.warn('a copy could not be compared with the server', { resource, cause: messageOf(error) }),
      }),
    flush: (signal) => events.flush(signal),
    syncTimeoutMs: config.reconcile.syncTimeoutMs,
    drainMs: config.drainMs,
    clock: systemClock,
    eventLoopDelayMs: () => forProbes.longestDelayMs(),
    metrics,
    tell: (phase) => log.info(PHASES[phase], { phase }),
    trouble: warn('stopping did not go as it should'),
  });
  try {
    return await manager.run({ stop, now });
  } finally {
    stopEvents.abort();
    for (const meter of [forProbes, forMetrics]) meter.stop();
    stopCounting();
    if (!now.aborted) await Promise.all([recording, client.close()]);
  }
}

/** What reconciliation takes of the configuration. */
function settingsOf(
  { jobs, reconcile, rest }: Config,
  version: string,
  operatorNamespace: string,
): FlinkJobControllerOptions['settings'] {
  const { image = `flinkjob:${version}`, hasNetworkPolicy, apiServerAddresses: apiServer, ...others } = jobs;
  return {
    ...others,
    network: hasNetworkPolicy ? { operatorNamespace, apiServer } : undefined,
    image,
    workers: reconcile.workers,
    restPollMs: rest.pollIntervalMs,
    restTimeoutMs: rest.timeoutMs,
  };
}

/** Absent where it is said that there is never a second operator. */
function leadershipOf(
  { leaderElection }: Config,
  { client, connection }: Parts,
  trouble: (error: Error) => void,
): Leadership | undefined {
  const { isEnabled, name, durationMs, renewDeadlineMs, retryMs } = leaderElection;
  if (!isEnabled) return undefined;
  const times = { durationMs, renewDeadlineMs, retryMs };
  const elector = new LeaseElector({
    client,
    namespace: connection.namespace,
    name,
    // Pods are named after their host; a container that was started again is another contender.
    identity: `${hostname()}_${randomUUID()}`,
    times,
    clock: systemClock,
    random: Math.random,
    trouble,
  });
  return { name, elector, gate: elector.gate, times };
}
