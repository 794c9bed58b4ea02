/** The list of commands. Each import declares a command and loads nothing of what it does. */
import type { Command } from './command.ts';
import { run } from './run.ts';
import { validate } from './validate.ts';

/** Every command, in the order of `flinkjob --help`. */
export const COMMANDS: readonly Command[] = [run, validate];
