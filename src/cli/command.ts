/**
 * The form of a command. A command file only declares; what the command does is imported inside its action, so that
 * starting one command never loads the others.
 *
 *   export const greet: Command = {
 *     name: 'greet',
 *     summary: 'Greet somebody',
 *     usage: '<name>',
 *     examples: ['flinkjob greet Ada'],
 *     register: (command, action) =>
 *       command.argument('<name>', 'who').action(
 *         action(async (io, name: string) => {
 *           io.stdout.write(`Hello ${name}\n`);
 *           return EXIT.ok;
 *         }),
 *       ),
 *   };
 */
import type { Command as Commander } from 'commander';

/** Exit codes of the commands; job processes have more, see docs/cli.md. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What a command may touch of the process. */
export interface CliIo {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** Whether stdout is a terminal. */
  readonly isTty: boolean;
  /** Whether it was called as `kubectl flinkjob`: then a cluster is meant. @default false */
  readonly isPlugin?: boolean;
  /** Ends what would go on until Ctrl-C: `--watch`, `--follow`. @default never */
  readonly signal?: AbortSignal;
}

/** Takes text. */
export interface Sink {
  write(text: string): unknown;
}

/** Makes the action of a command from what it does: arguments and options in, exit code out. */
export type MakeAction = <A extends unknown[]>(
  work: (io: CliIo, ...args: A) => number | Promise<number>,
) => (...args: A) => Promise<void>;

/** One command of `flinkjob`, or a group of them. */
export interface Command {
  readonly name: string;
  /** One line, without a full stop, for the list of commands. */
  readonly summary: string;
  /** Arguments as `--help` shows them, e.g. `<file...>`. */
  readonly usage: string;
  /** Full command lines. */
  readonly examples: readonly string[];
  /** Commands below this one, which then does nothing itself: `flinkjob ha inspect`. */
  readonly commands?: readonly Command[];
  /** Declares arguments, options and the action on the command's own object. */
  register(command: Commander, action: MakeAction): unknown;
}
