/** The container of a pod as a process of this machine: its signals, its output, its probes, what it leaves behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { constants } from 'node:os';
import { type ContainerEnd, type ContainerSignal, MOST_MESSAGE_BYTES, type RunningContainer } from './container.ts';
import type { Container, Probe } from './pod-shapes.ts';

/** What is run, and how it is probed. */
export interface ProcessFacts {
  readonly container: Container;
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly podIP: string;
  readonly terminationLog: string;
  /** In place of the period of the readiness probe. */
  readonly readinessPeriodMs: number;
}

/** Of its log, a container that ended badly without a message leaves so much. */
const MOST_LOG_BYTES = 2_048;
const MOST_LOG_LINES = 80;

export class ProcessContainer implements RunningContainer {
  readonly ended: Promise<ContainerEnd>;
  readonly #facts: ProcessFacts;
  readonly #child: ChildProcess;
  #output = '';

  constructor(facts: ProcessFacts) {
    this.#facts = facts;
    const [command = '', ...args] = facts.argv;
    this.#child = spawn(command, args, {
      cwd: facts.workingDirectory,
      // A group of its own, as all processes of a container end with the first.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: facts.variables,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    const { promise, resolve } = Promise.withResolvers<ContainerEnd>();
    this.#child.on('close', (code, signal) => resolve(this.#end(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])));
    this.#child.on('error', (error) => resolve({ exitCode: 128, reason: 'StartError', message: error.message }));
    this.#child.on('exit', () => this.#signalAll('SIGKILL'));
    this.ended = promise;
  }

  get output(): string {
    return this.#output;
  }

  async signal(signal: ContainerSignal): Promise<void> {
    if (signal === 'SIGTERM') this.#child.kill(signal);
    else this.#signalAll(signal);
    // A process that has not come to it yet would still die of a SIGTERM that is sent after it.
    if (signal === 'SIGSTOP') while (!this.#isStopped) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  get #isStopped(): boolean {
    return ['T', 'Z', ''].includes(/^State:\s*(\w)/m.exec(textOf(`/proc/${this.#child.pid}/status`))?.[1] ?? '');
  }

  #signalAll(signal: ContainerSignal): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  watchReadiness(tell: (isReady: boolean) => void, until: AbortSignal): void {
    const { container, readinessPeriodMs } = this.#facts;
    const { readinessProbe, livenessProbe } = container;
    if (readinessProbe?.httpGet === undefined) tell(true);
    else {
      const timing = { firstMs: 0, everyMs: readinessPeriodMs };
      this.#watch(readinessProbe, timing, until, (isWell) => tell(isWell));
    }
    if (livenessProbe?.httpGet !== undefined) {
      const { initialDelaySeconds = 0, periodSeconds = 10 } = livenessProbe;
      const timing = { firstMs: initialDelaySeconds * 1_000, everyMs: periodSeconds * 1_000 };
      this.#watch(livenessProbe, timing, until, (isWell) => {
        if (!isWell) this.#signalAll('SIGKILL');
      });
    }
  }

  /** Tells of the first success, and of every change after it; of failure only when it has come often enough in a row. */
  #watch(
    probe: Probe,
    { firstMs, everyMs }: { readonly firstMs: number; readonly everyMs: number },
    until: AbortSignal,
    tell: (isWell: boolean) => void,
  ): void {
    let told: boolean | undefined;
    let failures = 0;
    let timer = setTimeout(() => void look(), firstMs);
    until.addEventListener('abort', () => clearTimeout(timer), { once: true });
    const look = async (): Promise<void> => {
      const isWell = await this.#answers(probe, until);
      if (until.aborted) return;
      failures = isWell ? 0 : failures + 1;
      const state = isWell ? true : failures >= (probe.failureThreshold ?? 3) ? false : told;
      if (state !== undefined && state !== told) tell(state);
      told = state;
      timer = setTimeout(() => void look(), everyMs);
    };
  }

  #answers({ httpGet, timeoutSeconds = 1 }: Probe, signal: AbortSignal): Promise<boolean> {
    const { podIP, container } = this.#facts;
    const named = container.ports?.find(({ name }) => name === httpGet?.port)?.containerPort;
    const facts = { host: podIP, port: named ?? httpGet?.port, path: httpGet?.path ?? '/', agent: false, signal };
    return new Promise((resolve) => {
      const call = request({ ...facts, timeout: timeoutSeconds * 1_000 }, (answer) => {
        answer.resume();
        const { statusCode = 500 } = answer;
        resolve(statusCode >= 200 && statusCode < 400);
      });
      call.on('timeout', () => call.destroy(new Error('no answer in time')));
      call.on('error', () => resolve(false));
      call.end();
    });
  }

  #end(exitCode: number): ContainerEnd {
    const message = this.#message(exitCode);
    return { exitCode, ...(message === '' ? {} : { message }) };
  }

  #message(exitCode: number): string {
    const written = firstBytes(textOf(this.#facts.terminationLog), MOST_MESSAGE_BYTES);
    const fallsBack = this.#facts.container.terminationMessagePolicy === 'FallbackToLogsOnError' && exitCode !== 0;
    if (written !== '' || !fallsBack) return written;
    const lines = this.#output
      .split('\n')
      .slice(-MOST_LOG_LINES - 1)
      .join('\n');
    return Buffer.from(lines).subarray(-MOST_LOG_BYTES).toString();
  }
}

function firstBytes(text: string, count: number): string {
  return Buffer.from(text).subarray(0, count).toString();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It wrote none.
    return '';
  }
}
