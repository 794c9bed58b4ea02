/** The list of commands. Each import declares a command and loads nothing of what it does. */
import { checkpoint } from './checkpoint.ts';
import { checkpoints } from './checkpoints.ts';
import type { Command } from './command.ts';
import { completion } from './completion.ts';
import { events } from './events.ts';
import { explain } from './explain.ts';
import { ha } from './ha.ts';
import { logs } from './logs.ts';
import { operator } from './operator.ts';
import { plan } from './plan.ts';
import { query } from './query.ts';
import { restart } from './restart.ts';
import { resume } from './resume.ts';
import { run } from './run.ts';
import { savepoint } from './savepoint.ts';
import { status } from './status.ts';
import { suspend } from './suspend.ts';
import { validate } from './validate.ts';

/** Every command, in the order of `flinkjob --help`. */
export const COMMANDS: readonly Command[] = [
  run,
  validate,
  plan,
  status,
  explain,
  logs,
  events,
  savepoint,
  restart,
  suspend,
  resume,
  query,
  checkpoints,
  checkpoint,
  ha,
  operator,
  completion,
];
