/**
 * Several processes on the state handle store of one job, against a real API server behind a bad network. Held afterwards:
 * what the callers saw of each name can be put into one order; every pointer that is left leads to its state; a file that
 * nobody points to is there only where somebody was not told, or died, and the next leader's sweep removes it.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeHandle, FencedWriter } from '../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import { staleNames } from '../../src/ha/sweep.ts';
import { ApiClient } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { filesystemStorage } from '../../src/storage/index.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiProxy } from '../faults/api/api-proxy.ts';
import type { Fault } from '../faults/api/rules.ts';
import { isLinearizable } from '../oracles/linearizability.ts';
import type { HistoryOrder, Recorded } from './history-process.ts';

export interface HistoryOptions {
  readonly cluster: TestCluster;
  readonly seed: number;
  readonly processes: number;
  readonly runMs: number;
}

export interface HistoryReport {
  readonly operations: number;
  readonly done: number;
  readonly unknown: number;
  readonly names: number;
  readonly terms: number;
  readonly faults: number;
  /** Files that nobody pointed to at the end. */
  readonly orphans: number;
}

/** Names come and go in eras, so that the history of each one is short enough to be searched. */
const ERA_MS = 600;
const NAMES = 4;
const CALLERS = 3;
/** Of each process, however busy the machine is. */
const LEAST_DONE = 10;

const FAULTS: readonly Fault[] = [
  { do: 'dropBefore' },
  { do: 'dropAfter' },
  { do: 'dropAfter' },
  { do: 'delay', ms: 150 },
  { do: 'delay', ms: 600 },
  { do: 'delay', ms: 500, on: 'answer' },
  { do: 'answer', status: 500 },
  { do: 'answer', status: 429, retryAfterS: 0 },
  { do: 'truncate', bytes: 20 },
];

/** Throws, naming the seed, when anything is not as it has to be. */
export async function historyRun(options: HistoryOptions): Promise<HistoryReport> {
  const { cluster, seed, processes, runMs } = options;
  const directory = await mkdtemp(join(tmpdir(), 'flinkjob-history-'));
  const namespace = await cluster.namespace();
  const proxy = await ApiProxy.start(cluster.access);
  const { cert, key } = cluster.certificateFor('judge', ['system:masters']);
  const credentials = async () => ({ headers: {}, ca: cluster.access.ca, cert, key, verifiesServer: true });
  const connection = { origin: 'a test', server: cluster.access.server, namespace, credentials };
  const client = ApiClient.for(connection, { fieldManager: 'judge' });
  const backend = new ConfigMapHandleBackend({ client, namespace, name: 'job-ha' });
  try {
    await backend.create(0);
    const random = new SeededRandom(seed);
    const startMs = Number(process.hrtime.bigint()) / 1e6;
    const endMs = startMs + runMs;
    const order = (index: number): HistoryOrder => {
      const identity = `process-${index}`;
      const own = cluster.certificateFor(identity, ['system:masters']);
      const where = { server: proxy.url, ca: cluster.access.ca, ...own, namespace, name: 'job-ha', directory };
      const size = { names: NAMES, eraMs: ERA_MS, callers: CALLERS };
      return { ...where, ...size, identity, seed: seed * 100 + index, startMs, endMs, leastDone: LEAST_DONE };
    };
    const running = Array.from({ length: processes }, (_, index) => historyOf(order(index)));
    let faults = 0;
    let isOver = false;
    const histories = Promise.all(running).finally(() => {
      isOver = true;
    });
    // Somebody listens from now on; what it throws is thrown below.
    histories.catch(() => {});
    while (!isOver) {
      proxy.inject({ verb: ['patch', 'get'], resource: 'configmaps', fault: random.oneOf(FAULTS) });
      faults += 1;
      await pause(random.between(10, 80));
    }
    proxy.heal();
    const history = (await histories).flat();
    return { ...(await judged(history, backend, directory)), faults };
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Promise.all([client.close(), proxy.stop()]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function historyOf(order: HistoryOrder): Promise<Recorded[]> {
  const program = join(import.meta.dirname, 'history-process.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const printed = await text(child.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`${order.identity} ended with ${code}`);
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded);
}

async function judged(
  history: readonly Recorded[],
  backend: ConfigMapHandleBackend,
  directory: string,
): Promise<Omit<HistoryReport, 'faults'>> {
  const byName = Map.groupBy(history, ({ name }) => name);
  for (const [name, operations] of byName) {
    if (isLinearizable(operations)) continue;
    const told = operations.sort((a, b) => a.calledAt - b.calledAt).map((operation) => JSON.stringify(operation));
    throw new Error(`what was seen of ${name} fits no order:\n${told.join('\n')}`);
  }
  const storage = filesystemStorage({ directory, clock: systemClock });
  const snapshot = await backend.read();
  const referenced = new Set<string>();
  for (const [name, value] of snapshot?.entries ?? []) {
    const stored = decodeHandle(value);
    if (stored.kind === 'live' || stored.kind === 'marked') referenced.add(stored.pointer.path);
    if (stored.kind === 'live' && !(await storage.exists(stored.pointer.path))) {
      throw new Error(`${name} points to ${stored.pointer.path}, which is not there`);
    }
  }
  const files = await storage.list('ha');
  const orphans = files.filter((path) => !referenced.has(path));
  const untold = history.filter(({ outcome }) => outcome === 'unknown').length;
  // Whoever lost the lead in the middle of a write may not remove what it wrote: it cannot know.
  if (orphans.length > untold)
    throw new Error(`${orphans.length} files nobody points to, and ${untold} unknown outcomes`);
  const writer = new FencedWriter({ backend, clock: systemClock, random: Math.random, retries: 3 });
  const taken = await writer.takeOver({ identity: 'judge', atLeast: 1 });
  if (!taken.taken) throw new Error(`nobody may lead any more: ${taken.reason}`);
  const left = orphans.filter((path) => !staleNames([path], taken.epoch, referenced).includes(path));
  if (left.length > 0) throw new Error(`no sweep would remove ${left.join(', ')}`);
  return {
    operations: history.length,
    done: history.filter(({ outcome }) => outcome === 'done').length,
    unknown: untold,
    names: byName.size,
    terms: taken.epoch - 1,
    orphans: orphans.length,
  };
}
