/** Puts the commands together, runs one, and turns whatever happens into an exit code. */
import { Command as Commander, CommanderError } from 'commander';
import { messageOf } from '../lib/errors.ts';
import { type CliIo, type Command, EXIT, type MakeAction } from './command.ts';
import { printable } from './inspect/printable.ts';

/** Every command, in the order of `flinkjob --help`. */
export interface Program {
  readonly version: string;
  readonly commands: readonly Command[];
}

/**
 * Runs a command line (without node and script) and returns the exit code: what the command answers, 2 for wrong usage,
 * 1 for an error that nobody handled. Never throws, never prints a stack trace unless FLINKJOB_DEBUG is set.
 */
export async function runProgram(program: Program, args: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = EXIT.ok;
  const action: MakeAction =
    (work) =>
    async (...given) => {
      exitCode = await work(io, ...given);
    };
  const root = configure(new Commander(io.isPlugin === true ? 'kubectl flinkjob' : 'flinkjob'), io)
    .description('Stateful, exactly-once stream jobs in TypeScript, on a laptop and on Kubernetes')
    .version(program.version, '--version', 'print the version')
    .showSuggestionAfterError();
  for (const command of program.commands) addCommand(root, command, action, io);
  try {
    if (args.length === 0) root.help();
    await root.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return exitCodeOf(error, io);
  }
}

function configure(command: Commander, io: CliIo): Commander {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHasColors: () => io.isTty && !io.env.NO_COLOR,
      getErrHasColors: () => false,
    });
}

function addCommand(parent: Commander, command: Command, action: MakeAction, io: CliIo): void {
  const own = configure(parent.command(command.name), io).summary(command.summary).description(`${command.summary}.`);
  own.showSuggestionAfterError().usage(`[options] ${command.usage}`.trim());
  if (command.examples.length > 0) {
    own.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  ${line}`).join('\n')}`);
  }
  command.register(own, action);
  for (const below of command.commands ?? []) addCommand(own, below, action, io);
}

function exitCodeOf(error: unknown, io: CliIo): number {
  // Commander has printed its message, with the nearest known command or option.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  // A message may repeat what stands in files of others.
  io.stderr.write(`error: ${messageOf(error).split('\n').map(printable).join('\n')}\n`);
  if (io.env.FLINKJOB_DEBUG && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
}
