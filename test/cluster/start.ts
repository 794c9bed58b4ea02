/** Starts a cluster that lives as long as this process, for tests (through the desk), benchmarks and soak runs. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ClusterAccess } from './access.ts';
import type { Wish } from './keeper.ts';
import { findPrograms, type ProgramFacts } from './programs.ts';

/** A cluster that runs. */
export interface RunningCluster {
  readonly access: ClusterAccess;
  /** From the call to a server that says it is ready; what had to be built is not in it. */
  readonly startedInMs: number;
  /** Adds kube-controller-manager; a second call waits for the first. */
  startControllerManager(): Promise<void>;
  /** Ends it and removes what it wrote. It also ends with this process, however that ends. */
  stop(): Promise<void>;
}

const PREFIX = 'flinkjob-cluster-';

/** Starts etcd and kube-apiserver; `unavailable` says why this machine cannot have them. Throws when they do not start. */
export async function startCluster(facts: ProgramFacts = {}): Promise<RunningCluster | { unavailable: string }> {
  const programs = await findPrograms({ ...facts, wanted: ['etcd', 'kube-apiserver'] });
  if (!programs.found) return { unavailable: programs.reason };
  sweepAbandoned();
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const keeper = new KeeperProcess(folder);
  try {
    const { access } = await keeper.ask<{ access: ClusterAccess }>({ programs: programs.paths });
    const startedInMs = performance.now() - started;
    let controllerManager: Promise<void> | undefined;
    const startControllerManager = async () => {
      const found = await findPrograms({ ...facts, wanted: ['kube-controller-manager'] });
      if (!found.found) throw new Error(found.reason);
      await keeper.ask({ controllerManager: found.paths['kube-controller-manager'] });
    };
    return {
      access,
      startedInMs,
      startControllerManager: () => (controllerManager ??= startControllerManager()),
      stop: () => keeper.end(),
    };
  } catch (error) {
    await keeper.end();
    throw error;
  }
}

/** The keeper, and its answers in the order of the questions. */
class KeeperProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;
  private readonly gone: Promise<void>;
  private last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    const script = join(import.meta.dirname, 'keeper.ts');
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A group of its own: a Ctrl-C must not reach the servers before the parent has said it is over.
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.gone = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  ask<T>(question: Wish): Promise<T> {
    const asked = this.last.then(async () => {
      this.child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await this.lines.next();
      if (done === true) throw new Error('the keeper of the test cluster ended');
      const answer = JSON.parse(value) as T & { failure?: string };
      if (answer.failure !== undefined) throw new Error(`the test cluster: ${answer.failure}`);
      return answer;
    });
    this.last = asked.catch(() => {});
    return asked;
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await this.gone;
  }
}

/** A folder this young may belong to a start that has not come to its keeper yet. */
const SURELY_STARTED_MS = 60_000;

/**
 * Ends and removes what a keeper left that was killed itself and so could not clean up. Clusters of living keepers stay.
 * A process is known by the folder on its command line, never by a number that may belong to somebody else by now.
 */
function sweepAbandoned(): void {
  const folders = readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX));
  const processes = folders.length === 0 ? undefined : commandLines();
  if (processes === undefined) return;
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    const itsOwn = processes.filter((line) => line.includes(folder));
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age < SURELY_STARTED_MS || itsOwn.some((line) => line.includes('keeper.ts'))) continue;
    for (const line of itsOwn) tryKill(Number(line.trim().split(' ', 1)[0]));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of all processes, each line beginning with its id. */
function commandLines(): string[] | undefined {
  try {
    return execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n');
  } catch {
    // No `ps` here: what is left stays, and does no harm.
    return undefined;
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
