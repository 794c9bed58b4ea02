/**
 * Where one measurement takes place: a namespace of its own on a real API server, an operator that works for it through a
 * counting proxy, jobs that are played by another process, and a person who applies them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FlinkJobStatus } from '../../src/api/index.ts';
import { Informer } from '../../src/controller/index.ts';
import { ApiClient, FLINK_JOBS, type FlinkJobObject } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { TestCluster } from '../../test/cluster/index.ts';
import { ApiProxy, type PassedRequest } from '../../test/faults/api/api-proxy.ts';
import { type OperatorPlace, OperatorProcess, type OperatorStart } from './operator-process.ts';
import type { SimulatorAnswer, SimulatorOrder, SimulatorQuestion } from './simulator-process.ts';

/** What all places share. */
export interface Bench {
  readonly cluster: TestCluster;
  readonly scratch: string;
  /** `main.js` of the image. */
  readonly main: string;
}

export interface PlaceOptions {
  /** Whether pods get anywhere. @default true */
  readonly pods?: boolean;
}

const ACCOUNT = 'flinkjob-operator';
/** A job that its pods play: its module is never loaded, its storage never opened. Deleted it takes no savepoint. */
const SPEC = {
  typescript: { module: 'job.js' },
  storage: { uri: 's3://bucket/jobs' },
  upgrade: { mode: 'Stateless' },
  deletion: { mode: 'Cancel' },
};
const { signal } = new AbortController();

export class Place implements AsyncDisposable {
  readonly namespace: string;
  readonly proxy: ApiProxy;
  readonly #bench: Bench;
  readonly #token: string;
  readonly #user: ApiClient;
  readonly #jobs: Informer<FlinkJobObject>;
  readonly #watching: Promise<void>;
  readonly #stop = new AbortController();
  readonly #looks = new Set<() => void>();
  readonly #operators = new Set<OperatorProcess>();
  readonly #proxies: ApiProxy[] = [];
  #simulator: ChildProcess | undefined;

