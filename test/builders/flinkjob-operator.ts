/** The controller of FlinkJobs in the process of a test, on the test cluster, and jobs for it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { FlinkJobStatus } from '../../src/api/index.ts';
import { type ApiClient, apiVersionOf, FLINK_JOBS, type FlinkJobObject, PODS, type Pod } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { noMetrics } from '../../src/lib/metrics.ts';
import { type FlinkJobControllerOptions, flinkJobController } from '../../src/reconcilers/flinkjob/controller.ts';
import type { OperatorSettings } from '../../src/reconcilers/flinkjob/facts.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiServer, shippedDefinition } from '../integration/crd/definition.ts';
import { pauseBetweenLooks } from './eventually.ts';
import { aClient, tokenConnection } from './kube.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

const signal = new AbortController().signal;

/** What happened, as it was told. */
export interface ToldEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly name: string;
}

export const TEST_SETTINGS: OperatorSettings = {
  image: 'example.org/flinkjob:test',
  workers: 4,
  restPollMs: 500,
  restTimeoutMs: 5_000,
  stabilityMs: 300,
  upgradeDeadlineMs: 20_000,
  savepointDeadlineMs: 30_000,
  readyHysteresisMs: 10_000,
  checkpointStatusMs: 600_000,
  network: { operatorNamespace: 'operators', apiServer: [] },
};

/** The definition of FlinkJob is on the cluster. */
export async function definedFlinkJobs(cluster: TestCluster): Promise<void> {
  const { applied } = await new ApiServer(cluster).define(shippedDefinition());
  if (applied.status >= 300) throw new Error(`the definition was refused: ${JSON.stringify(applied.body)}`);
}

/** How a test starts an operator. */
export type OperatorOptions = {
  readonly namespace: string;
  readonly client: ApiClient;
  readonly settings?: Partial<OperatorSettings>;
  /** Whether it keeps its own Role and RoleBinding while there are jobs. @default false: a test has none */
  readonly keepsRights?: boolean;
} & Partial<Omit<FlinkJobControllerOptions, 'settings' | 'client'>>;

/** An operator for one namespace; stops after the test, or when it is told to. */
export async function anOperator(cluster: TestCluster, options: Omit<OperatorOptions, 'client'>) {
  await definedFlinkJobs(cluster);
  const client = aClient(tokenConnection(cluster), { fieldManager: 'flinkjob-operator' });
  const operator = await startOperator({ client, ...options });
  onTestFinished(operator.stop);
  return operator;
}

/** An operator for one namespace, until it is told to stop. */
export async function startOperator({
  namespace,
  settings = {},
  client,
  keepsRights = false,
  ...more
}: OperatorOptions) {
  const told: ToldEvent[] = [];
  const lines: string[] = [];
  const { controller, rights, informers } = flinkJobController({
    client,
    namespaces: [namespace],
    clock: systemClock,
    random: Math.random,
    newId: () => crypto.randomUUID(),
    metrics: noMetrics,
    log: linesInto(lines),
    events: { event: ({ name }, type, reason, _, note) => told.push({ name, type, reason, note }) },
    settings: { ...TEST_SETTINGS, ...settings },
    ...more,
  });
  const [stop, drain, abort] = [new AbortController(), new AbortController(), new AbortController()];
  const watching = informers.map((informer) => informer.run(stop.signal));
  const controllers = keepsRights && rights !== undefined ? [controller, rights] : [controller];
  const working = Promise.all(controllers.map((each) => each.run({ drain: drain.signal, abort: abort.signal })));
  const end = async () => {
    drain.abort();
    abort.abort();
    await working;
    stop.abort();
    await Promise.all(watching);
  };
  return { client, told, lines, stop: end };
}

function linesInto(lines: string[]): Logger {
  const line = (level: string) => (message: string, facts?: object) => {
    lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
  };
  const log: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: () => log,
  };
  return log;
}

/** A FlinkJob on the cluster, as a person has it. It runs until its gate is opened. */
export class AppliedJob {
  readonly namespace: string;
  readonly name: string;
  readonly directory = aTemporaryDirectory();
  readonly client: ApiClient;
  #spec: Readonly<Record<string, unknown>> = {};

  constructor(cluster: TestCluster, namespace: string, name = 'counts') {
    this.namespace = namespace;
    this.name = name;
    this.client = aClient(tokenConnection(cluster), { fieldManager: 'kubectl' });
  }

  get gate(): string {
    return join(this.directory, 'gate');
  }

  get storageUri(): string {
    return pathToFileURL(join(this.directory, 'storage')).href;
  }

  /** Applies the job; what is named here stays so in later calls. */
  async apply(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    this.#spec = { ...this.#spec, ...spec };
    const whole = {
      typescript: { module: 'test/fixtures/jobs/gated-counts.ts' },
      args: [this.gate],
      storage: { uri: this.storageUri },
      checkpoints: { interval: '100ms' },
      highAvailability: { standbys: 0 },
      ...this.#spec,
    };
    const object = { metadata: { namespace: this.namespace, name: this.name }, spec: whole };
    await this.client.apply(FLINK_JOBS, object as FlinkJobObject, { signal, force: true });
  }

  async delete(): Promise<void> {
    await this.client.delete(FLINK_JOBS, this, { signal });
  }

  async read(): Promise<FlinkJobObject | undefined> {
    return this.client.get(FLINK_JOBS, this, { signal });
  }

  async status(): Promise<FlinkJobStatus | undefined> {
    return (await this.read())?.status;
  }

  async pods(): Promise<readonly Pod[]> {
    const { namespace } = this;
    return (await this.client.list(PODS, { signal, namespace, labelSelector: `flinkjob.dev/job=${this.name}` })).items;
  }

  /** Waits for a status of the newest generation that fits; fails with the last one seen. */
  async until(fits: (status: FlinkJobStatus) => boolean, deadlineMs = 60_000): Promise<FlinkJobStatus> {
    const begun = performance.now();
    for (;;) {
      const job = await this.read();
      const { status, metadata } = job ?? {};
      if (status !== undefined && status.observedGeneration === metadata?.generation && fits(status)) return status;
      if (performance.now() - begun > deadlineMs)
        throw new Error(`${apiVersionOf(FLINK_JOBS)} ${this.name}: ${JSON.stringify(status)}`);
      await pauseBetweenLooks(begun, 20);
    }
  }

  /** Waits until the job is in a phase. */
  phase(phase: FlinkJobStatus['phase'], deadlineMs?: number): Promise<FlinkJobStatus> {
    return this.until((status) => status.phase === phase, deadlineMs);
  }

  async untilGone(deadlineMs = 60_000): Promise<void> {
    const begun = performance.now();
    while ((await this.read()) !== undefined) {
      if (performance.now() - begun > deadlineMs)
        throw new Error(`${this.name} is still there: ${JSON.stringify((await this.read())?.status)}`);
      await pauseBetweenLooks(begun, 20);
    }
  }
}
