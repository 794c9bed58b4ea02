/** What the pod of a job was told by whoever made it: variables, read and checked. */
import { DEFAULT_REST_PORT, DEFAULT_TERMINATION_LOG, POD_VARIABLES } from '../../api/index.ts';
import { InvalidJobError } from '../../stream/index.ts';

/** The variables, read and checked. */
export interface PodEnvironment {
  readonly resourceFile: string;
  readonly sourceFile?: string;
  readonly jobId: string;
  readonly attempt: number;
  /** Wall clock, milliseconds. */
  readonly since: number;
  readonly restoreFrom?: string;
  readonly podUid: string;
  readonly podIp: string;
  readonly restPort: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the termination record goes; needed before anything else is read. */
export function terminationLogIn(variables: Variables): string {
  return variables[POD_VARIABLES.terminationLog] ?? DEFAULT_TERMINATION_LOG;
}

/** @throws InvalidJobError that names every variable that is missing or wrong */
export function readPodEnvironment(variables: Variables): PodEnvironment {
  const problems: string[] = [];
  const text = (name: string): string => {
    const value = variables[name] ?? '';
    if (value === '') problems.push(`${name} is not set`);
    return value;
  };
  const number = (name: string, given: string, isRight: (value: number) => boolean, what: string): number => {
    const value = Number(given);
    if (given !== '' && !isRight(value)) problems.push(`${name} is "${given}" and must be ${what}`);
    return value;
  };
  const since = text(POD_VARIABLES.since);
  const born = Date.parse(since);
  if (since !== '' && Number.isNaN(born)) problems.push(`${POD_VARIABLES.since} is "${since}" and must be a time`);
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
  const isPort = (value: number): boolean => isCount(value) && value < 65_536;
  const port = variables[POD_VARIABLES.restPort] ?? String(DEFAULT_REST_PORT);
  const sourceFile = variables[POD_VARIABLES.source];
  const restoreFrom = variables[POD_VARIABLES.restoreFrom];
  const read: PodEnvironment = {
    resourceFile: text(POD_VARIABLES.resource),
    ...(sourceFile === undefined ? {} : { sourceFile }),
    jobId: text(POD_VARIABLES.jobId),
    attempt: number(POD_VARIABLES.attempt, text(POD_VARIABLES.attempt), isCount, 'a number from 1 on'),
    since: born,
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
    podUid: text(POD_VARIABLES.podUid),
    podIp: text(POD_VARIABLES.podIp),
    restPort: number(POD_VARIABLES.restPort, port, isPort, 'a port'),
  };
  if (problems.length === 0) return read;
  throw new InvalidJobError(
    'POD_ENVIRONMENT_INVALID',
    `this process is started in a pod that the operator makes, not by hand: ${problems.join('; ')}. On a machine of your own run flinkjob run.`,
  );
}
