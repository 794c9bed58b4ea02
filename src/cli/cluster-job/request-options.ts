import { type Command as Commander, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../../lib/durations.ts';
import type { ClusterOptions } from './cluster-options.ts';

/** Of commands that ask the operator for something. */
export interface RequestOptions extends ClusterOptions {
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** As long as the operator itself tries, and a little. */
const DEFAULT_TIMEOUT = '15m';

/** `--no-wait` and `--timeout`: how long a command stays until it is done. */
export function withRequestOptions(command: Commander): Commander {
  const timeout = new Option('--timeout <duration>', 'on a cluster: how long to wait, e.g. 90s')
    .argParser((text: string) => {
      const ms = parseDurationMs(text);
      if (ms === undefined) throw new InvalidArgumentError('Write a duration such as 90s or 10m.');
      return ms;
    })
    .default(parseDurationMs(DEFAULT_TIMEOUT), DEFAULT_TIMEOUT);
  return command.addOption(timeout).option('--no-wait', 'on a cluster: ask, and do not wait until it is done');
}
