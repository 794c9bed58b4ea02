/** A job in the nodes of a real ZooKeeper server, and the processes that write and read its states. */
import { onTestFinished } from 'vitest';
import { FencedWriter, type FencedWriterOptions, stateHandleStore, stateStorage } from '../../src/ha/index.ts';
import { JobTree, zookeeperBackend } from '../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { ZooKeeperClientOptions } from '../../src/zookeeper/index.ts';
import { type CountingStorage, countingStorage } from '../faults/counting-storage.ts';
import { ZooKeeperProxy } from '../faults/zookeeper-proxy.ts';
import { JOB } from './ha.ts';
import { newId } from './new-id.ts';
import { zooKeeperClient } from './zookeeper.ts';

/** What a process of the job can be given that the others have not. */
export interface ProcessOptions {
  readonly client?: Partial<ZooKeeperClientOptions>;
  readonly writer?: Partial<FencedWriterOptions>;
  /** @default those of checkpoints */
  readonly keyFilter?: (key: string) => boolean;
}

/** A cluster of its own on a server that others use. */
export class AZooKeeperJob {
  readonly cluster = `cluster-${newId()}`;
  readonly tree = new JobTree('/flink', this.cluster, JOB);
  readonly storage: CountingStorage = countingStorage();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** A process with a connection of its own, which ends with the test. */
  process(options: ProcessOptions = {}, port = this.#port) {
    const client = zooKeeperClient(port, options.client);
    const backend = zookeeperBackend({ client, cluster: this.cluster, jobId: JOB, clock: systemClock, newId });
    onTestFinished(() => backend.close());
    const writer = new FencedWriter({
      backend: backend.handles,
      clock: systemClock,
      random: () => 0.1,
      retries: 5,
      ...options.writer,
    });
    const epoch = (): number | undefined => writer.epoch;
    const store = stateHandleStore<string>({
      writer,
      storage: stateStorage<string>({ storage: this.storage, directory: 'ha', kind: 'state', epoch, newId }),
      keyFilter: options.keyFilter ?? ((key) => key.startsWith('checkpointID-')),
    });
    return { client, backend, writer, store, lead: () => writer.takeOver({ identity: newId(), atLeast: 0 }) };
  }

  /** A process behind a network that fails as told. */
  async processBehindProxy(options: ProcessOptions = {}) {
    const proxy = await ZooKeeperProxy.start(this.#port);
    onTestFinished(() => proxy.stop());
    return { proxy, ...this.process(options, proxy.port) };
  }

  /** States that have been written and not been discarded. */
  files(): string[] {
    return this.storage.written.filter((path) => !this.storage.deleted.includes(path));
  }
}

/** The object of one job with a leader behind a proxy, and another process. */
export async function aLedZooKeeperJob(port: number) {
  const job = new AZooKeeperJob(port);
  const { proxy, ...leader } = await job.processBehindProxy();
  const other = job.process();
  await other.backend.handles.create(0);
  await leader.lead();
  return { tree: job.tree, storage: job.storage, files: () => job.files(), proxy, leader, other };
}
