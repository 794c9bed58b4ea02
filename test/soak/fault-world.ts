/**
 * A job that is played, its operator behind a proxy at which everything can go wrong, and what must hold afterwards whatever
 * did: the oracles, all of them, in `holds`. Knows no test runner, so that soak runs use it too.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { FlinkJobStatus } from '../../src/api/index.ts';
import { ApiClient, type ApiClientOptions, FLINK_JOBS, type FlinkJobObject } from '../../src/kube/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { OperatorSettings } from '../../src/reconcilers/flinkjob/facts.ts';
import { pauseBetweenLooks } from '../builders/eventually.ts';
import { startOperator, TEST_SETTINGS } from '../builders/flinkjob-operator.ts';
import { tokenConnection } from '../builders/kube.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiProxy, type PassedRequest } from '../faults/api/api-proxy.ts';
import { NodeSimulator, type Play, type Pod, playedJobs } from '../node-simulator/index.ts';
import { AttemptWatch } from '../oracles/one-attempt.ts';
import { creationsAndDeletions, isWrite, mostWithin } from '../oracles/requests.ts';
import { acceptedWrites } from '../oracles/single-writer.ts';
import { type JobRef, ledgerOf, worldOf } from '../oracles/world.ts';

/** How a world is made. */
export interface FaultWorldOptions {
  /** @default counts */
  readonly name?: string;
  readonly settings?: Partial<OperatorSettings>;
  readonly clock?: Clock;
  /** @default every pod is a played job */
  readonly played?: (pod: Pod) => Play | undefined;
  /** Of the operator's client. */
  readonly client?: Partial<ApiClientOptions>;
}

type Spec = Readonly<Record<string, unknown>>;
type Running = Awaited<ReturnType<typeof startOperator>>;

const signal = new AbortController().signal;
const DEADLINE_MS = 30_000;
/** After so long without a request it is taken to rest. */
const REST_MS = 700;
/** An operator that asks for more than this in a second runs hot: a life takes about fifty. */
const MOST_PER_SECOND = 120;
/** Lines of the log that say the same. */
const MOST_SAME_LINES = 60;

const SPEC: Spec = {
  typescript: { module: 'dist/counts.js' },
  args: ['first'],
  storage: { uri: 's3://bucket/jobs' },
  highAvailability: { standbys: 0 },
  checkpoints: { interval: '60s' },
};

/** One namespace with one job, its pods, its operators. Stop it. */
export class FaultWorld {
  readonly cluster: TestCluster;
  readonly ref: JobRef;
  readonly user: ApiClient;
  readonly simulator: NodeSimulator;
  readonly proxy: ApiProxy;
  readonly #options: FaultWorldOptions;
  readonly #attempts: AttemptWatch;
  #operators: { readonly running: Running; readonly client: ApiClient }[] = [];
  #spec: Spec = SPEC;

  private constructor(facts: {
    readonly cluster: TestCluster;
    readonly ref: JobRef;
    readonly simulator: NodeSimulator;
    readonly proxy: ApiProxy;
    readonly options: FaultWorldOptions;
  }) {
    this.cluster = facts.cluster;
    this.ref = facts.ref;
    this.simulator = facts.simulator;
    this.proxy = facts.proxy;
    this.#options = facts.options;
    this.user = ApiClient.for(tokenConnection(facts.cluster), { fieldManager: 'kubectl' });
    this.#attempts = new AttemptWatch(this.user, facts.ref.namespace);
  }

  /** With an operator that works. */
  static async start(cluster: TestCluster, options: FaultWorldOptions = {}): Promise<FaultWorld> {
    const namespace = await cluster.namespace();
    const { played = playedJobs() } = options;
    const time = options.clock === undefined ? {} : { clock: options.clock };
    const where = { access: cluster.access, namespaces: [namespace], nodes: 1 };
    const simulator = await NodeSimulator.start({ ...where, ...time, played });
    const ref = { namespace, name: options.name ?? 'counts' };
    const proxy = await ApiProxy.start(cluster.access);
    const world = new FaultWorld({ cluster, ref, simulator, proxy, options });
    await world.startOperator();
    return world;
  }

