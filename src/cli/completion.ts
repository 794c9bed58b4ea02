/** `flinkjob completion`: a script that teaches a shell the commands and options. */
import { Argument } from 'commander';
import type { Command } from './command.ts';
import type { Shell } from './reference/completion-script.ts';

/** The command. */
export const completion: Command = {
  name: 'completion',
  summary: 'Print a script that completes commands and options in bash or zsh',
  usage: '<shell>',
  examples: ['source <(flinkjob completion bash)', 'flinkjob completion zsh > ~/.flinkjob-completion.zsh'],
  register: (command, action) =>
    command.addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh'])).action(
      action(async (io, shell: Shell) => {
        const { writeCompletion } = await import('./reference/completion-script.ts');
        return writeCompletion(shell, io);
      }),
    ),
};
