/**
 * Programs built from Go modules, once: into a folder of its own that is moved into place whole, so that an interrupted
 * build leaves no half program, and one build at a time, however many ask.
 */
import { spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Go } from './go-toolchain.ts';

/** What is built. */
export interface GoProgram {
  /** Folder with go.mod and go.sum. */
  readonly module: string;
  readonly package: string;
  readonly flags: readonly string[];
  readonly output: string;
}

/**
 * Has `build` fill a folder that becomes `folder` when it is whole.
 * @returns whether it was this call that built; when another process builds already, waits for that one
 */
export async function buildOnce(folder: string, build: (half: string) => Promise<void>): Promise<boolean> {
  const lock = `${folder}.lock`;
  while (!tryLock(lock)) {
    if (!isAlive(Number(readFileOr(lock, '0')))) rmSync(lock, { force: true });
    else await pause(250);
    if (existsSync(folder)) return false;
  }
  const half = `${folder}.half-${process.pid}`;
  try {
    if (existsSync(folder)) return false;
    rmSync(half, { recursive: true, force: true });
    mkdirSync(half, { recursive: true });
    await build(half);
    // The lock is a courtesy; should two builds run after all, the first one in place wins.
    if (!existsSync(folder)) renameSync(half, folder);
    return true;
  } finally {
    rmSync(half, { recursive: true, force: true });
    rmSync(lock, { force: true });
  }
}

/** Runs `go build`. Throws with the end of what it said. */
export async function goBuild(go: Go, program: GoProgram): Promise<void> {
  // Tests run beside it, and so do people: lowest priority but one, and not on all cores.
  const parallel = Math.max(2, Math.floor(availableParallelism() / 2));
  const { module, flags, output } = program;
  const build = ['build', '-p', String(parallel), ...flags, '-o', output, program.package];
  const args = ['-n', '10', go.command, ...build];
  const environment = {
    ...process.env,
    GOWORK: 'off',
    GOFLAGS: '',
    CGO_ENABLED: '0',
    GOOS: '',
    GOARCH: '',
    ...go.environment,
  };
  const child = spawn('nice', args, { cwd: module, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let tail = '';
  child.stderr.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4_000);
  });
  const stop = () => void child.kill('SIGTERM');
  process.once('exit', stop);
  const status = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
  process.removeListener('exit', stop);
  if (status !== 0) throw new Error(`go build ${program.package} failed (${status}):\n${tail}`);
}

function tryLock(path: string): boolean {
  // Written aside and linked, so that nobody ever reads a lock that does not name its holder yet.
  const aside = `${path}-${process.pid}`;
  writeFileSync(aside, String(process.pid));
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readFileOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Gone in the meantime: whoever held it has finished.
    return otherwise;
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