  // The operator

  /** Another one, which knows nothing. Behind the same proxy, unless another one is given. */
  async startOperator(proxy: ApiProxy = this.proxy): Promise<void> {
    const client = ApiClient.for(tokenConnection(this.cluster, { server: proxy.url }), {
      fieldManager: 'flinkjob-operator',
      ...this.#options.client,
    });
    const { settings, clock } = this.#options;
    const running = await startOperator({
      client,
      namespace: this.ref.namespace,
      settings: { ...TEST_SETTINGS, stabilityMs: 50, restPollMs: 500, ...settings },
      ...(clock === undefined ? {} : { clock }),
    });
    this.#operators.push({ running, client });
  }

  /** Ends all of them. */
  async stopOperators(): Promise<void> {
    for (const { running, client } of this.#operators.splice(0)) {
      await running.stop();
      await client.close();
    }
  }

  /** What the operator asked for, watches and lists apart. */
  get requests(): readonly PassedRequest[] {
    return this.proxy.requests.filter(({ verb }) => verb !== 'watch' && verb !== 'list');
  }

  get told(): readonly string[] {
    return this.#operators.flatMap(({ running }) => running.told.map(({ reason }) => reason));
  }

  get lines(): readonly string[] {
    return this.#operators.flatMap(({ running }) => running.lines);
  }

  // What a person does

