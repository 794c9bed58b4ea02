/**
 * One life of a FlinkJob under an operator that may be killed at one of its requests, and how the world looked at each stage
 * of it. The pods are played, the API server is real. Whoever goes on after the kill is another operator, which knows nothing.
 */
import { ApiClient, CONFIG_MAPS, FLINK_JOBS, type FlinkJobObject, PODS } from '../../src/kube/index.ts';
import { storagePodName } from '../../src/resources/index.ts';
import { pauseBetweenLooks } from '../builders/eventually.ts';
import { startOperator, TEST_SETTINGS } from '../builders/flinkjob-operator.ts';
import { tokenConnection } from '../builders/kube.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiProxy } from '../faults/api/api-proxy.ts';
import { NodeSimulator, playedJobs } from '../node-simulator/index.ts';
import { ledgerOf, namesOf, worldOf } from '../oracles/world.ts';

/** Which request of the operator is its last, and whether the server still sees it. */
export interface Kill {
  /** Counted from 1; watches and lists do not count. */
  readonly request: number;
  readonly is: 'before' | 'after';
}

/** What there was at each stage, without what differs from life to life. */
export type LifeRecord = Readonly<Record<string, unknown>>;

export interface Life {
  readonly stages: LifeRecord;
  /** Requests of the operator, those of the second one included. */
  readonly requests: number;
  readonly wasKilled: boolean;
}

const signal = new AbortController().signal;
const DEADLINE_MS = 60_000;
const COUNTED = ['get', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;
const JOB = 'flights';

const SPEC = {
  typescript: { module: 'dist/flights.js' },
  args: ['first'],
  storage: { uri: 's3://bucket/jobs' },
  highAvailability: { standbys: 1 },
  upgrade: { mode: 'Savepoint' },
  checkpoints: { interval: '60s' },
  deletion: { storage: 'Delete' },
};

/** The stages: what is asked for, and when it is reached. */
const SCRIPT: readonly {
  readonly stage: string;
  readonly spec: object;
  reached(job: FlinkJobObject): boolean;
}[] = [
  { stage: 'running', spec: {}, reached: isStable(1) },
  { stage: 'upgraded', spec: { args: ['second'] }, reached: isStable(2) },
  { stage: 'suspended', spec: { state: 'Suspended' }, reached: ({ status }) => status?.phase === 'Suspended' },
  { stage: 'resumed', spec: { state: 'Running' }, reached: isStable(3) },
  {
    stage: 'saved',
    spec: { triggers: { savepoint: 1 } },
    reached: ({ status }) => status?.handledTriggers?.savepoint === 1,
  },
];

function isStable(attempt: number): (job: FlinkJobObject) => boolean {
  return ({ status }) =>
    status?.phase === 'Running' && status.attempt?.number === attempt && status.upgrade === undefined;
}

/** Lives it. Throws when a stage is not reached. */
export async function liveOnce(
  cluster: TestCluster,
  kill: Kill | undefined,
  /** At the same time, as when a lease is of no use. */
  operatorsAtOnce = 1,
): Promise<Life> {
  const namespace = await cluster.namespace();
  const played = playedJobs();
  const simulator = await NodeSimulator.start({ access: cluster.access, namespaces: [namespace], nodes: 1, played });
  const user = ApiClient.for(tokenConnection(cluster), { fieldManager: 'kubectl' });
  const operators = new Operators(cluster, namespace);
  const ref = { namespace, name: JOB };
  const stages: Record<string, unknown> = {};
  try {
    await operators.start(kill);
    for (let more = 1; more < operatorsAtOnce; more++) await operators.start(undefined);
    let spec: object = SPEC;
    for (const { stage, spec: change, reached } of SCRIPT) {
      spec = { ...spec, ...change };
      await user.apply(FLINK_JOBS, { metadata: { namespace, name: JOB }, spec } as FlinkJobObject, {
        signal,
        force: true,
      });
      await until(`${stage} ${JSON.stringify(kill)}`, async () => {
        const job = await user.get(FLINK_JOBS, { namespace, name: JOB }, { signal });
        const isNew = job?.status?.observedGeneration === job?.metadata?.generation;
        return job !== undefined && isNew && reached(job) ? undefined : JSON.stringify(job?.status);
      });
      // A revision that runs is noted to be good a moment later.
      await until(`${stage}, stable ${JSON.stringify(kill)}`, async () => {
        const { attempts = [], revisions } = await ledgerOf(user, ref);
        return revisions?.stable === attempts.at(-1)?.revision ? undefined : JSON.stringify(revisions ?? {});
      });
      stages[stage] = await worldOf(user, ref);
    }
    await user.delete(FLINK_JOBS, { namespace, name: JOB }, { signal });
    await until(`deleted ${JSON.stringify(kill)}`, async () => {
      const job = await user.get(FLINK_JOBS, { namespace, name: JOB }, { signal });
      return job === undefined ? undefined : JSON.stringify(job);
    });
    const left = await user.get(CONFIG_MAPS, { namespace, name: `${JOB}-ha` }, { signal });
    // Where a garbage collector runs the pod that removed what was stored has gone with the job; it did its work all the same.
    const remover = storagePodName(JOB, 'removeBytes');
    const { terminated } = await simulator.pod(remover, namespace);
    const pods = (await namesOf(user, PODS, ref)).filter((name) => name !== remover);
    stages['deleted'] = { handles: left === undefined ? 'gone' : 'left', pods, storageWork: terminated?.exitCode };
    return { stages, requests: operators.requests, wasKilled: operators.wasKilled };
  } finally {
    await operators.stop();
    await simulator.stop();
    await user.close();
  }
}

/** The operator, and the one after it. */
class Operators {
  readonly #cluster: TestCluster;
  readonly #namespace: string;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #proxies: ApiProxy[] = [];
  #succession: Promise<void> = Promise.resolve();
  wasKilled = false;

  constructor(cluster: TestCluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  get requests(): number {
    return this.#proxies.reduce((sum, proxy) => sum + proxy.count({ verb: [...COUNTED] }), 0);
  }

  async start(kill: Kill | undefined): Promise<void> {
    const proxy = await ApiProxy.start(this.#cluster.access);
    this.#proxies.push(proxy);
    const client = ApiClient.for(tokenConnection(this.#cluster, { server: proxy.url }), {
      fieldManager: 'flinkjob-operator',
    });
    const operator = await startOperator({
      client,
      namespace: this.#namespace,
      settings: { ...TEST_SETTINGS, stabilityMs: 50, restPollMs: 500 },
    });
    this.#ends.push(async () => {
      await operator.stop();
      await client.close();
      await proxy.stop();
    });
    if (kill === undefined) return;
    const fault = { do: kill.is === 'before' ? 'dropBefore' : 'dropAfter' } as const;
    const rule = proxy.inject({ verb: [...COUNTED], from: kill.request, times: 1, fault });
    this.#succession = rule.firstHit.then(async () => {
      // From here on nothing of it reaches the server.
      this.wasKilled = true;
      await proxy.goDown();
      await operator.stop();
      await this.start(undefined);
    });
  }

  async stop(): Promise<void> {
    if (this.wasKilled) await this.#succession;
    for (const end of this.#ends) await end();
  }
}

/** Waits until there is nothing that is missing. */
async function until(what: string, missing: () => Promise<string | undefined>): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const found = await missing();
    if (found === undefined) return;
    if (performance.now() - begun > DEADLINE_MS) throw new Error(`${what} was not reached: ${found}`);
    await pauseBetweenLooks(begun, 20);
  }
}
