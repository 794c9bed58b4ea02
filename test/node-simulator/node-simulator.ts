/** Plays the scheduler and the kubelets of a cluster that has none: for every pod of its namespaces, on nodes of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LABELS, POD_VARIABLES } from '../../src/api/index.ts';
import { Informer } from '../../src/controller/index.ts';
import { ApiClient } from '../../src/kube/index.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type ClusterAccess, issueCertificate } from '../cluster/index.ts';
import type { ContainerEnd } from './container.ts';
import type { Play, PlayedFacts } from './played-container.ts';
import { PODS, type Pod } from './pod-shapes.ts';
import { type Hold, type PodMatch, Scenarios } from './scenarios.ts';
import { SimulatedNode } from './simulated-node.ts';
import { SimulatedPod } from './simulated-pod.ts';
import { LoopbackAddresses, type PodProgram, PodWriter, type SimulatorParts } from './simulator-parts.ts';

export interface NodeSimulatorOptions {
  readonly access: ClusterAccess;
  readonly namespaces: readonly string[];
  /** @default 2 */
  readonly nodes?: number;
  /** What runs in front of the arguments of a container. @default the sources of this checkout */
  readonly entrypoint?: readonly string[];
  /** Working directory of a container that says none. @default this checkout */
  readonly workingDirectory?: string;
  /** How every pod is played that no rule says otherwise of. @default pods are run, as processes */
  readonly played?: (pod: Pod) => Play | undefined;
  /** Where pods reach the API server: a fault proxy, say. @default the server itself */
  readonly podsReachServerAt?: string;
  /** By which its views of the API server know that they hear nothing. @default that of this machine */
  readonly clock?: Clock;
  /** A kubelet looks every two seconds as the manifest says; tests do not wait so long. @default 200 */
  readonly readinessPeriodMs?: number;
}

/** User of all its requests. */
export const SIMULATOR_USER = 'node-simulator';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCES = [process.execPath, '--disable-warning=ExperimentalWarning', join(ROOT, 'src/launcher.ts')];
const SURROUNDINGS = pathToFileURL(join(import.meta.dirname, 'pod-surroundings.ts')).href;

export class NodeSimulator {
  readonly nodes: readonly SimulatedNode[];
  readonly #options: NodeSimulatorOptions;
  readonly #stop = new AbortController();
  readonly #client: ApiClient;
  readonly #scenarios = new Scenarios();
  readonly #parts: SimulatorParts;
  /** By uid, oldest first. */
  readonly #pods = new Map<string, SimulatedPod>();
  /** The newest of each `namespace/name`. */
  readonly #newest = new Map<string, SimulatedPod>();
  readonly #ofJob = new Map<string, SimulatedPod[]>();
  readonly #running = new Set<Promise<void>>();
  readonly #arrivals = new Set<() => void>();
  readonly #troubles: unknown[] = [];

