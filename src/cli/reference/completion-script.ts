/** Completion for bash and zsh: commands, options and their values. Job names and files are the shell's own business. */
import type { CliIo } from '../command.ts';
import { EXIT } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { type DeclaredCommand, declarationsOf } from './declarations.ts';

/** Shells that a script is written for. */
export type Shell = 'bash' | 'zsh';

/** What `flinkjob completion` does. */
export function writeCompletion(shell: Shell, io: CliIo): number {
  io.stdout.write(completionScript(shell, declarationsOf(COMMANDS)));
  return EXIT.ok;
}

/** A script to be sourced. zsh runs the one of bash through its own bridge. */
export function completionScript(shell: Shell, commands: readonly DeclaredCommand[]): string {
  const bridge = shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : [];
  return `${[...bridge, ...bashLines(commands)].join('\n')}\n`;
}

function bashLines(commands: readonly DeclaredCommand[]): string[] {
  return [
    '_flinkjob() {',
    `  local command="${COMMAND}" before="${BEFORE}" words=`,
    '  case "$command:$before" in',
    ...commands.flatMap(valueLines),
    '  esac',
    '  if [ -z "$words" ]; then',
    '    case "$command" in',
    ...[...Map.groupBy(commands, firstWord)].map(
      ([name, below]) => `      ${name}) words="${[...new Set(below.flatMap(wordsOf))].join(' ')}" ;;`,
    ),
    '    esac',
    `    [ "$COMP_CWORD" -gt 1 ] || words="${['--help', '--version', ...new Set(commands.map(firstWord))].join(' ')}"`,
    '  fi',
    `  COMPREPLY=($(compgen -W "$words" -- "${WORD}"))`,
    '}',
    'complete -o default -F _flinkjob flinkjob',
  ];
}

const expansion = (parameter: string): string => `\${${parameter}}`;
const COMMAND = expansion('COMP_WORDS[1]-');
const BEFORE = expansion('COMP_WORDS[COMP_CWORD-1]');
const WORD = expansion('COMP_WORDS[COMP_CWORD]');

/** After an option that takes one of some values, only those. */
function valueLines(command: DeclaredCommand): string[] {
  return command.options
    .filter(({ choices }) => choices.length > 0)
    .map(({ flags, choices }) => {
      const before = [...flags.matchAll(/--?[a-z-]+/g)].map(([flag]) => `${firstWord(command)}:${flag}`);
      return `    ${before.join('|')}) words="${choices.join(' ')}" ;;`;
    });
}

/** Of a group, everything that commands below it take is offered together. */
function firstWord({ name }: DeclaredCommand): string {
  return name.replace(/ .*/, '');
}

function wordsOf({ name, options, arguments: declared }: DeclaredCommand): string[] {
  return [
    ...name.split(' ').slice(1),
    ...declared.flatMap(({ choices }) => choices),
    ...options.map(({ long }) => long),
    '--help',
  ];
}