  private constructor(bench: Bench, parts: { namespace: string; token: string; proxy: ApiProxy }) {
    this.#bench = bench;
    this.namespace = parts.namespace;
    this.proxy = parts.proxy;
    this.#proxies.push(parts.proxy);
    this.#token = parts.token;
    this.#user = ApiClient.for(this.#adminAt(parts.proxy.url), { fieldManager: 'kubectl' });
    this.#jobs = new Informer<FlinkJobObject>({
      client: this.#user,
      resource: FLINK_JOBS,
      selection: { namespace: parts.namespace },
      clock: systemClock,
      random: Math.random,
    });
    const look = (): void => {
      for (const each of this.#looks) each();
    };
    this.#jobs.addHandler({ onAdd: look, onUpdate: look, onDelete: look });
    this.#watching = this.#jobs.run(this.#stop.signal);
  }

  static async open(bench: Bench, { pods = true }: PlaceOptions = {}): Promise<Place> {
    const { cluster } = bench;
    const namespace = await cluster.namespace();
    await cluster.serviceAccount(namespace, ACCOUNT);
    const token = await cluster.tokenFor(namespace, ACCOUNT, 6 * 3_600_000);
    const place = new Place(bench, { namespace, token, proxy: await ApiProxy.start(cluster.access) });
    if (pods) await place.#startSimulator();
    return place;
  }

  // --- operators ----------------------------------------------------------------------------------------------------

  /** Started, not yet leading; through this proxy. */
  start(start: OperatorStart = {}, proxy = this.proxy): OperatorProcess {
    const { scratch, main, cluster } = this.#bench;
    const { namespace } = this;
    const place: OperatorPlace = {
      scratch,
      main,
      namespace,
      server: proxy.url,
      ca: cluster.access.ca,
      token: this.#token,
    };
    const operator = new OperatorProcess(place, start);
    this.#operators.add(operator);
    void operator.ended.then(() => this.#operators.delete(operator));
    return operator;
  }

  /** One that leads. */
  async operator(start: OperatorStart = {}): Promise<OperatorProcess> {
    const operator = this.start(start);
    await operator.says('leads');
    return operator;
  }

  /** Another proxy, for a second operator. */
  async anotherProxy(): Promise<ApiProxy> {
    const proxy = await ApiProxy.start(this.#bench.cluster.access);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** What operators asked through a proxy, in order: not the renewals of their own lease, nor the watches that go on. */
  asked(from = 0, proxy = this.proxy): PassedRequest[] {
    return proxy.requests.slice(from).filter((request) => {
      const isRenewal = request.resource === 'leases' && (request.name ?? ACCOUNT) === ACCOUNT && !isOfJob(request);
      return this.isOperator(request) && request.verb !== 'watch' && request.verb !== 'list' && !isRenewal;
    });
  }

  isOperator({ identity }: PassedRequest): boolean {
    return identity === `system:serviceaccount:${this.namespace}:${ACCOUNT}`;
  }

  /** Waits until operators have asked nothing for so long. */
  async quiet(ms: number): Promise<void> {
    for (;;) {
      const last = this.asked().at(-1);
      const since = this.proxy.nowMs - (last?.answeredAtMs ?? last?.receivedAtMs ?? 0);
      if (last === undefined || since >= ms) return;
      await new Promise((resolve) => setTimeout(resolve, ms - since + 1));
    }
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  async create(name: string, more: object = {}): Promise<void> {
    const { namespace } = this;
    const object = { metadata: { namespace, name }, spec: { ...SPEC, ...more } };
    await this.#user.create(FLINK_JOBS, object as FlinkJobObject, { signal });
  }

  /**
   * A job that stays, and does nothing: what the operator does for the first job of a namespace and after the last one (it
   * holds its own Role and RoleBinding, in eight requests) is none of what the jobs in between cost.
   */
  async resident(): Promise<void> {
    await this.create('resident', { state: 'Suspended' });
    await this.phase('resident', 'Suspended');
  }

  async change(name: string, spec: object): Promise<void> {
    await this.#user.mergePatch(FLINK_JOBS, { namespace: this.namespace, name }, { spec }, { signal });
  }

  async delete(name: string): Promise<void> {
    await this.#user.delete(FLINK_JOBS, { namespace: this.namespace, name }, { signal });
  }

  /** Waits until the job is seen so, of its newest generation. */
  async until(name: string, holds: (status: FlinkJobStatus) => boolean): Promise<void> {
    await this.#eventually(`${name} never was as it should be`, () => {
      const { status, metadata } = this.#jobs.store.get(`${this.namespace}/${name}`) ?? {};
      return status !== undefined && status.observedGeneration === metadata?.generation && holds(status);
    });
  }

  phase(name: string, phase: FlinkJobStatus['phase'], attempt?: number): Promise<void> {
    return this.until(
      name,
      (status) => status.phase === phase && (attempt ?? status.attempt?.number) === status.attempt?.number,
    );
  }

  gone(name: string): Promise<void> {
    return this.#eventually(
      `${name} was not removed`,
      () => this.#jobs.store.get(`${this.namespace}/${name}`) === undefined,
    );
  }

  async #eventually(problem: string, holds: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(problem)), 600_000);
    this.#looks.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }

  // --- pods ---------------------------------------------------------------------------------------------------------

  /** How often the REST APIs of jobs were asked something, so far. */
  async restCalls(): Promise<number> {
    const answer = await this.#ask('restCalls');
    return answer.is === 'restCalls' ? answer.count : 0;
  }

  async #startSimulator(): Promise<void> {
    this.#simulator = fork(join(import.meta.dirname, 'simulator-process.ts'), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const order: SimulatorOrder = { access: this.#bench.cluster.access, namespace: this.namespace };
    this.#simulator.send(order);
    await once(this.#simulator, 'message');
  }

  async #ask(question: SimulatorQuestion): Promise<SimulatorAnswer> {
    if (this.#simulator === undefined) throw new Error('nobody plays pods here');
    this.#simulator.send(question);
    const [answer] = await once(this.#simulator, 'message');
    return answer as SimulatorAnswer;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#operators].map((operator) => operator.stop()));
    if (this.#simulator !== undefined) await this.#ask('stop');
    this.#stop.abort();
    await this.#watching;
    await this.#user.close();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }

  #adminAt(server: string) {
    const { adminToken, ca } = this.#bench.cluster.access;
    return {
      origin: 'the benchmark',
      server,
      namespace: this.namespace,
      credentials: async () => ({ headers: { authorization: `Bearer ${adminToken}` }, ca, verifiesServer: true }),
    };
  }
}

/** The Lease of a job is made without a name in the path. */
function isOfJob({ body, name }: PassedRequest): boolean {
  return name === undefined && !body.includes(`"name":"${ACCOUNT}"`);
}
