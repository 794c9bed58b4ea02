/** `flinkjob operator` as a process of its own, on the test cluster. What still runs is ended after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ClusterAccess } from '../cluster/index.ts';
import { commandForTests } from '../command/desk.ts';
import { eventually } from './eventually.ts';
import { kubeconfigFile } from './kubeconfig.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

const COMMAND = await commandForTests();
/** Leads the process to the files of its service account. */
const SURROUNDINGS = join(import.meta.dirname, '../node-simulator/pod-surroundings.ts');

/** How it ended. */
export interface OperatorEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class OperatorProcess {
  readonly ended: Promise<OperatorEnd>;
  readonly begunAt = performance.now();
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #end: OperatorEnd | undefined;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}, command = COMMAND) {
    const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
    this.#child = spawn(process.execPath, ['--import', SURROUNDINGS, command, 'operator', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Nothing else of this machine: its variables may be settings.
      env: { PATH, NODE_COMPILE_CACHE, ...environment },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((done) => {
      this.#child.on('close', (code) => {
        this.#end = { code, stdout: this.#stdout, stderr: this.#stderr };
        done(this.#end);
      });
    });
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Lines of its log, each an object. */
  get log(): Record<string, unknown>[] {
    const whole = this.#stdout.slice(0, this.#stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  /** Waits for a line with this message; fails, with what it said instead, when the process ends before. */
  async says(message: string): Promise<Record<string, unknown>> {
    const find = () => this.log.find((line) => line.message === message);
    await eventually(() => find() !== undefined || this.#end !== undefined, 60_000);
    const line = find();
    if (line === undefined) throw new Error(`never said "${message}", but:\n${this.#stdout}\n${this.#stderr}`);
    return line;
  }

  /** Asks one of its servers, once it listens. */
  async ask(path: '/livez' | '/readyz' | '/metrics'): Promise<{ status: number; body: string }> {
    const { healthPort, metricsPort } = await this.says('listens');
    const port = path === '/metrics' ? metricsPort : healthPort;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  async isReady(): Promise<void> {
    await this.says('listens');
    await eventually(async () => (await this.ask('/readyz')).status === 200);
  }
}

/** The command, of another version. It is kept beside the other, and goes with it. */
export function anotherVersion(version: string): string {
  const folder = dirname(dirname(COMMAND));
  const other = join(folder, `version-${version}`);
  cpSync(dirname(COMMAND), join(other, 'dist'), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeFileSync(join(other, 'package.json'), JSON.stringify({ ...manifest, version }));
  return join(other, 'dist', basename(COMMAND));
}

/** Ports that are free, where only this machine asks. */
export const PLACES = ['health', 'metrics'].flatMap((group) => [
  `--${group}-port`,
  '0',
  `--${group}-host`,
  '127.0.0.1',
]);

/** As in a pod: with the files of a service account, here one that may do everything. Listens on ports that are free. */
export function startOperator(access: ClusterAccess, namespace: string, ...args: readonly string[]): OperatorProcess {
  return new OperatorProcess([...PLACES, ...args], podVariables(access, namespace));
}

/** What a pod is told of its cluster. */
export function podVariables({ server, ca, adminToken }: ClusterAccess, namespace: string): Record<string, string> {
  const account = aTemporaryDirectory();
  for (const [name, content] of Object.entries({ token: adminToken, 'ca.crt': ca, namespace }))
    writeFileSync(join(account, name), content);
  const { hostname, port } = new URL(server);
  return {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    SIMULATED_SERVICE_ACCOUNT: account,
  };
}

/** As on somebody's machine: with a kubeconfig. */
export function startOperatorByKubeconfig(access: ClusterAccess, namespace: string): OperatorProcess {
  const kubeconfig = kubeconfigFile(access, namespace);
  onTestFinished(() => kubeconfig[Symbol.dispose]());
  return new OperatorProcess(['--kubeconfig', kubeconfig.path, ...PLACES]);
}
