/**
 * Jobs whose leaders are ended in every way there is, against a real API server: each job has three processes that contend
 * for a Lease and write without pause; an adversary picks the moment and the way, from a seed. Held afterwards, by the
 * server's own record and by the storage:
 *
 *  - no write of an old leader was accepted after the first one of a newer leader;
 *  - whoever took over saw every checkpoint that had been acknowledged, and every pointer leads to its bytes;
 *  - no process ended in a way that nobody caused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { LeaseTimes } from '../../src/lib/elector.ts';
import { eventually } from '../builders/eventually.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiProxy } from '../faults/api/api-proxy.ts';
import type { Verb } from '../faults/api/request-info.ts';
import { fits } from '../faults/api/rules.ts';
import type { LeaderOrder } from '../integration/ha/leader-process.ts';
import { acceptedWrites, writesOfOldLeaders } from '../oracles/single-writer.ts';

/** How a leader ends. */
export type Ending =
  /** SIGKILL. */
  | 'kill'
  /** SIGTERM: it gives the lease back. */
  | 'term'
  /** SIGSTOP until another leads, then SIGCONT. */
  | 'stop'
  /** As `stop`, with a write on its way that arrives when another leads. */
  | 'lateWrite'
  /** Its event loop is blocked for longer than the lease. */
  | 'block'
  /** Nothing it sends arrives any more. */
  | 'cutOff'
  /** What it sends arrives, and no answer comes back. */
  | 'deaf';

export const ENDINGS: readonly Ending[] = ['kill', 'term', 'stop', 'lateWrite', 'block', 'cutOff', 'deaf'];

export interface TakeoverOptions {
  readonly cluster: TestCluster;
  readonly seed: number;
  /** Jobs at the same time. */
  readonly jobs: number;
  /** Of each job. */
  readonly takeovers: number;
  readonly endings: readonly Ending[];
  readonly lease: LeaseTimes;
  /** How fast the clocks of the processes run, in turn. @default all alike */
  readonly clockRates?: readonly number[];
  readonly onTakeover?: (takeover: Takeover) => void;
}

/** One leader that was followed by another. */
export interface Takeover {
  readonly ending: Ending;
  /** From what ended the one (a release: its answer) to the first write of the other that the server accepted. */
  readonly tookMs: number;
}

export interface TakeoverReport {
  readonly takeovers: readonly Takeover[];
  /** Writes that the server accepted. */
  readonly writes: number;
}

