/** What the pods of one simulator share. */
import { type ApiClient, defineResource, type KubeObject } from '../../src/kube/index.ts';
import type { ClusterAccess } from '../cluster/index.ts';
import type { Play } from './played-container.ts';
import { PODS, type Pod, type PodStatus } from './pod-shapes.ts';
import type { Scenarios } from './scenarios.ts';
import type { SimulatedNode } from './simulated-node.ts';

export interface SimulatorParts {
  readonly client: PodWriter;
  readonly access: ClusterAccess;
  /** Where pods reach the API server. */
  readonly server: string;
  readonly program: PodProgram;
  readonly readinessPeriodMs: number;
  readonly scenarios: Scenarios;
  readonly addresses: LoopbackAddresses;
  /** For files of pods, each in a directory named by its uid. */
  readonly directory: string;
  /** Aborted when the simulator stops. */
  readonly signal: AbortSignal;
  /** The node for a pod; undefined when none takes it. */
  readonly nodeFor: (pod: Pod) => SimulatedNode | undefined;
  /** How it is played; undefined when it is run. */
  readonly playFor: (pod: Pod) => Play | undefined;
  readonly trouble: (error: unknown) => void;
}

/** What stands in for the image of a job: how its containers are run as processes. */
export interface PodProgram {
  /** In front of the arguments of the container. */
  readonly entrypoint: readonly string[];
  readonly workingDirectory: string;
  /** Beside those of the manifest. */
  variables(pod: {
    readonly name: string;
    readonly podIP: string;
    readonly terminationLog: string;
  }): Readonly<Record<string, string>>;
}

/** The writes of scheduler and kubelet. */
export class PodWriter {
  readonly api: ApiClient;
  readonly #signal: AbortSignal;

  constructor(api: ApiClient, signal: AbortSignal) {
    this.api = api;
    this.#signal = signal;
  }

  /** Says where it runs. The server then takes it for scheduled. */
  bind({ metadata = {} }: Pod, node: string): Promise<unknown> {
    const { name = '', namespace = '', uid = '' } = metadata;
    const bindings = defineResource<KubeObject>('v1', 'Binding', `pods/${name}/binding`);
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    return this.api.create(bindings, { metadata: { name, namespace, uid }, target } as KubeObject, this.#call);
  }

  /** Each manager says all that it has to say; what others say of the pod stays. */
  applyStatus({ metadata = {} }: Pod, status: PodStatus, fieldManager: string): Promise<unknown> {
    const { name = '', namespace = '', uid = '' } = metadata;
    const options = { ...this.#call, fieldManager, subresource: 'status', force: true } as const;
    return this.api.apply(PODS, { metadata: { name, namespace, uid }, status }, options);
  }

  /** Asks for its deletion, with the time it has for that. */
  delete(pod: Pod): Promise<unknown> {
    return this.api.delete(PODS, ...this.#exactly(pod));
  }

  /** Takes the object away: nothing of it runs any more. */
  remove(pod: Pod): Promise<unknown> {
    const [ref, options] = this.#exactly(pod);
    return this.api.delete(PODS, ref, { ...options, gracePeriodSeconds: 0 });
  }

  #exactly({ metadata = {} }: Pod) {
    const { name = '', namespace = '', uid = '' } = metadata;
    return [
      { name, namespace },
      { ...this.#call, preconditions: { uid } },
    ] as const;
  }

  get #call() {
    return { signal: this.#signal };
  }
}

/** Addresses of this machine that nobody else uses: all of 127.0.0.0/8 leads back to it. */
export class LoopbackAddresses {
  readonly #random: () => number;
  readonly #used = new Set<string>();

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): string {
    const part = (): number => 1 + Math.floor(this.#random() * 254);
    for (;;) {
      const address = `127.${part()}.${part()}.${part()}`;
      if (this.#used.has(address) || address.startsWith('127.0.')) continue;
      this.#used.add(address);
      return address;
    }
  }
}
