/** A Node of the test cluster: ready, with a heartbeat, until a test says otherwise. */
import { randomBytes } from 'node:crypto';
import type { ApiClient } from '../../src/kube/index.ts';
import { type Condition, NODES } from './pod-shapes.ts';
import { dated, kubeTime } from './pod-status.ts';

/** Well within the forty seconds after which a node controller gives a node up. */
const HEARTBEAT_MS = 10_000;

export class SimulatedNode {
  readonly name = `node-${randomBytes(5).toString('hex')}`;
  /** Of its kubelet. */
  readonly address: string;
  readonly #client: ApiClient;
  readonly #signal: AbortSignal;
  #conditions: readonly Condition[] = [];
  #heartbeat: NodeJS.Timeout | undefined;
  #back: PromiseWithResolvers<void> | undefined;

  constructor(client: ApiClient, address: string, signal: AbortSignal) {
    this.#client = client;
    this.address = address;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#back?.resolve(), { once: true });
  }

  get isLost(): boolean {
    return this.#back !== undefined;
  }

  /** Resolves while, or as soon as, its kubelet speaks with the server. */
  get reachable(): Promise<void> {
    return this.#back?.promise ?? Promise.resolve();
  }

  async create(): Promise<void> {
    const labels = { 'kubernetes.io/hostname': this.name, 'kubernetes.io/os': 'linux' };
    await this.#client.create(NODES, { metadata: { name: this.name, labels }, spec: {} }, this.#call);
    await this.#becomes('True');
    this.#heartbeat = setInterval(() => void this.#becomes('True').catch(() => {}), HEARTBEAT_MS).unref();
  }

  /** The kubelet falls silent, and the node controller notices: at once here, after half a minute elsewhere. */
  async lose(): Promise<void> {
    if (this.isLost) return;
    clearInterval(this.#heartbeat);
    this.#back = Promise.withResolvers();
    await this.#becomes('Unknown');
  }

  async bringBack(): Promise<void> {
    await this.#becomes('True');
    this.#heartbeat = setInterval(() => void this.#becomes('True').catch(() => {}), HEARTBEAT_MS).unref();
    this.#back?.resolve();
    this.#back = undefined;
  }

  async remove(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#client.delete(NODES, { name: this.name }, { signal: AbortSignal.timeout(10_000) });
  }

  get #call() {
    return { signal: this.#signal };
  }

  async #becomes(ready: 'True' | 'Unknown'): Promise<void> {
    const now = kubeTime(Date.now());
    const isReady = ready === 'True';
    const said = isReady
      ? { reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
    const pressure = (type: string, reason: string): Condition => ({
      type,
      status: isReady ? 'False' : 'Unknown',
      reason: isReady ? reason : 'NodeStatusUnknown',
    });
    this.#conditions = [
      pressure('MemoryPressure', 'KubeletHasSufficientMemory'),
      pressure('DiskPressure', 'KubeletHasNoDiskPressure'),
      pressure('PIDPressure', 'KubeletHasSufficientPID'),
      { type: 'Ready', status: ready, ...said } satisfies Condition,
    ].map((condition) => dated(condition, { conditions: this.#conditions }, now));
    const conditions = this.#conditions.map((one) => (isReady ? { ...one, lastHeartbeatTime: now } : one));
    const capacity = { cpu: '32', memory: '128Gi', pods: '1000', 'ephemeral-storage': '100Gi' };
    const addresses = [
      { type: 'InternalIP', address: this.address },
      { type: 'Hostname', address: this.name },
    ];
    const status = { conditions, addresses, capacity, allocatable: capacity };
    await this.#client.mergePatch(NODES, { name: this.name }, { status }, { ...this.#call, subresource: 'status' });
    const unreachable = { key: 'node.kubernetes.io/unreachable', timeAdded: now };
    const taints = isReady ? null : ['NoSchedule', 'NoExecute'].map((effect) => ({ ...unreachable, effect }));
    await this.#client.mergePatch(NODES, { name: this.name }, { spec: { taints } }, this.#call);
  }
}
