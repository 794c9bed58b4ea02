/** A command line without a process: what was written is kept. */
import type { CliIo } from '../../src/cli/command.ts';
import { main } from '../../src/main.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `flinkjob` with these arguments. */
export async function flinkjob(
  args: readonly string[],
  options: {
    cwd?: string;
    stdin?: string;
    onStderr?: (text: string) => void;
    onStdout?: (text: string) => void;
  } & Partial<Pick<CliIo, 'env' | 'isTty' | 'isPlugin' | 'signal'>> = {},
): Promise<Ran> {
  const { cwd, stdin, onStderr, onStdout, ...terminal } = options;
  const written = { stdout: '', stderr: '' };
  const sink = (stream: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[stream] += text;
      (stream === 'stderr' ? onStderr : onStdout)?.(text);
    },
  });
  const io: CliIo = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: (async function* () {
      yield stdin ?? '';
    })(),
    env: {},
    cwd: cwd ?? process.cwd(),
    isTty: false,
    ...terminal,
  };
  const code = await main(args, io);
  return { code, ...written };
}
