/** docs/cli.md: every command, argument, option and exit code, from the declarations. */
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import type { DeclaredArgument, DeclaredCommand, DeclaredOption } from './declarations.ts';

/** The whole document. */
export function cliDocument(commands: readonly DeclaredCommand[]): string {
  const lines = [
    '<!-- Rendered from the declarations of the commands by scripts/render-cli.ts; edit those. -->',
    '# The command line',
    '',
    'In a checkout: `bin/flinkjob`. Installed: `flinkjob`.',
    '',
    '| command | does |',
    '|---|---|',
    ...commands.map(
      ({ name, summary }) => `| [\`${name}\`](#flinkjob-${name.replaceAll(' ', '-')}) | ${cell(summary)} |`,
    ),
    '',
    ...GENERAL,
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const GENERAL: readonly string[] = [
  '## For all commands',
  '',
  'Results go to stdout, everything else to stderr. On a terminal results are aligned and coloured; elsewhere rows are',
  'separated by tabs, and `-o json` and `-o yaml` write the same record for machines. `NO_COLOR` switches colour off,',
  '`FLINKJOB_DEBUG` shows the stack trace of an error of our own. `--help` of each command has examples.',
  '',
  '| exit code | means |',
  '|---|---|',
  '| 0 | success |',
  '| 1 | it failed; the message says what and what to do |',
  '| 2 | wrong usage: an unknown command, option or value |',
  '',
  '`run` and `resume` end with the exit codes of jobs:',
  '',
  '| exit code | means |',
  '|---|---|',
  `| ${JOB_EXIT.finished} | the job finished, or was stopped on request with its state kept |`,
  `| ${JOB_EXIT.failed} | the job failed, and its restart strategy gave up |`,
  `| ${JOB_EXIT.suppressRestarts} | the job failed in a way that a restart cannot mend |`,
  `| ${JOB_EXIT.invalid} | the job or its configuration is not valid |`,
  '| 1 | the job is run by another process already |',
  '| 130 | ended at once by a second Ctrl-C; the job goes on from its newest checkpoint when it is run again |',
  '',
  'The first Ctrl-C (SIGINT) or SIGTERM ends the job as `spec.deletion.mode` says: with a savepoint unless it says otherwise.',
  '',
];

/** What the output of a command needs to be read, below its examples. */
const LEGENDS: Readonly<Record<string, readonly string[]>> = {
  operator: [
    'Each option is also a variable and a key of the file: [all settings](reference/operator-configuration.md).',
    '[operating.md](operating.md) tells how it is run. It ends with 0 after SIGTERM or SIGINT, with 1 after an error or when it lost',
    'its lease, with 2 when its configuration is wrong, and with 130 after a second signal.',
    '',
  ],
  plan: [
    'In the column STATES `-` means that the operator has no state, `new` that it is not in the stored state and starts empty,',
    'and `?` that nothing is stored yet: states are known from a checkpoint, because functions ask for them when they run. A',
    '`*` after a uid says that it was made from the place of the operator in the program.',
    '',
  ],
};

function commandLines(command: DeclaredCommand): string[] {
  return [
    `## flinkjob ${command.name}`,
    '',
    `${command.summary}.`,
    '',
    '```',
    `flinkjob ${command.name} [options] ${command.usage}`.trimEnd(),
    '```',
    '',
    ...(command.arguments.length === 0
      ? []
      : ['| argument | is |', '|---|---|', ...command.arguments.map(argumentRow), '']),
    ...(command.options.length === 0
      ? []
      : ['| option | does | default |', '|---|---|---|', ...command.options.map(optionRow), '']),
    '```',
    ...command.examples,
    '```',
    '',
    ...(LEGENDS[command.name] ?? []),
  ];
}

function argumentRow({ name, description, choices }: DeclaredArgument): string {
  const allowed = choices.length === 0 ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
  return `| \`${name}\` | ${cell(description)}${allowed} |`;
}

function optionRow({ flags, description, choices, defaultValue, environment }: DeclaredOption): string {
  const allowed = choices.length === 0 ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
  const variable = environment === undefined ? '' : ` (also \`${environment}\`)`;
  const fallback = defaultValue === undefined ? '' : `\`${defaultValue}\``;
  return `| \`${cell(flags)}\` | ${cell(description)}${allowed}${variable} | ${fallback} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
