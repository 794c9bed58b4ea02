/** `flinkjob validate`: checks files before anything runs. Exit 0: all valid; 1: something is wrong; 2: wrong usage. */
import { Option } from 'commander';
import type { Command } from './command.ts';

/** The command. */
export const validate: Command = {
  name: 'validate',
  summary: 'Check FlinkJob files and report everything that is wrong, with line numbers',
  usage: '<file...>',
  examples: [
    'flinkjob validate examples/flight-delays.yaml',
    'flinkjob validate examples/                 # every *.yaml and *.yml below it',
    'flinkjob validate - < examples/flight-delays.yaml',
    'flinkjob validate -o json examples/flight-delays.yaml',
  ],
  register: (command, action) =>
    command
      .argument('<file...>', 'files, directories, or - for standard input')
      .addOption(
        new Option('-o, --output <format>', 'how the result is written').choices(['text', 'json']).default('text'),
      )
      .action(
        action(async (io, files: string[], { output }: { output: 'text' | 'json' }) => {
          const { validateFiles } = await import('./validate-files.ts');
          return validateFiles(files, output, io);
        }),
      ),
};
