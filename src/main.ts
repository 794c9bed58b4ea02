/** The `flinkjob` command: hands the process to the commands and ends with their exit code. */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { basename } from 'node:path';
import { type CliIo, COMMANDS, runProgram } from './cli/index.ts';

/** Runs a command line and returns the exit code. */
export function main(args: readonly string[], io: CliIo): Promise<number> {
  return runProgram({ version: version(), commands: COMMANDS }, args, io);
}

/** Runs this process's own command line. The exit code is set, not forced, so that everything written gets out. */
export async function start(): Promise<void> {
  keepCompiledCode();
  const { argv, stdout, stderr, stdin, env } = process;
  // Somebody piped us into `head`: what they did not read is not missed.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.exitCode = await main(argv.slice(2), {
    stdout,
    stderr,
    stdin,
    env,
    cwd: process.cwd(),
    isTty: stdout.isTTY === true,
    isPlugin: isPlugin(env.FLINKJOB_CALLED_AS ?? argv[1] ?? ''),
  });
}

/** kubectl finds `kubectl flinkjob` as a program of this name; a checkout's own passes on how it was called. */
function isPlugin(calledAs: string): boolean {
  return basename(calledAs).startsWith('kubectl-flinkjob');
}

/** Code compiled once is not compiled again, here and in the processes that a command starts. */
function keepCompiledCode(): void {
  const { directory } = enableCompileCache();
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
}

/** From package.json, which lies beside `src` in a checkout and beside `dist` in the package. */
function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
