/**
 * The programs of the soak test as JavaScript: a process then starts in a third of the time, and a long run goes on with
 * the code it began with. One build with shared chunks, so that the random job and the engine are one code.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Where the built programs are. */
export interface BundledPrograms {
  readonly jobProcess: string;
  /** `flinkjob`, of one code with the random job too. */
  readonly command: string;
  readonly randomJob: string;
  remove(): void;
}

const ROOT = join(import.meta.dirname, '../..');

/** Builds the programs into a directory of their own. */
export async function bundlePrograms(): Promise<BundledPrograms> {
  // Below the project, where packages that are not bundled can be found.
  mkdirSync(join(ROOT, '.soak'), { recursive: true });
  const scratch = mkdtempSync(join(ROOT, '.soak', 'programs-'));
  const directory = join(scratch, 'dist');
  // The engine reads its version there, as it does in an installed package.
  copyFileSync(join(ROOT, 'package.json'), join(scratch, 'package.json'));
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      'crashing-job-process': 'test/soak/crashing-job-process.ts',
      'crashing-worker': 'test/soak/crashing-worker.ts',
      'random-job': 'test/soak/random-job.ts',
      main: 'src/launcher.ts',
      'worker-entry': 'src/stream/task/worker-entry.ts',
      'job-process': 'src/cli/job-process/entry.ts',
    },
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['flinkjob-source'],
    packages: 'external',
    logLevel: 'warning',
  });
  return {
    jobProcess: join(directory, 'crashing-job-process.js'),
    command: join(directory, 'main.js'),
    randomJob: join(directory, 'random-job.js'),
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}