/** Throws, naming the seed, when anything is not as it has to be. */
export async function takeoverRun(options: TakeoverOptions): Promise<TakeoverReport> {
  const directory = await mkdtemp(join(tmpdir(), 'flinkjob-takeovers-'));
  const namespace = await options.cluster.namespace();
  const proxy = await ApiProxy.start(options.cluster.access);
  const jobs = Array.from({ length: options.jobs }, (_, index) => {
    const random = new SeededRandom(options.seed * 1_000 + index);
    return new ContestedJob(options, { namespace, proxy, directory: join(directory, String(index)), index, random });
  });
  try {
    const runs = await Promise.all(jobs.map((job) => job.run()));
    return { takeovers: runs.flatMap(({ takeovers }) => takeovers), writes: sum(runs.map(({ writes }) => writes)) };
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    for (const job of jobs) job.end();
    await proxy.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly namespace: string;
  readonly proxy: ApiProxy;
  readonly directory: string;
  readonly index: number;
  readonly random: SeededRandom;
}

/** One line that a process has said. */
interface Said {
  readonly what: 'restored' | 'added' | 'released' | 'broken';
  readonly identity: string;
  readonly epoch: number;
  readonly latest?: number;
  readonly checkpointId?: number;
  readonly broken?: number;
  readonly error?: string;
}

/** What a process exits with that has found out that it leads no longer. */
const LOST_LEADERSHIP = 12;
/** A leader, and two that contend for its place. */
const PROCESSES = 3;

class ContestedJob {
  readonly #options: TakeoverOptions;
  readonly #where: Surroundings;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #said: Said[] = [];
  readonly #wrongs: string[] = [];
  /** Ended on purpose: how is of no interest any more. */
  readonly #doomed = new Set<string>();
  #started = 0;
  #isEnding = false;

  constructor(options: TakeoverOptions, where: Surroundings) {
    this.#options = options;
    this.#where = where;
  }

  async run(): Promise<{ takeovers: Takeover[]; writes: number }> {
    for (let i = 0; i < PROCESSES; i += 1) this.#start();
    const takeovers: Takeover[] = [];
    let leader = await this.#leaderAfter(0);
    while (takeovers.length < this.#options.takeovers) {
      // Somebody has to be there to take over, and the leader to be in the middle of its writes.
      await eventually(() => this.#processes.size === PROCESSES && this.#areStandingBy(leader));
      await pause(this.#where.random.between(20, 400));
      const child = this.#processes.get(leader.identity);
      if (child === undefined) {
        // On a machine that is too busy a leader may not come to renew its lease. That is as good an end as any other.
        leader = await this.#leaderAfter(leader.epoch);
        continue;
      }
      const ending = this.#where.random.oneOf(this.#options.endings);
      const { next, tookMs } = await this.#end(leader, child, ending);
      takeovers.push({ ending, tookMs });
      this.#options.onTakeover?.({ ending, tookMs });
      leader = next;
    }
    this.end();
    await eventually(() => this.#processes.size === 0);
    return { takeovers, writes: await this.#judge() };
  }

  end(): void {
    this.#isEnding = true;
    for (const [identity, child] of this.#processes) {
      this.#doomed.add(identity);
      child.kill('SIGKILL');
    }
  }

  async #end(leader: Said, child: ChildProcess, ending: Ending): Promise<{ next: Said; tookMs: number }> {
    const { identity } = leader;
    const { proxy } = this.#where;
    this.#doomed.add(identity);
    let since = proxy.nowMs;
    let afterwards = (): void => {};
    switch (ending) {
      case 'kill':
        child.kill('SIGKILL');
        break;
      case 'term': {
        child.kill('SIGTERM');
        await eventually(() => !this.#processes.has(identity));
        since = this.#answered(identity, 'update', 'leases')?.answeredAtMs ?? since;
        break;
      }
      case 'stop':
        child.kill('SIGSTOP');
        afterwards = () => child.kill('SIGCONT');
        break;
      case 'lateWrite': {
        const rule = proxy.inject({ identity, verb: 'patch', resource: 'configmaps', fault: { do: 'hold' } });
        await Promise.race([rule.firstHit, once(child, 'exit')]);
        child.kill('SIGSTOP');
        since = proxy.nowMs;
        afterwards = () => {
          rule.release();
          child.kill('SIGCONT');
        };
        break;
      }
      case 'block':
        child.kill('SIGUSR2');
        break;
      case 'cutOff':
        proxy.inject({ identity, fault: { do: 'hang' }, times: 1e9 });
        break;
      case 'deaf':
        proxy.inject({ identity, fault: { do: 'hang', forward: true }, times: 1e9 });
        break;
      default:
        ending satisfies never;
    }
    const next = await this.#leaderAfter(leader.epoch);
    afterwards();
    // A new process takes its place, when it has found out that it leads no longer.
    await eventually(() => !this.#processes.has(identity));
    this.#start();
    const first = this.#answered(next.identity, 'patch', 'configmaps', 'first');
    return { next, tookMs: (first?.answeredAtMs ?? Number.NaN) - since };
  }

  /** Whether all others watch the lease, or the leader is gone already. */
  #areStandingBy({ identity }: Said): boolean {
    const watching = new Set(
      this.#where.proxy.requests
        .filter((request) => fits({ verb: 'watch', resource: 'leases' }, request))
        .map((request) => request.identity),
    );
    const others = [...this.#processes.keys()].filter((other) => other !== identity);
    return !this.#processes.has(identity) || others.every((other) => watching.has(other));
  }

  /** The last request of a process that succeeded, or the first. */
  #answered(identity: string, verb: Verb, resource: string, which: 'first' | 'last' = 'last') {
    const all = this.#where.proxy.requests.filter(
      (request) => fits({ identity, verb, resource }, request) && request.serverStatus === 200,
    );
    return which === 'first' ? all[0] : all.at(-1);
  }

  #start(): void {
    const { namespace, proxy, directory, index } = this.#where;
    const { cluster, lease, seed, clockRates = [1] } = this.#options;
    this.#started += 1;
    const identity = `job-${index}-process-${this.#started}`;
    const { cert, key } = cluster.certificateFor(identity, ['system:masters']);
    const order: LeaderOrder = {
      directory,
      jobId: String(index).padStart(32, 'a'),
      identity,
      lease,
      seed: seed + this.#started,
      clockRate: clockRates[this.#started % clockRates.length] ?? 1,
      kubernetes: { server: proxy.url, ca: cluster.access.ca, cert, key, namespace, job: `job-${index}` },
    };
    const program = join(import.meta.dirname, '../integration/ha/leader-process.ts');
    const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#processes.set(identity, child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#said.push({ ...(JSON.parse(line) as Said), identity });
    });
    child.once('exit', (code, signal) => {
      this.#processes.delete(identity);
      const isExpected = this.#doomed.has(identity) || code === LOST_LEADERSHIP;
      if (!isExpected) this.#wrongs.push(`${identity} ended with ${signal ?? code}, and nobody had asked`);
      // One that was ended is replaced when another leads: its start must not be in the way of that.
      if (!this.#isEnding && !this.#doomed.has(identity)) this.#start();
    });
  }

  /** The first process that leads with a later epoch. */
  async #leaderAfter(epoch: number): Promise<Said> {
    const later = () => this.#said.find((said) => said.what === 'restored' && said.epoch > epoch);
    const deadlineMs = this.#options.lease.durationMs + 120_000;
    await eventually(() => {
      if (this.#wrongs.length > 0) throw new Error(this.#wrongs.join('; '));
      return later() !== undefined;
    }, deadlineMs).catch((cause: Error) => {
      const alive = [...this.#processes.keys()].join(', ');
      const last = this.#said.slice(-5).map((said) => JSON.stringify(said));
      throw new Error(`nobody leads after epoch ${epoch}; alive are ${alive}; last said: ${last}: ${cause.message}`);
    });
    return later() as Said;
  }

  async #judge(): Promise<number> {
    const { namespace, index } = this.#where;
    const wrongs = [...this.#wrongs];
    for (const { identity, error } of this.#said.filter(({ what }) => what === 'broken')) {
      if (!this.#doomed.has(identity)) wrongs.push(`${identity} broke: ${error}`);
    }
    const added = this.#said.filter(({ what }) => what === 'added');
    for (const { identity, epoch, latest = 0, broken = 0 } of this.#said.filter(({ what }) => what === 'restored')) {
      const acknowledged = added.filter((other) => other.epoch < epoch).map(({ checkpointId = 0 }) => checkpointId);
      const newest = Math.max(0, ...acknowledged);
      if (latest < newest) wrongs.push(`${identity} restored checkpoint ${latest} after ${newest} was acknowledged`);
      if (broken > 0) wrongs.push(`${identity} found ${broken} pointers that lead nowhere`);
    }
    const ids = added.map(({ checkpointId }) => checkpointId);
    if (new Set(ids).size !== ids.length) wrongs.push('an id of a checkpoint was given twice');
    const object = { namespace, name: `job-${index}-ha` };
    const events = await this.#options.cluster.auditEventsOnceThere(
      1,
      ({ objectRef }) => objectRef?.namespace === namespace && objectRef.name === object.name,
    );
    const writes = acceptedWrites(events, object);
    for (const { sender, epoch } of writesOfOldLeaders(writes)) {
      wrongs.push(`a write of ${sender} was accepted at epoch ${epoch}, after a newer leader had written`);
    }
    const epochs = writes.map(({ epoch }) => epoch);
    if (epochs.some((epoch, at) => at > 0 && epoch < (epochs[at - 1] ?? 0))) wrongs.push('an epoch went back');
    if (writes.length < added.length) wrongs.push(`the record holds ${writes.length} writes of ${added.length}`);
    if (wrongs.length > 0) throw new Error(wrongs.join('; '));
    return writes.length;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
