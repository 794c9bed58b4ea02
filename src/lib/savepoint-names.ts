/**
 * How the directories of savepoints are named: for the engine, which makes and removes them, and for the operator, which opens
 * no storage and has to know by the name alone whose a savepoint is.
 *
 *     savepoint-<first 6 of job id>-<random>             one that somebody asked for: theirs
 *     savepoint-<first 6 of job id>-auto<job><epoch>…    one that the job took by itself, and removes when it is old
 */

/** How all savepoints of a job begin, and perhaps some of another one: only the manifest has the whole id. */
export function savepointPrefix(jobId: string): string {
  return `savepoint-${jobId.slice(0, 6)}-`;
}

/** How the directories of the savepoints begin that the job takes by itself. No other one's can: those are hex. */
export function automaticSavepointPrefix(jobId: string): string {
  return `${savepointPrefix(jobId)}auto`;
}

/** Whether a job took the savepoint at this location by itself. */
export function isAutomaticSavepoint(location: string): boolean {
  return /(^|\/)savepoint-[0-9a-f]{6}-auto[^/]*\/?$/.test(location);
}

/** Whether somebody asked for the savepoint at this location. */
export function isSavepointAskedFor(location: string): boolean {
  return /(^|\/)savepoint-[^/]*$/.test(location) && !isAutomaticSavepoint(location);
}
