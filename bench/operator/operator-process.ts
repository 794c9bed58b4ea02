/** An operator as its image runs it: the files of the image, their flags, the files of a service account. And what it costs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { eventually } from '../../test/builders/eventually.ts';

/** Where an operator is started. */
export interface OperatorPlace {
  /** A folder of the benchmark, below the project. */
  readonly scratch: string;
  /** What runs: `main.js` of the image. */
  readonly main: string;
  /** Of the API server, or of what stands before it. */
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  readonly namespace: string;
}

/** How it is started. */
export interface OperatorStart {
  readonly args?: readonly string[];
  /** For Node.js itself. */
  readonly flags?: readonly string[];
  /** Modules that are loaded before it. */
  readonly before?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const PROJECT = join(import.meta.dirname, '../..');
/** Of the Deployment. */
const [, NODE_OPTIONS = ''] =
  /name: NODE_OPTIONS\n +value: (.*)/.exec(readFileSync(join(PROJECT, 'config/base/deployment.yaml'), 'utf8')) ?? [];
const IMAGE_FLAGS = ['--disable-proto=delete', '--unhandled-rejections=strict'];
const PORTS = ['health', 'metrics'].flatMap((group) => [`--${group}-port`, '0', `--${group}-host`, '127.0.0.1']);
/** Of the kernel: a hundredth of a second. */
const TICK_S = 0.01;

export class OperatorProcess {
  readonly ended: Promise<number | null>;
  readonly begunAt = performance.now();
  readonly #child: ChildProcess;
  #output = '';
  #hasEnded = false;

  constructor(place: OperatorPlace, { args = [], flags = [], before = [], environment = {} }: OperatorStart = {}) {
    const { hostname, port } = new URL(place.server);
    const { PATH = '' } = process.env;
    const modules = [surroundings(place.scratch), ...before].flatMap((module) => ['--import', module]);
    this.#child = spawn(
      process.execPath,
      [...IMAGE_FLAGS, ...flags, ...modules, place.main, 'operator', ...PORTS, ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH,
          NODE_OPTIONS,
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
          SIMULATED_SERVICE_ACCOUNT: account(place),
          ...environment,
        },
      },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.ended = new Promise((done) => {
      this.#child.once('close', (code) => {
        this.#hasEnded = true;
        done(code);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Seconds that processors have spent for it since it began. */
  get cpuSeconds(): number {
    const [, fields = ''] = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * TICK_S;
  }

  /** Memory that is its own now, in bytes; nothing is collected for it. */
  get residentBytes(): number {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1_024;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Tells it to stop and waits until it has. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await this.ended;
  }

  /** Waits until it has said this. @throws Error with all it said, when it ends before */
  async says(message: string, deadlineMs = 120_000): Promise<void> {
    const found = () => this.#output.includes(`"message":${JSON.stringify(message)}`);
    await eventually(() => found() || this.#hasEnded, deadlineMs, 2);
    if (!found()) throw new Error(`the operator never said "${message}", but:\n${this.#output}`);
  }
}

/** The directory that a pod has its account in. */
function account({ scratch, namespace, ca, token }: OperatorPlace): string {
  const folder = join(scratch, `account-${namespace}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries({ token, namespace, 'ca.crt': ca }))
    writeFileSync(join(folder, name), text);
  return folder;
}

/** Leads the process to those files; as JavaScript, or removing types from it would be counted as work of the operator. */
function surroundings(scratch: string): string {
  return asJavaScript(scratch, join(PROJECT, 'test/node-simulator/pod-surroundings.ts'), 'pod-surroundings.mjs');
}

/** A module to load before an operator. @returns its path */
export function asJavaScript(scratch: string, source: string, name: string): string {
  const path = join(scratch, name);
  writeFileSync(path, stripTypeScriptTypes(readFileSync(source, 'utf8')));
  return path;
}
