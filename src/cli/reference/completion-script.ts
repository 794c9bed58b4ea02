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
    '  local command="' + COMMAND + '" before="' + BEFORE + '" words=',
    '  case "$command:$before" in',
    ...commands.flatMap(valueLines),
    '  esac',
    '  if [ -z "$words" ]; then',
    '    case "$command" in',
    ...commands.map((command) => `      ${command.name}) words="${wordsOf(command).join(' ')}" ;;`),
    '    esac',
    `    [ "$COMP_CWORD" -gt 1 ] || words="${['--help', '--version', ...commands.map(({ name }) => name)].join(' ')}"`,
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
function valueLines({ name, options }: DeclaredCommand): string[] {
  return options
    .filter(({ choices }) => choices.length > 0)
    .map(({ flags, choices }) => {
      const before = [...flags.matchAll(/--?[a-z-]+/g)].map(([flag]) => `${name}:${flag}`);
      return `    ${before.join('|')}) words="${choices.join(' ')}" ;;`;
    });
}

function wordsOf({ options, arguments: declared }: DeclaredCommand): string[] {
  return [...declared.flatMap(({ choices }) => choices), ...options.map(({ long }) => long), '--help'];
}
