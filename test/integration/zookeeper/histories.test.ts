/** What several processes saw of the same names, behind connections that break: it fits one order, and no file is missed. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import {
  AlreadyExistException,
  decodeHandle,
  FencedWriter,
  NotExistException,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../../src/ha/index.ts';
import { zookeeperBackend } from '../../../src/ha/zookeeper/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { JOB } from '../../builders/ha.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import { zooKeeperClient } from '../../builders/zookeeper.ts';
import { type CountingStorage, countingStorage } from '../../faults/counting-storage.ts';
import { ZooKeeperProxy } from '../../faults/zookeeper-proxy.ts';
import { isLinearizable, type Operation } from '../../oracles/linearizability.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);

/** Enough, unless the machine is too busy for that. */
const OPERATIONS = 400;
const LONGEST_MS = 15_000;
/** After so many operations others names are used, so that no history grows long. */
const ERA = 24;
const newId = () => randomBytes(8).toString('hex');

interface Recorded extends Operation {
  readonly name: string;
}

/** How many operations all processes have recorded. */
interface Progress {
  operations: number;
}

/** A process that takes the lead from whoever has it, so that only the fence keeps order. */
class Writer {
  readonly history: Recorded[] = [];
  readonly proxy: ZooKeeperProxy;
  readonly backend;
  readonly #random: SeededRandom;
  readonly #progress: Progress;
  readonly #writer: FencedWriter;
  readonly #store;
  #count = 0;

  constructor(
    proxy: ZooKeeperProxy,
    cluster: string,
    storage: CountingStorage,
    random: SeededRandom,
    progress: Progress,
  ) {
    this.proxy = proxy;
    this.#progress = progress;
    this.#random = random;
    const client = zooKeeperClient(proxy.port, { requestTimeoutMs: 1_000 });
    this.backend = zookeeperBackend({ client, cluster, jobId: JOB, clock: systemClock, newId });
    this.#writer = new FencedWriter({
      backend: this.backend.handles,
      clock: systemClock,
      random: () => random.next(),
      retries: 3,
      limitBytes: 2 ** 17,
    });
    const epoch = (): number | undefined => this.#writer.epoch;
    this.#store = stateHandleStore<string>({
      writer: this.#writer,
      storage: stateStorage<string>({ storage, directory: 'ha', kind: 'state', epoch, newId }),
      keyFilter: () => true,
    });
  }

  async run(endMs: number): Promise<void> {
    while (performance.now() < endMs && this.#progress.operations < OPERATIONS) {
      if (this.#random.chance(0.1)) this.proxy.fail({ do: this.#random.oneOf(['dropBefore', 'dropAfter'] as const) });
      if (this.#random.chance(0.03)) this.proxy.cut();
      this.#count += 1;
      if (this.#writer.epoch === undefined && this.#random.chance(0.3)) {
        await this.#writer.takeOver({ identity: newId(), atLeast: 0 });
      }
      await this.#step();
    }
  }

  async #step(): Promise<void> {
    const name = `name-${Math.floor(this.#progress.operations / ERA)}-${this.#random.between(1, 2)}`;
    const kind = this.#random.oneOf(['add', 'replace', 'remove', 'get', 'get'] as const);
    const value = newId();
    const calledAt = performance.now();
    const answer = await this.#answer(name, kind, value);
    if (answer !== 'nothing') {
      this.#progress.operations += 1;
      this.history.push({ name, kind, value, calledAt, answeredAt: performance.now(), ...answer });
    }
  }

  async #answer(
    name: string,
    kind: Operation['kind'],
    value: string,
  ): Promise<(Pick<Operation, 'outcome'> & { value?: string }) | 'nothing'> {
    try {
      switch (kind) {
        case 'add':
          await this.#store.addAndLock(name, value);
          return { outcome: 'done' };
        case 'replace':
          await this.#store.replace(name, StringResourceVersion.valueOf('1'), value);
          return { outcome: 'done' };
        case 'remove':
          // Who does not lead would be told so. Else the name may be hidden: it is held, or the lead was lost on the way.
          if (this.#writer.epoch === undefined) return 'nothing';
          return { outcome: (await this.#store.releaseAndTryRemove(name)) ? 'done' : 'unknown' };
        case 'get': {
          const handle = await this.#store.getAndLock(name);
          const seen = await handle.retrieveState().catch(() => undefined);
          if (this.#random.chance(0.7)) await this.#store.release(name).catch(() => {});
          return seen === undefined ? 'nothing' : { outcome: 'done', value: seen };
        }
      }
    } catch (error) {
      if (error instanceof AlreadyExistException) return { outcome: 'exists' };
      if (error instanceof NotExistException) return { outcome: 'absent' };
      // A write whose answer was lost may have happened, and been overwritten by the next leader before it was looked for.
      return kind === 'get' ? 'nothing' : { outcome: 'unknown' };
    }
  }
}

test.each([1, 2])(
  'histories of 4 processes are linearizable, and no pointer leads to nothing (seed %i)',
  async (seed) => {
    const cluster = `histories-${newId()}`;
    const storage = countingStorage();
    const progress: Progress = { operations: 0 };
    const writers: Writer[] = [];
    for (let i = 0; i < 4; i += 1) {
      const proxy = await ZooKeeperProxy.start(server!.port);
      const writer = new Writer(proxy, cluster, storage, new SeededRandom(seed * 100 + i), progress);
      onTestFinished(async () => {
        await writer.backend.close();
        await proxy.stop();
      });
      writers.push(writer);
    }
    await writers[0]!.backend.handles.create(0);
    const endMs = performance.now() + LONGEST_MS;
    await Promise.all(writers.map((writer) => writer.run(endMs)));

    const byName = Map.groupBy(
      writers.flatMap(({ history }) => history),
      ({ name }) => name,
    );
    const wrong = [...byName].filter(([, history]) => !isLinearizable(history)).map(([name]) => byName.get(name));
    expect(wrong).toEqual([]);
    const done = [...byName.values()].flat().filter(({ kind, outcome }) => kind !== 'get' && outcome === 'done');
    expect(done.length).toBeGreaterThan(20);
    const entries = (await writers[0]!.backend.handles.read())?.entries ?? new Map<string, string>();
    const files = new Set(storage.written.filter((path) => !storage.deleted.includes(path)));
    const dangling = [...entries].filter(([, text]) => {
      const stored = decodeHandle(text);
      return stored.kind === 'live' && !files.has(stored.pointer.path);
    });
    expect(dangling).toEqual([]);
  },
);
