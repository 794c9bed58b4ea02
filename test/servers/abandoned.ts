/** What is left of a server whose keeper was killed itself, and so could not clean up. */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder this young may belong to a start that has not come to its keeper yet. */
const SURELY_STARTED_MS = 60_000;

/**
 * Ends and removes what such keepers left, in folders that begin so. Servers of living keepers stay. A process is known by the
 * folder on its command line, never by a number that may belong to somebody else by now.
 */
export function sweepAbandoned(prefix: string): void {
  const folders = readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix));
  const processes = folders.length === 0 ? undefined : commandLines();
  if (processes === undefined) return;
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    const itsOwn = processes.filter((line) => line.includes(folder));
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age < SURELY_STARTED_MS || itsOwn.some((line) => line.includes('keeper.ts'))) continue;
    for (const line of itsOwn) tryKill(Number(line.trim().split(' ', 1)[0]));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of all processes, each line beginning with its id. */
function commandLines(): string[] | undefined {
  try {
    return execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n');
  } catch {
    // No `ps` here: what is left stays, and does no harm.
    return undefined;
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
