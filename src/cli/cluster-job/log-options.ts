import { type Command as Commander, InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../../lib/durations.ts';

/** Which output of a job, as with kubectl. */
export function withLogOptions(command: Commander): Commander {
  return command
    .option('--pod <name>', 'of this pod')
    .option('-p, --previous', 'of the pod that ended last; where it is gone, what status kept of the last failure')
    .option('--standbys', 'of all pods of this attempt, each line after the name of its pod')
    .option('-f, --follow', 'go on with what is written from now on, until Ctrl-C or the end of the pod')
    .option('--tail <lines>', 'only so many of the last lines', countOf)
    .option('--since <duration>', 'only what was written since then, e.g. 10m', secondsOf)
    .option('--timestamps', 'with the time of each line');
}

function countOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number of lines.');
}

/** The API counts in whole seconds, at least one. */
function secondsOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Write a duration such as 90s or 10m.');
  return Math.max(1, Math.ceil(ms / 1_000));
}
