/**
 * Runs a program in a process of its own, to learn whether it can take up a state. The process has no environment, so no
 * credentials; it may read this product and the project that the program lies in, and it may write nothing and start
 * nothing. The network is not closed to it. It is ended when its time is up.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/clock.ts';
import type { ProgramAnswer, ProgramOrder } from './messages.ts';

/** Limits of a check. */
export interface CheckLimits {
  readonly signal?: AbortSignal | undefined;
  /** @default 20000 */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 20_000;
const MEMORY_MIB = 512;
const MOST_STDERR = 2_000;

/** What the program's process answers, or why it does not. Never rejects. */
export async function checkProgram(order: ProgramOrder, limits: CheckLimits = {}): Promise<ProgramAnswer> {
  const isSource = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(isSource ? './check-entry.ts' : './program-check.js', import.meta.url));
  const flags = [
    '--disable-warning=ExperimentalWarning',
    `--max-old-space-size=${MEMORY_MIB}`,
    '--permission',
    ...readable(entry, order).map((path) => `--allow-fs-read=${path}`),
  ];
  const child = spawn(process.execPath, [...flags, entry], {
    cwd: order.workingDirectory,
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return answerOf(child, order, limits);
}

function answerOf(
  child: ChildProcess,
  order: ProgramOrder,
  { signal, timeoutMs = TIMEOUT_MS }: CheckLimits,
): Promise<ProgramAnswer> {
  return new Promise((done) => {
    let said = '';
    const end = (answer: ProgramAnswer): void => {
      cancel();
      signal?.removeEventListener('abort', stop);
      done(answer);
      child.kill('SIGKILL');
    };
    const notRun = (why: string): void => end({ is: 'notRun', why });
    const stop = (): void => notRun('it was interrupted');
    const cancel = systemClock.setTimer(timeoutMs, () => notRun(`it was not done within ${timeoutMs / 1_000} s`));
    if (signal?.aborted === true) return stop();
    signal?.addEventListener('abort', stop);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(0, MOST_STDERR);
    });
    child.once('error', (error) => notRun(error.message));
    child.once('message', (message) => end(message as ProgramAnswer));
    child.once('close', (code, ended) =>
      notRun(`its process ended (${ended ?? `exit code ${code}`})${lastLine(said)}`),
    );
    child.send(order, (error) => {
      if (error !== null) notRun(error.message);
    });
  });
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${line}`;
}

/** Directories with all that is in them: this product, the program's project, and the packages of both. */
function readable(entry: string, { module, workingDirectory }: ProgramOrder): string[] {
  const program = module.kind === 'file' ? dirname(resolve(workingDirectory, module.path)) : workingDirectory;
  const roots = [...new Set([dirname(entry), program].map(projectOf))];
  const packages = roots.flatMap(ancestors).map((directory) => join(directory, 'node_modules'));
  const places = [...roots, ...packages].filter((path) => existsSync(path));
  return [...new Set(places.flatMap((path) => [path, realpathSync(path)]))].map((path) => join(path, '*'));
}

/** The nearest directory with a package.json, unless that is one in which everything else lies, too. */
function projectOf(directory: string): string {
  const found = ancestors(directory).find((each) => existsSync(join(each, 'package.json')));
  const isEverything = found === undefined || found === parse(found).root || found === homedir();
  return isEverything ? directory : found;
}

function ancestors(directory: string): string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...ancestors(above)];
}
