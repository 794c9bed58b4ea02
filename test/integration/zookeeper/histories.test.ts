/** What several processes saw of the same names, behind connections that break: it fits one order, and no file is missed. */
import { test as anyTest, expect } from 'vitest';
import {
  AlreadyExistException,
  decodeHandle,
  NotExistException,
  StringResourceVersion,
} from '../../../src/ha/index.ts';
import { newId } from '../../builders/new-id.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import { AZooKeeperJob } from '../../builders/zookeeper-job.ts';
import { isLinearizable, type Operation } from '../../oracles/linearizability.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';

const server = await zooKeeperForTests();
const test = anyTest.skipIf(server === undefined);

/** Enough, unless the machine is too busy for that. */
const OPERATIONS = 400;
const LONGEST_MS = 15_000;
/** After so many operations others names are used, so that no history grows long. */
const ERA = 24;

interface Recorded extends Operation {
  readonly name: string;
}

/** How many operations all processes have recorded. */
interface Progress {
  operations: number;
}

type StoreProcess = Awaited<ReturnType<AZooKeeperJob['processBehindProxy']>>;

/** Uses the store of a process that takes the lead from whoever has it, so that only the fence keeps order. */
class Writer {
  readonly history: Recorded[] = [];
  readonly #process: StoreProcess;
  readonly #random: SeededRandom;
  readonly #progress: Progress;

  constructor(process: StoreProcess, random: SeededRandom, progress: Progress) {
    this.#process = process;
    this.#random = random;
    this.#progress = progress;
  }

  async run(endMs: number): Promise<void> {
    while (performance.now() < endMs && this.#progress.operations < OPERATIONS) {
      if (this.#random.chance(0.1))
        this.#process.proxy.fail({ do: this.#random.oneOf(['dropBefore', 'dropAfter'] as const) });
      if (this.#random.chance(0.03)) this.#process.proxy.cut();
      if (this.#process.writer.epoch === undefined && this.#random.chance(0.3)) {
        await this.#process.lead();
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
          await this.#process.store.addAndLock(name, value);
          return { outcome: 'done' };
        case 'replace':
          await this.#process.store.replace(name, StringResourceVersion.valueOf('1'), value);
          return { outcome: 'done' };
        case 'remove':
          // Who does not lead would be told so. Else the name may be hidden: it is held, or the lead was lost on the way.
          if (this.#process.writer.epoch === undefined) return 'nothing';
          return { outcome: (await this.#process.store.releaseAndTryRemove(name)) ? 'done' : 'unknown' };
        case 'get': {
          const handle = await this.#process.store.getAndLock(name);
          const seen = await handle.retrieveState().catch(() => undefined);
          if (this.#random.chance(0.7)) await this.#process.store.release(name).catch(() => {});
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
    const job = new AZooKeeperJob(server!.port);
    const progress: Progress = { operations: 0 };
    const writers: Writer[] = [];
    for (let i = 0; i < 4; i += 1) {
      const random = new SeededRandom(seed * 100 + i);
      const process = await job.processBehindProxy({
        client: { requestTimeoutMs: 1_000 },
        writer: { random: () => random.next(), retries: 3, limitBytes: 2 ** 17 },
        keyFilter: () => true,
      });
      writers.push(new Writer(process, random, progress));
    }
    const { handles } = job.process().backend;
    await handles.create(0);
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
    const entries = (await handles.read())?.entries ?? new Map<string, string>();
    const files = new Set(job.files());
    const dangling = [...entries].filter(([, text]) => {
      const stored = decodeHandle(text);
      return stored.kind === 'live' && !files.has(stored.pointer.path);
    });
    expect(dangling).toEqual([]);
  },
);
