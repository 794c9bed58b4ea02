import { Option } from 'commander';

/** `--home`: where local jobs live. Shared by all commands for them. */
export function homeOption(): Option {
  return new Option('--home <directory>', 'where local jobs keep their state, relative to the current directory')
    .env('FLINKJOB_HOME')
    .default('.flinkjob');
}