  /** What is named stays so in later calls. */
  async apply(spec: Spec = {}): Promise<void> {
    this.#spec = { ...this.#spec, ...spec };
    const object = { metadata: this.ref, spec: this.#spec } as FlinkJobObject;
    await this.user.apply(FLINK_JOBS, object, { signal, force: true });
  }

  async delete(): Promise<void> {
    await this.user.delete(FLINK_JOBS, this.ref, { signal });
  }

  /** As `kubectl patch --type merge`. */
  async patch(body: object): Promise<void> {
    await this.user.mergePatch(FLINK_JOBS, this.ref, body, { signal });
  }

  /** A change that is none, so that the job is looked at. */
  async poke(): Promise<void> {
    await this.patch({ metadata: { annotations: { poked: crypto.randomUUID() } } });
  }

  // What is there

  async job(): Promise<FlinkJobObject | undefined> {
    return this.user.get(FLINK_JOBS, this.ref, { signal });
  }

  async status(): Promise<FlinkJobStatus | undefined> {
    return (await this.job())?.status;
  }

  ledger(): ReturnType<typeof ledgerOf> {
    return ledgerOf(this.user, this.ref);
  }

  world(): Promise<unknown> {
    return worldOf(this.user, this.ref);
  }

  /** Waits for a status of the newest generation that fits. */
  async until(
    what: string,
    fits: (status: FlinkJobStatus) => boolean,
    deadlineMs = DEADLINE_MS,
  ): Promise<FlinkJobStatus> {
    const begun = performance.now();
    for (;;) {
      const job = await this.job();
      const { status, metadata } = job ?? {};
      if (status !== undefined && status.observedGeneration === metadata?.generation && fits(status)) return status;
      if (performance.now() - begun > deadlineMs)
        throw new Error(`${what} did not come: ${JSON.stringify(status)}\n${this.lines.slice(-5).join('\n')}`);
      await pauseBetweenLooks(begun, 20);
    }
  }

  /** Waits for any condition. */
  async when(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
    const begun = performance.now();
    while (!(await holds())) {
      if (performance.now() - begun > deadlineMs)
        throw new Error(`${what} did not come: ${JSON.stringify(await this.status())}`);
      await pauseBetweenLooks(begun, 20);
    }
  }

  /** The job runs in this attempt, and its revision has proved itself. */
  async runs(attempt: number, deadlineMs?: number): Promise<FlinkJobStatus> {
    await this.until(
      `attempt ${attempt}`,
      ({ phase, attempt: now, upgrade }) => phase === 'Running' && now?.number === attempt && upgrade === undefined,
      deadlineMs,
    );
    await this.when('a revision that has proved itself', async () => {
      const { attempts = [], revisions } = await this.ledger();
      return revisions?.stable === attempts.at(-1)?.revision;
    });
    return this.until('running', () => true);
  }

  async gone(deadlineMs?: number): Promise<void> {
    await this.when('the end of the job', async () => (await this.job()) === undefined, deadlineMs);
  }

  /** The short life that most faults are tried on: it begins, runs, and goes on with another revision. */
  async shortLife(): Promise<unknown> {
    await this.apply({ upgrade: { mode: 'Savepoint' } });
    await this.runs(1);
    await this.apply({ args: ['second'] });
    await this.runs(2);
    return this.end();
  }

  /** How it is once nothing happens any more. */
  async end(): Promise<unknown> {
    await this.rests();
    return this.world();
  }

  /** Waits until the operator has asked for nothing for a while. */
  async rests(): Promise<void> {
    const quietFor = (): number => {
      const last = this.requests.at(-1);
      return last === undefined ? REST_MS : this.proxy.nowMs - (last.answeredAtMs ?? last.receivedAtMs);
    };
    await this.when('rest', () => quietFor() >= REST_MS);
  }

  /**
   * With no more faults: what must hold of every world. It comes to rest, and then writes nothing, however often it looks; one
   * attempt was alive at a time; epochs only grew; the log repeats nothing without end; no second was full of requests.
   * @returns what does not hold
   */
  async holds(): Promise<readonly string[]> {
    this.proxy.heal();
    await this.rests();
    const before = this.proxy.requests.length;
    const job = await this.job();
    if (job !== undefined) {
      for (let look = 0; look < 3; look++) {
        await this.poke();
        await pause(60);
      }
      await this.rests();
    }
    const writes = this.proxy.requests.slice(before).filter(isWrite);
    const busiest = mostWithin(this.requests, 1_000);
    return [
      ...writes.map(
        ({ verb, resource, name, subresource = '' }) =>
          `it rests, and asks to ${verb} ${resource} ${name} ${subresource}`,
      ),
      ...this.#attempts.violations,
      ...this.#fallenEpochs(),
      ...repeated(this.lines),
      ...(busiest > MOST_PER_SECOND ? [`${busiest} requests in a second`] : []),
    ];
  }

  #fallenEpochs(): readonly string[] {
    const { namespace, name } = this.ref;
    const writes = acceptedWrites(
      this.cluster.auditEvents(({ objectRef }) => objectRef?.namespace === namespace),
      { namespace, name: `${name}-ha` },
    );
    return writes.flatMap(({ epoch, uid }, at) => {
      const before = writes.slice(0, at).filter((write) => write.uid === uid);
      const highest = Math.max(0, ...before.map((write) => write.epoch));
      return epoch < highest ? [`a write of epoch ${epoch} was accepted after one of ${highest}`] : [];
    });
  }

  /** How often objects were made and removed. */
  get creationsAndDeletions(): Readonly<Record<string, number>> {
    return creationsAndDeletions(this.proxy.requests);
  }

  async stop(): Promise<void> {
    this.proxy.heal();
    await this.stopOperators();
    await this.#attempts.stop();
    await this.simulator.stop();
    await this.user.close();
    await this.proxy.stop();
  }
}

/** Messages of the log that were told too often, without what differs from line to line. */
function repeated(lines: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of lines.filter((each) => !each.startsWith('debug'))) {
    const text = line.replaceAll(/[0-9a-f]{8,}|\d+/g, '#');
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > MOST_SAME_LINES).map(([text, count]) => `${count} times: ${text}`);
}
