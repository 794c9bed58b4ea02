/** Whether the running Node.js can run this product. Loads nothing, and is written so that every older one can read it. */

/** The oldest major version of Node.js that will do; package.json names the same. */
export const NEEDED_NODE = 24;

/** What to tell a person whose Node.js is too old; undefined when it will do. `version`: as in `process.versions.node`. */
export function nodeTooOld(version: string, executable: string): string | undefined {
  if (Number.parseInt(version, 10) >= NEEDED_NODE) return undefined;
  return `flinkjob needs Node.js ${NEEDED_NODE} or newer; ${executable} is ${version}. Install a newer one, or put it first on the PATH.`;
}
