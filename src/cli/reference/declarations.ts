/** What the commands declare, as records: for the document and for shell completion. Nothing of what they do is loaded. */
import { Command as Commander, type Option } from 'commander';
import type { Command } from '../command.ts';

export interface DeclaredArgument {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
  readonly isVariadic: boolean;
  readonly choices: readonly string[];
}

export interface DeclaredOption {
  /** As `--help` shows them: `-o, --output <format>`. */
  readonly flags: string;
  /** `--output` */
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly defaultValue: string | undefined;
  readonly environment: string | undefined;
}

export interface DeclaredCommand {
  /** As on a command line: `ha inspect`. */
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly examples: readonly string[];
  readonly arguments: readonly DeclaredArgument[];
  readonly options: readonly DeclaredOption[];
}

/** The declarations of commands, in their order. Of a group, those below it, each with its full name. */
export function declarationsOf(commands: readonly Command[], group = ''): DeclaredCommand[] {
  return commands.flatMap((command) => {
    const name = `${group}${command.name}`;
    if (command.commands !== undefined) return declarationsOf(command.commands, `${name} `);
    const own = new Commander(command.name);
    command.register(own, () => async () => {});
    return {
      name,
      summary: command.summary,
      usage: command.usage,
      examples: command.examples,
      arguments: own.registeredArguments.map((argument) => ({
        name: argument.name(),
        description: argument.description,
        isRequired: argument.required,
        isVariadic: argument.variadic,
        choices: argument.argChoices ?? [],
      })),
      options: own.options.map(declaredOption),
    };
  });
}

function declaredOption(option: Option): DeclaredOption {
  const { flags, long, description, required, optional, argChoices, defaultValue, defaultValueDescription, envVar } =
    option;
  return {
    flags,
    long: long ?? flags,
    description,
    takesValue: required || optional,
    choices: argChoices ?? [],
    defaultValue:
      defaultValue === undefined || defaultValue === false
        ? undefined
        : (defaultValueDescription ?? String(defaultValue)),
    environment: envVar,
  };
}
