/**
 * The commands of `flinkjob`. One file declares a command (`validate.ts`), another does its work (`validate-files.ts`)
 * and is imported when the command runs. Results go to stdout, everything that went wrong to stderr; the exit code is 0
 * only on success, 1 on failure, 2 on wrong usage.
 */
export { type CliIo, type Command, EXIT } from './command.ts';
export { COMMANDS } from './commands.ts';
export { runProgram } from './program.ts';