  private constructor(options: NodeSimulatorOptions) {
    this.#options = options;
    const { access, nodes = 2, podsReachServerAt, readinessPeriodMs = 200 } = options;
    this.#client = ApiClient.for(connectionOf(access), { fieldManager: SIMULATOR_USER, connections: 64 });
    const addresses = new LoopbackAddresses(Math.random);
    this.nodes = Array.from(
      { length: nodes },
      () => new SimulatedNode(this.#client, addresses.next(), this.#stop.signal),
    );
    this.#parts = {
      client: new PodWriter(this.#client, this.#stop.signal),
      access,
      server: podsReachServerAt ?? access.server,
      program: programOf(options),
      readinessPeriodMs,
      scenarios: this.#scenarios,
      addresses,
      directory: mkdtempSync(join(tmpdir(), 'flinkjob-pods-')),
      signal: this.#stop.signal,
      nodeFor: (pod) => this.#nodeFor(pod),
      playFor: (pod) => this.#scenarios.playOf(pod) ?? options.played?.(pod),
      trouble: (error) => this.#troubles.push(error),
    };
  }

  /** Nodes are ready, and it watches. Stop it. */
  static async start(options: NodeSimulatorOptions): Promise<NodeSimulator> {
    const simulator = new NodeSimulator(options);
    await Promise.all(simulator.nodes.map((node) => node.create()));
    await Promise.all(options.namespaces.map((namespace) => simulator.watch(namespace)));
    return simulator;
  }

  /** Takes care of the pods of another namespace, too. */
  async watch(namespace: string): Promise<void> {
    const informer = new Informer<Pod, never>({
      client: this.#client,
      resource: PODS,
      selection: { namespace },
      clock: this.#options.clock ?? systemClock,
      random: Math.random,
    });
    informer.addHandler({
      onAdd: (pod) => this.#arrived(pod),
      onUpdate: (_, pod) => this.#pods.get(pod.metadata?.uid ?? '')?.update(pod),
      onDelete: (pod) => this.#pods.get(pod.metadata?.uid ?? '')?.remove(),
    });
    this.#track(informer.run(this.#stop.signal));
    await informer.whenSynced;
  }

  /** Ends every process at once and takes its nodes away. @throws what went wrong in it meanwhile */
  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await Promise.all(this.#running);
    await Promise.all(this.nodes.map((node) => node.remove()));
    await this.#client.close();
    rmSync(this.#parts.directory, { recursive: true, force: true });
    if (this.#troubles.length > 0) throw new AggregateError(this.#troubles, 'the node simulator failed');
  }

  // --- pods that are there ------------------------------------------------------------------------------------------

  /** Pods that it takes care of, or has taken care of, oldest first. */
  get pods(): readonly SimulatedPod[] {
    return [...this.#pods.values()];
  }

  /** The newest of this name, as soon as there is one. */
  async pod(name: string, namespace = this.#options.namespaces[0], deadlineMs = 60_000): Promise<SimulatedPod> {
    const find = () => this.#newest.get(`${namespace}/${name}`);
    const { promise, resolve: found, reject } = Promise.withResolvers<SimulatedPod>();
    const look = (): void => {
      const pod = find();
      if (pod !== undefined) found(pod);
    };
    const timer = setTimeout(() => reject(new Error(`there is no pod ${namespace}/${name}`)), deadlineMs);
    this.#arrivals.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#arrivals.delete(look);
    }
  }

  // --- nodes --------------------------------------------------------------------------------------------------------

  /**
   * A node is not heard of any more, and neither are its pods: they are not ready, and nobody deletes them. Their processes
   * go on, cut off from their kubelet only, or stand still.
   */
  async loseNode(node: SimulatedNode, processes: 'goOn' | 'frozen'): Promise<void> {
    const pods = this.#podsOn(node);
    if (processes === 'frozen') await Promise.all(pods.map((pod) => pod.freeze()));
    await node.lose();
    await Promise.all(pods.map((pod) => pod.becomesUnready()));
  }

  /** The node is heard of again; what was frozen goes on. */
  async bringBack(node: SimulatedNode): Promise<void> {
    await Promise.all(this.#podsOn(node).map((pod) => pod.thaw()));
    await node.bringBack();
  }

  // --- pods that will come ------------------------------------------------------------------------------------------

  /** No node takes them: PodScheduled is False, reason Unschedulable. */
  leaveUnscheduled(match: PodMatch): Hold {
    return this.#scenarios.hold('unschedulable', match);
  }

  /** Their image cannot be had: ErrImagePull, then ImagePullBackOff. */
  failImagePull(match: PodMatch): Hold {
    return this.#scenarios.hold('imagePull', match);
  }

  /** They stay in ContainerCreating, as those whose volumes cannot be mounted. */
  holdCreating(match: PodMatch): Hold {
    return this.#scenarios.hold('creating', match);
  }

  /** They are in ContainerCreating for so long. */
  delayStart(match: PodMatch, delayMs: number): void {
    this.#scenarios.delayStart(match, delayMs);
  }

  /** They are played, without a process. */
  play(match: PodMatch, play: PlayedFacts = {}): void {
    this.#scenarios.play(match, play);
  }

  /** Their container ends at once in this way, without a process. */
  playEnd(match: PodMatch, ends: ContainerEnd): void {
    this.play(match, { ends });
  }

  #podsOn(node: SimulatedNode): SimulatedPod[] {
    return this.pods.filter((pod) => pod.node === node && pod.isRunning);
  }

  #arrived(pod: Pod): void {
    const { uid = '' } = pod.metadata ?? {};
    if (pod.spec?.nodeName !== undefined || this.#pods.has(uid)) return;
    const simulated = new SimulatedPod(this.#parts, pod);
    this.#pods.set(uid, simulated);
    this.#newest.set(`${simulated.namespace}/${simulated.name}`, simulated);
    const job = jobOf(pod);
    this.#ofJob.set(job, [...(this.#ofJob.get(job) ?? []), simulated]);
    this.#track(simulated.run());
    for (const look of this.#arrivals) look();
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#troubles.push(error);
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** The one with the fewest pods of the same job, as topology spread asks for. */
  #nodeFor(pod: Pod): SimulatedNode | undefined {
    const pods = this.#ofJob.get(jobOf(pod)) ?? [];
    const count = (node: SimulatedNode): number => pods.filter((one) => one.node === node && !one.hasEnded).length;
    const reachable = this.nodes.filter((node) => !node.isLost);
    return reachable.reduce<SimulatedNode | undefined>(
      (best, node) => (best === undefined || count(node) < count(best) ? node : best),
      undefined,
    );
  }
}

/** Pods of no job spread as those of one. */
function jobOf({ metadata = {} }: Pod): string {
  return `${metadata.namespace}/${metadata.labels?.[LABELS.job] ?? ''}`;
}

function connectionOf(access: ClusterAccess) {
  const { cert, key } = issueCertificate(access.authority, {
    commonName: SIMULATOR_USER,
    organizations: ['system:masters'],
  });
  return {
    origin: 'the node simulator',
    server: access.server,
    namespace: 'default',
    credentials: async () => ({ headers: {}, ca: access.ca, cert, key, verifiesServer: true }),
  };
}

function programOf({ entrypoint = SOURCES, workingDirectory = ROOT }: NodeSimulatorOptions): PodProgram {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env;
  return {
    entrypoint,
    workingDirectory,
    variables: ({ name, podIP, terminationLog }) => ({
      PATH,
      HOSTNAME: name,
      ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${SURROUNDINGS}`,
      SIMULATED_POD_IP: podIP,
      [POD_VARIABLES.terminationLog]: terminationLog,
    }),
  };
}
