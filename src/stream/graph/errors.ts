import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown when a program does not make a job that can run: the job is not started, and a restart would not help. */
export class JobGraphError extends FlinkJobError {}
